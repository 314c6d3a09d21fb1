"""Go through all architectures of open_clip: build each, run both towers, and write the tables.

    python -m scripts.architectures

writes ``src/gopro/backbones/architectures.csv``, which ``gopro backbones`` shows, and the table in
``docs/backbones.md``. Models are built on the meta device, which has shapes and no values, so that
the largest take no memory. Tokenizers are replaced by a stand-in, and the text models of the hub
are built from the sizes below, so that nothing is fetched.
"""

from __future__ import annotations

import json
import re
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest import mock

import open_clip
import torch

from gopro.backbones import Backbone, Prompts
from gopro.backbones.architectures import Architecture, family, fitting, write
from gopro.backbones.hub_text import HubText
from gopro.backbones.low_rank import image_blocks, text_blocks
from gopro.common.errors import GoproError
from gopro.methods import TABLE, find

PAGE = Path(__file__).resolve().parents[1] / "docs" / "backbones.md"
MARKS = ("<!-- architectures -->", "<!-- end of architectures -->")

_ROBERTA = {"model_type": "roberta", "vocab_size": 50265, "max_position_embeddings": 514}
_XLM = {"model_type": "xlm-roberta", "vocab_size": 250002, "max_position_embeddings": 514}
_MT5 = {"model_type": "mt5", "vocab_size": 250112}
_M2M = {"model_type": "m2m_100", "vocab_size": 256206, "d_model": 1024}
_TEXT_MODELS: dict[str, dict[str, Any]] = {
    "roberta-base": _ROBERTA,
    "xlm-roberta-base": _XLM,
    "xlm-roberta-large": {
        **_XLM,
        "hidden_size": 1024,
        "num_hidden_layers": 24,
        "num_attention_heads": 16,
        "intermediate_size": 4096,
    },
    "google/mt5-base": {**_MT5, "d_model": 768, "d_ff": 2048, "num_layers": 12, "num_heads": 12},
    "google/mt5-xl": {**_MT5, "d_model": 2048, "d_ff": 5120, "num_layers": 24, "num_heads": 32},
    "facebook/nllb-200-distilled-600M": {**_M2M, "encoder_layers": 12, "encoder_ffn_dim": 4096},
    "facebook/nllb-200-distilled-1.3B": {**_M2M, "encoder_layers": 24, "encoder_ffn_dim": 8192},
}


class StandIn:
    """A tokenizer with CLIP's interface as the hub's have it: a number for each word."""

    def __init__(self, length: int) -> None:
        self.context_length = length

    def __call__(self, texts: Sequence[str]) -> torch.Tensor:
        rows = [[3, *self.tokenizer(text).input_ids, 2] for text in texts]
        return torch.tensor([row + [0] * (self.context_length - len(row)) for row in rows])

    def clean_fn(self, text: str) -> str:
        """The text as it is."""
        return text

    def tokenizer(self, text: str, add_special_tokens: bool = False) -> Any:
        """The ids of a text."""
        return SimpleNamespace(input_ids=[4 + len(word) % 50 for word in text.split()])


def look(name: str) -> Architecture:
    """Build an architecture and run both towers, with learned tokens where it takes them."""
    config = open_clip.get_model_config(name)
    size = config.get("vision_cfg", {}).get("image_size", 0)
    side = size[0] if isinstance(size, (list, tuple)) else size
    try:
        backbone = _built(name, config)
        prompts, low_rank = _run(backbone), _adaptable(backbone)
    except Exception as error:
        reason = str(error).strip().splitlines()[0][:200]
        return Architecture(name, family(name), side, 0, 0, False, "none", reason)
    image = sum(part.numel() for part in backbone.image_encoder.visual.parameters())
    module: Any = getattr(backbone.model, "text", None)
    whole = backbone.model if module is None else module
    text = sum(part.numel() for part in whole.parameters()) - (image if module is None else 0)
    return Architecture(
        name,
        family(name),
        backbone.image_size,
        image,
        text,
        prompts,
        low_rank,  # type: ignore[arg-type]
        upper_text=backbone.text_encoder.tower.extensible,
        projection=backbone.pooled_width > 0,
    )


