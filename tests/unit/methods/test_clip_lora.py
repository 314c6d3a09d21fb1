"""CLIP-LoRA against its formulas, with the towers' own blocks taken apart."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import slow_methods as slow
import torch
from slow_methods import NAMES, READ
from torch import Tensor

from gopro.backbones import Backbone
from gopro.common.errors import GoproError
from gopro.methods.base import Batch, Recipe
from gopro.methods.clip_lora import CLIPLoRA, CLIPLoRASettings, LowRank
from gopro.methods.zeroshot import ZeroShot, ZeroShotSettings
from gopro.training.config import TrainSettings
from gopro.training.recipe import choose_recipe
from small_clips import RESNET, close, small_backbone


def lora(backbone: Backbone, **options: Any) -> CLIPLoRA:
    torch.manual_seed(0)
    method = CLIPLoRA(backbone, NAMES, CLIPLoRASettings(**{"dropout": 0.0, **options}))
    slow.stir(method)
    return method


def adapted(blocks: Any, low_rank: LowRank | None, scale: float) -> dict[str, Tensor]:
    """The projections W + scale B A of a tower's blocks, by the names of its weights."""
    found = {}
    for index, block in enumerate(blocks):
        weight = block.attn.in_proj_weight
        if low_rank is not None:
            deltas = [low_rank.up[index, p] @ low_rank.down[index, p] for p in range(3)]
            weight = weight + scale * torch.cat(deltas)
        found[f"transformer.resblocks.{index}.attn.in_proj_weight"] = weight
    return found


