"""VPT against its formulas."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import slow_methods as slow
import torch
from slow_methods import NAMES

from gopro.backbones import Backbone
from gopro.common.errors import GoproError
from gopro.methods.base import Batch, Recipe
from gopro.methods.vpt import VPT, VPTSettings
from slow_vision import plain_image
from small_clips import RESNET, close, small_backbone


def vpt(backbone: Backbone, **options: Any) -> VPT:
    torch.manual_seed(0)
    method = VPT(backbone, NAMES, VPTSettings(**options))
    slow.stir(method)
    return method


@pytest.mark.parametrize(
    ("options", "blocks"),
    [
        ({"n_ctx": 2}, 3),
        ({"n_ctx": 2, "variant": "shallow"}, 1),
        ({"n_ctx": 1, "depth": 2, "template": "a {} in a field"}, 2),
    ],
)
def test_formulas(backbone: Backbone, batch: Batch, options: dict[str, Any], blocks: int) -> None:
    method = vpt(backbone, **options)
    assert [tuple(part.shape) for part in method.prompts] == blocks * [(options["n_ctx"], 64)]
    image = plain_image(backbone, batch.images["x"], list(method.prompts), behind_class=True)
    text = slow.written(backbone, options.get("template", "a photo of a {}."))
    wanted = slow.scores(backbone, image, text)
    close(method.logits(method.encode_image(batch.images["x"])), wanted)
    loss = slow.cross_entropy(wanted, batch.labels)
    total = method.total_loss(method.loss(batch))
    close(total, loss)
    for mine, plain in zip(
        slow.gradients(total, method), slow.gradients(loss, method), strict=True
    ):
        close(mine, plain, 2e-4)
    slow.check_gradients(method, batch)


def test_new_names_and_state(backbone: Backbone, batch: Batch) -> None:
    method = vpt(backbone, depth=2)
    slow.check_new_names(method, batch.images["x"])
    slow.check_state(method, {"prompts.0", "prompts.1"})


def test_training(backbone: Backbone, tmp_path: Path) -> None:
    recipe = Recipe(epochs=4, batch=6, lr=0.05, augment="none")
    slow.check_training(vpt(backbone), tmp_path, recipe)


def test_what_it_refuses(backbone: Backbone) -> None:
    with pytest.raises(GoproError, match="got the variant 'flat'; choose deep or shallow"):
        VPTSettings(variant="flat")  # type: ignore[arg-type]
    with pytest.raises(GoproError, match="got the depth 2, but shallow"):
        VPTSettings(variant="shallow", depth=2)
    with pytest.raises(GoproError, match="got 0 prompt tokens"):
        VPT(backbone, NAMES, VPTSettings(n_ctx=0))
    with pytest.raises(GoproError, match="got prompts for 4 blocks of the image tower"):
        VPT(backbone, NAMES, VPTSettings(depth=4))
    resnet = small_backbone(vision=RESNET, text={"layers": 1, "context_length": 24})
    with pytest.raises(GoproError, match=r"vpt learns prompts among .* has no transformer blocks"):
        VPT(resnet, NAMES, VPTSettings())