def _built(name: str, config: dict[str, Any]) -> Backbone:
    text = config["text_cfg"]
    registered = mock.patch.dict(open_clip.factory._MODEL_CONFIGS, {name: config})
    with _configured(text), registered, torch.device("meta"):
        model = open_clip.create_model(name, pretrained_text=False, device="meta")
    other = text.get("hf_tokenizer_name")
    length = int(text.get("context_length", 77))
    tokenizer = StandIn(length) if other else open_clip.get_tokenizer("ViT-B-32")
    return Backbone(model, tokenizer, name=name)


@contextmanager
def _configured(text: dict[str, Any]) -> Iterator[None]:
    """Let the text model of a configuration be built from the sizes above."""
    sizes = _TEXT_MODELS.get(text.get("hf_model_name", ""))
    if sizes is None:
        yield
        return
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "config.json").write_text(json.dumps(sizes), encoding="utf-8")
        text["hf_model_name"] = folder
        yield


def _run(backbone: Backbone) -> bool:
    """Both towers with a batch of 2, and whether the image tower takes prompts."""
    with torch.device("meta"):
        pixels = torch.zeros(2, 3, backbone.image_size, backbone.image_size)
        features = backbone.encode_image(pixels)
        assert features.embedding.shape == (2, backbone.embed_dim)
        assert features.mean.shape == features.std.shape == (2, sum(backbone.vision_widths))
        context = torch.zeros(2, 4, backbone.text_width)
        classes = backbone.class_tokens(["cat", "golden retriever"], 4)
        if not isinstance(backbone.text_encoder.tower, HubText):  # these look at the mask's values
            text = backbone.encode_text(Prompts.after(context, classes))
            assert text.shape == (2, 2, backbone.embed_dim)
        try:
            backbone.image_encoder.prompts.check("vpt", len(backbone.vision_widths))
        except GoproError:
            return False
        prompts = torch.zeros(2, backbone.vision_widths[0])
        backbone.encode_image(pixels, [prompts] * len(backbone.vision_widths))
    return True


def _adaptable(backbone: Backbone) -> str:
    found = []
    for tower, blocks in (("image", image_blocks), ("text", text_blocks)):
        try:
            blocks(backbone)
            found.append(tower)
        except GoproError:
            continue
    return "both" if len(found) == 2 else (found or ["none"])[0]


def page(rows: Sequence[Architecture], version: str) -> str:
    """The table of a version of open_clip in Markdown."""
    modifying = [name for name in TABLE if find(name).modifies_image_encoder]
    built = [row for row in rows if not row.refused]
    lines = [
        f"open_clip {version} has {len(rows)} architectures; {len(built)} work.",
        "",
        "| architecture | family | image | image tower | text tower | methods |",
        "|---|---|---:|---:|---:|---|",
    ]
    for row in built:
        sizes = [f"{count / 1e6:.0f} M" for count in (row.image_parameters, row.text_parameters)]
        lines.append(
            f"| `{row.name}` | {row.family} | {row.pixels} px | {' | '.join(sizes)} | "
            f"{fitting(row, modifying)} |"
        )
    if len(built) < len(rows):
        lines += ["", "Refused:", ""]
        lines += [f"- `{row.name}`: {row.refused}" for row in rows if row.refused]
    return "\n".join(lines)


def main() -> None:
    """Write both tables."""
    rows = [look(name) for name in open_clip.list_models()]
    write(rows)
    start, end = MARKS
    text = PAGE.read_text(encoding="utf-8")
    table = f"{start}\n\n{page(rows, open_clip.__version__)}\n\n{end}"
    PAGE.write_text(
        re.sub(f"{start}.*{end}", lambda _: table, text, flags=re.DOTALL), encoding="utf-8"
    )
    for row in rows:
        if row.refused:
            print(f"{row.name}: {row.refused}")
    print(f"{sum(not row.refused for row in rows)} of {len(rows)} architectures work")


if __name__ == "__main__":
    main()
