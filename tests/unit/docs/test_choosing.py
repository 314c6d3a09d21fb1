"""The table "which method for me": each row follows from the method's code and recipe."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import torch
from torch import nn

import documented
from gopro.backbones import Backbone, ImageFeatures
from gopro.common.errors import GoproError
from gopro.methods import TABLE, configs, find
from gopro.methods.base import Method
from gopro.results import published
from small_clips import RESNET, small_backbone

PAGE = (documented.ROOT / "docs" / "choosing.md").read_text(encoding="utf-8")
TRAINED, OTHERS = ("cat", "dog", "tree"), ("boat", "lamp", "moth", "rose")
RECIPES = Path(configs.__file__).parent / "published"


@pytest.fixture(scope="module")
def vit() -> Backbone:
    return small_backbone(text={"layers": 2, "context_length": 24})


@pytest.fixture(scope="module")
def resnet() -> Backbone:
    return small_backbone(vision=RESNET, text={"layers": 2, "context_length": 24})


def test_a_row_for_each_method() -> None:
    assert re.findall(r"^\| `(\w+)` \|", PAGE, re.MULTILINE) == list(TABLE)


@pytest.mark.parametrize("name", TABLE)
def test_a_row_is_true(name: str, vit: Backbone, resnet: Backbone) -> None:
    kind = find(name)
    cells = (
        f"`{name}`",
        _published(name),
        _other_names(kind, vit),
        _image_encoder(kind, resnet),
        _costs(kind, vit),
    )
    shown = [line for line in PAGE.splitlines() if line.startswith(f"| `{name}` |")]
    assert shown == [f"| {' | '.join(cells)} |"]


def _published(name: str) -> str:
    """The harmonic mean in GOPro's table; else that of the recipe file, with a star, or two."""
    figures = published.figures("base2new", "average", name)
    if figures:
        return f"{figures['harmonic_mean']:.2f}"
    text = (RECIPES / f"{name}.yaml").read_text(encoding="utf-8")
    mean = re.search(r"mean of 11 data sets: .* harmonic mean ([\d.]+)", text)
    stars = "**" if "# As listed by" in text else "*"
    return f"{mean[1]}{stars}" if mean else ""


def _other_names(kind: type[Method], backbone: Backbone) -> str:
    """Whether other class names are accepted, and whether their scores depend on learned values."""
    method = _built(kind, backbone)
    try:
        method.for_classes(OTHERS)
    except GoproError:
        return "no"
    if not method.trainable_parameters:
        return "yes"
    pixels = torch.rand(2, 3, backbone.image_size, backbone.image_size)
    scores = []
    for _ in range(2):
        with torch.no_grad():
            for parameter in method.parameters():
                nn.init.normal_(parameter)
            scores.append(method.for_classes(OTHERS).logits(method.encode_image(pixels)))
    return "zero-shot CLIP's scores" if torch.equal(*scores) else "yes"


def _built(kind: type[Method], backbone: Backbone) -> Method:
    """A method for the classes of ``TRAINED``, with one training image of each."""
    torch.manual_seed(0)
    method = kind(backbone, TRAINED, kind.Settings())
    if method.learns_from_features:
        embedding = torch.randn(len(TRAINED), backbone.embed_dim)
        statistics = torch.rand(len(TRAINED), sum(backbone.vision_widths))
        features = ImageFeatures(embedding, statistics, statistics)
        method.prepare(features, torch.arange(len(TRAINED)))
    return method


def _image_encoder(kind: type[Method], resnet: Backbone) -> str:
    try:
        _built(kind, resnet)
    except GoproError:
        return "ViT"
    return "any"


def _costs(kind: type[Method], backbone: Backbone) -> str:
    method = _built(kind, backbone)
    costs = {
        "nothing is trained": method.trainable_parameters == 0,
        "gradients through the image encoder": kind.modifies_image_encoder,
        "prompts for each image": kind.prompts_per_image,
        "augmented views": method.views != ("x",),
    }
    return ", ".join(cost for cost, applies in costs.items() if applies)
