"""The backbone as a whole: templates, scale, precision and what identifies it."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest
import torch
from open_clip.model import CustomTextCLIP

from gopro.backbones import Backbone
from gopro.backbones.clip import describe
from gopro.common.errors import GoproError
from small_clips import close, small_backbone, small_clip, tokenizer

NAMES = ["cat", "golden_retriever", "C-130 Hercules", "St. Bernard."]


@pytest.mark.parametrize("kind", [{}, {"kind": CustomTextCLIP}], ids=["CLIP", "CustomTextCLIP"])
@pytest.mark.parametrize(
    "template",
    [
        "a photo of a {}.",
        "{}",
        "itap of the {}.",
        "a photo of a {}, a type of pet.",
        "{} seen on a {} poster!",
    ],
)
def test_template_is_open_clips_own_encoding(template: str, kind: dict[str, Any]) -> None:
    model: Any = small_clip(**kind).eval()
    texts = [template.replace("{}", name.replace("_", " ")) for name in NAMES]
    with torch.no_grad():
        wanted = model.encode_text(tokenizer()(texts))
    close(Backbone(model, tokenizer(), name="small").encode_class_names(NAMES, template), wanted)


def test_template_without_a_place_for_the_name_is_refused() -> None:
    with pytest.raises(GoproError, match=r"without \{\} for the class name"):
        small_backbone().encode_class_names(["cat"], "a photo")


@pytest.mark.parametrize(("stored", "wanted"), [(math.log(14.0), 14.0), (9.0, 100.0)])
@pytest.mark.parametrize("shape", [(), (1,)])
def test_logit_scale(stored: float, wanted: float, shape: tuple[int, ...]) -> None:
    model: Any = small_clip()
    model.logit_scale = torch.nn.Parameter(torch.full(shape, stored))
    backbone = Backbone(model, tokenizer(), name="small")
    for precision in ("fp32", "bf16"):
        scale = backbone.to("cpu", precision).logit_scale
        assert scale.shape == ()
        assert scale.dtype == torch.float32
        assert not scale.requires_grad
        assert scale.item() == pytest.approx(wanted, rel=1e-6)


def test_precision_and_sizes() -> None:
    backbone = small_backbone()
    assert backbone.dtype == torch.float32
    assert backbone.to("cpu", "bf16").dtype == torch.bfloat16
    assert backbone.device == torch.device("cpu")
    assert (backbone.text_width, backbone.embed_dim, backbone.image_size) == (64, 32, 32)
    assert backbone.token_embeddings("a photo").dtype == torch.float32


@pytest.mark.parametrize(
    ("text", "wanted"), [({"proj_type": "none"}, 64), ({"proj_bias": True}, 32)]
)
def test_embed_dim_of_other_projections(text: dict[str, Any], wanted: int) -> None:
    assert small_backbone(text=text).embed_dim == wanted


def test_description_names_the_file_without_its_folder(tmp_path: Path) -> None:
    file = tmp_path / "weights.pt"
    file.touch()
    model = small_clip()
    for pretrained, wanted in ((str(file), "weights.pt"), ("openai", "openai"), ("", "")):
        backbone = Backbone(model, tokenizer(), name="small", pretrained=pretrained)
        assert describe(backbone) == {"name": "small", "pretrained": wanted}
