"""Checks of every compared method: encoders, precisions, class names, pixels and features."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import torch

from gopro.backbones import Backbone
from gopro.common.errors import GoproError
from gopro.methods import find
from gopro.methods.base import Batch, Method, Recipe
from gopro.training.optimizers import make_optimizer
from small_clips import RESNET, close, small_backbone

COMPARED = [
    "coop",
    "cocoop",
    "kgcoop",
    "prograd",
    "tcp",
    "slip",
    "stylip",
    "linear_probe",
    "clip_adapter",
    "tip_adapter",
    "linear_adapter",
    "prolip",
]
PIXELS = ["vpt", "maple", "promptsrc", "coprompt", "mmrl", "mma", "clip_lora", "two_stage"]
"""Those that modify the image encoder."""
NAMES = ["car_side", "BACKGROUND Google", "кошка"]
TEXT = {"layers": 2, "context_length": 32}


def made(name: str, backbone: Backbone, batch: Batch) -> Method:
    """A method after ``prepare``, if it needs that."""
    kind = find(name)
    torch.manual_seed(0)
    method = kind(backbone, NAMES, kind.Settings())
    if method.learns_from_features:
        method.prepare(backbone.encode_image(batch.images["moco"]), batch.labels)
    return method


@pytest.mark.parametrize("name", COMPARED)
def test_resnets_too(name: str) -> None:
    backbone = small_backbone(vision=RESNET, text=TEXT)
    generator = torch.Generator().manual_seed(0)
    images = {view: torch.rand(3, 3, 64, 64, generator=generator) for view in ("x", "moco")}
    batch = Batch(labels=torch.tensor([0, 2, 1]), images=images)
    method = made(name, backbone, batch)
    assert method.total_loss(method(batch)).isfinite()
    assert method.eval().logits(backbone.encode_image(images["x"])).shape == (3, 3)


@pytest.mark.parametrize("precision", ["bf16", "fp16"])
@pytest.mark.parametrize("name", [*COMPARED, *PIXELS])
def test_half_precision_towers(name: str, precision: str, batch: Batch) -> None:
    backbone = small_backbone(text=TEXT).to("cpu", precision)
    method = made(name, backbone, batch)
    assert all(parameter.dtype == torch.float32 for parameter in method.parameters())
    terms = method(batch)
    assert all(term.dtype == torch.float32 and term.isfinite() for term in terms.values())
    method.backward(terms, torch.Tensor.backward)
    for part, value in method.named_parameters():
        if part != "classifier":  # of the second stage of two_stage
            assert value.grad is not None and value.grad.isfinite().all(), part


@pytest.mark.parametrize("name", COMPARED)
def test_features_in_place_of_images(name: str, batch: Batch) -> None:
    backbone = small_backbone(text=TEXT)
    method = made(name, backbone, batch)
    features = {view: backbone.encode_image(pixels) for view, pixels in batch.images.items()}
    found = method(Batch(labels=batch.labels, features=features))
    for term, value in method(batch).items():
        close(found[term], value)


@pytest.mark.parametrize("name", PIXELS)
def test_features_of_the_frozen_tower_are_not_theirs(name: str, batch: Batch) -> None:
    backbone = small_backbone(text=TEXT)
    method = made(name, backbone, batch)
    assert method.modifies_image_encoder
    features = {view: backbone.encode_image(pixels) for view, pixels in batch.images.items()}
    with pytest.raises(GoproError, match="changes the image encoder and got features of"):
        method(Batch(labels=batch.labels, features=features))


@pytest.mark.parametrize("name", [*(name for name in COMPARED if name != "linear_probe"), *PIXELS])
def test_a_name_that_is_too_long(name: str) -> None:
    backbone = small_backbone(text=TEXT)
    kind = find(name)
    with pytest.raises(GoproError, match=r"class name .* is \d+ tokens long and only \d+ fit"):
        kind(backbone, ["cat", "very " * 30 + "long name"], kind.Settings())


@pytest.mark.parametrize("name", [*COMPARED, *PIXELS])
def test_recipes(name: str) -> None:
    """The recipes of both backbones have the same optimizer, and both train or neither does."""
    published, mini = (find(name).recipe_for(one) for one in ("ViT-B-16", "mini"))
    assert published.optimizer == mini.optimizer
    assert (published.epochs == 0) == (mini.epochs == 0)


@pytest.mark.parametrize(
    ("optimizer", "kind"),
    [("sgd", torch.optim.SGD), ("adam", torch.optim.Adam), ("adamw", torch.optim.AdamW)],
)
def test_optimizers(optimizer: str, kind: type[torch.optim.Optimizer]) -> None:
    recipe = Recipe(lr=0.25, weight_decay=0.125, momentum=0.5, optimizer=optimizer)  # type: ignore[arg-type]
    found = make_optimizer(recipe, [torch.zeros(2, requires_grad=True)])
    assert type(found).__bases__ == (kind,)
    assert (found.defaults["lr"], found.defaults["weight_decay"]) == (0.25, 0.125)
    assert found.defaults.get("momentum", 0.5) == 0.5


def test_the_page_shows_the_published_recipes() -> None:
    page = Path(__file__).parents[3] / "docs" / "methods.md"
    section = page.read_text(encoding="utf-8").partition("## Published recipes")[2]
    rows = re.findall(r"^\| `(\w+)` \| (.+) \|$", section.partition("\n## ")[0], re.MULTILINE)
    shown = {name: [cell.strip() for cell in rest.split("|")] for name, rest in rows}
    assert {*COMPARED, *PIXELS} <= set(shown)
    for name, cells in shown.items():
        recipe = find(name).recipe_for("ViT-B-16")
        values = [recipe.epochs, recipe.batch, recipe.lr, recipe.optimizer, recipe.warmup_epochs]
        wanted = [str(value) for value in (*values, recipe.augment)]
        if recipe.epochs > 0:
            assert cells[:6] == wanted, name
        else:
            assert cells[0] == "0"