def literal(method: CLIPLoRA, pixels: Tensor, scale: float) -> Tensor:
    """Scores [B, C] from open_clip's own towers, their weights replaced by the sums."""
    model: Any = method.backbone.model
    image = getattr(method, "image_tower", None)
    text = getattr(method, "text_tower", None)
    visual = adapted(model.visual.transformer.resblocks, image, scale)
    normal = method.backbone.image_encoder.normalised(pixels)
    images = torch.func.functional_call(model.visual, visual, normal)
    words = method.backbone.tokenizer([f"a photo of a {name}." for name in READ], 24)

    class Texts(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.model = model

        def forward(self, tokens: Tensor) -> Tensor:
            found: Tensor = self.model.encode_text(tokens)
            return found

    weights = adapted(model.transformer.resblocks, text, scale)
    named = {f"model.{name}": weight for name, weight in weights.items()}
    return slow.scores(method.backbone, images, torch.func.functional_call(Texts(), named, words))


@pytest.mark.parametrize(
    ("options", "scale"),
    [
        ({}, 2**-0.5),
        ({"rank": 3, "alpha": 2.0}, 2 * 3**-0.5),
        ({"tower": "image"}, 2**-0.5),
        ({"tower": "text"}, 2**-0.5),
    ],
)
def test_formulas(backbone: Backbone, batch: Batch, options: dict[str, Any], scale: float) -> None:
    method = lora(backbone, **options)
    wanted = literal(method, batch.images["x"], scale)
    assert (wanted - literal(method, batch.images["x"], 0.0)).abs().max() > 0.01
    close(method.logits(method.encode_image(batch.images["x"])), wanted)
    loss = slow.cross_entropy(wanted, batch.labels)
    terms = method.loss(batch)
    close(terms["ce"], loss, 5e-5)
    for mine, plain in zip(
        slow.gradients(terms["ce"], method), slow.gradients(loss, method), strict=True
    ):
        close(mine, plain, 5e-4)
    slow.check_gradients(method, batch)


def test_each_projection_drops_its_own_share() -> None:
    """With A and B of ones, rank 1: what is added is the sum of what was kept, over 1 - p."""
    added = LowRank(1, 4000, CLIPLoRASettings(rank=1, dropout=0.25))
    with torch.no_grad():
        added.down.fill_(1.0)
        added.up.fill_(1.0)
        torch.manual_seed(0)
        sums = added.train()(0, torch.ones(1, 4000))[0].view(3, 4000)
    kept = sums[:, 0] * 0.75
    assert torch.equal(sums, sums[:, :1].expand(3, 4000))
    assert len({round(count.item()) for count in kept}) == 3
    assert all(abs(count / 4000 - 0.75) < 0.04 for count in kept)
    assert torch.equal(added.eval()(0, torch.ones(1, 4000)), torch.full((1, 12000), 4000.0))


def test_dropout_is_for_training_alone(backbone: Backbone, batch: Batch) -> None:
    plain, dropping = lora(backbone), lora(backbone, dropout=0.25)
    before, after = (method.eval().loss(batch)["ce"] for method in (plain, dropping))
    assert torch.equal(before, after)
    assert not torch.equal(dropping.train().loss(batch)["ce"], after)


def test_starts_at_zero_shot(backbone: Backbone, batch: Batch) -> None:
    zero = ZeroShot(backbone, NAMES, ZeroShotSettings())
    wanted = zero.logits(backbone.encode_image(batch.images["x"]))
    method = CLIPLoRA(backbone, NAMES, CLIPLoRASettings()).eval()
    close(method.logits(method.encode_image(batch.images["x"])), wanted)


def test_chunks_of_classes_change_nothing(batch: Batch) -> None:
    found = []
    for chunk in (10_000, 20):
        backbone = small_backbone(text={"layers": 2, "context_length": 24}, chunk_tokens=chunk)
        method = lora(backbone)
        terms = method.loss(batch)
        found.append([terms["ce"], *slow.gradients(terms["ce"], method)])
    for whole, pieces in zip(*found, strict=True):
        close(pieces, whole, 1e-4)


def test_new_names_and_state(backbone: Backbone, batch: Batch) -> None:
    method = lora(backbone).eval()
    features = method.encode_image(batch.images["x"])
    before = method.logits(features)
    other = method.for_classes(slow.NEW)
    built = CLIPLoRA(backbone, slow.NEW, method.settings)
    built.load_state_dict(method.state_dict())
    assert torch.equal(other.logits(features), built.eval().logits(features))
    assert (other.logits(features) - before).abs().max() > 0.01
    assert torch.equal(method.logits(features), before)
    parts = {
        f"{tower}.{part}" for tower in ("image_tower", "text_tower") for part in ("down", "up")
    }
    slow.check_state(method, parts)


def test_the_backbone_stays_as_it_was(backbone: Backbone, batch: Batch, tmp_path: Path) -> None:
    before = {name: value.clone() for name, value in backbone.model.state_dict().items()}
    features = backbone.encode_image(batch.images["x"]).embedding
    recipe = Recipe(epochs=6, batch=6, lr=0.02, augment="none", optimizer="adamw")
    slow.check_training(lora(backbone, dropout=0.25), tmp_path, recipe)
    assert torch.equal(backbone.encode_image(batch.images["x"]).embedding, features)
    after = backbone.model.state_dict()
    assert all(torch.equal(after[name], value) for name, value in before.items())


def test_resnets_with_the_text_tower_alone() -> None:
    backbone = small_backbone(vision=RESNET, text={"layers": 2, "context_length": 24})
    with pytest.raises(
        GoproError, match="small has no transformer blocks; choose a backbone such as ViT-B-16"
    ):
        lora(backbone)
    method = lora(backbone, tower="text")
    pixels = torch.rand(2, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    assert method.loss(Batch(labels=torch.tensor([0, 2]), images={"x": pixels}))["ce"].isfinite()


@pytest.mark.parametrize("classes", [50, 51, 1000])
def test_steps_by_shots_as_epochs(classes: int) -> None:
    plain = TrainSettings(dataset="world", method="clip_lora", backbone="ViT-B-16")
    found = choose_recipe(CLIPLoRA, plain, classes)
    steps = 500 * plain.shots
    assert 0 <= found.epochs * classes * plain.shots / found.batch - steps < classes
    assert choose_recipe(CLIPLoRA, plain).epochs == 320
    mini = TrainSettings(dataset="world", method="clip_lora", backbone="mini")
    assert choose_recipe(CLIPLoRA, mini, classes) == CLIPLoRA.recipe_for("mini")


@pytest.mark.parametrize(
    "options", [{"rank": 0}, {"dropout": 1.0}, {"alpha": 0.0}, {"tower": "none"}]
)
def test_what_is_refused(options: dict[str, Any]) -> None:
    with pytest.raises(GoproError, match="got "):
        CLIPLoRASettings(**options)
