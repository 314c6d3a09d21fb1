"""2SFS against its formulas, with the towers' own layer norms changed in place."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import slow_methods as slow
import torch
from slow_methods import NAMES, READ
from torch import Tensor, nn

from gopro.backbones import Backbone
from gopro.common.errors import GoproError
from gopro.methods.base import Batch, Recipe
from gopro.methods.two_stage import TwoStage, TwoStageSettings
from gopro.methods.zeroshot import ZeroShot, ZeroShotSettings
from gopro.training.config import TrainSettings
from gopro.training.recipe import choose_recipe
from gopro.training.schedule import learning_rate
from small_clips import RESNET, close, small_backbone
from small_towers import pictures, shared_family

SENTENCE = "a photo of a {}."


def made(backbone: Backbone, **options: Any) -> TwoStage:
    method = TwoStage(backbone, NAMES, TwoStageSettings(**options))
    slow.stir(method)
    return method


def literal(method: TwoStage) -> Backbone:
    """A whole copy of the backbone in which the learned layer norms stand."""
    model: Any = copy.deepcopy(method.backbone.model)
    places: Mapping[str, nn.Module] = {
        **dict(zip(method.text_names, method.text_norms, strict=True)),
        **{f"visual.{n}": m for n, m in zip(method.image_names, method.image_norms, strict=True)},
    }
    for name, norm in places.items():
        there = model.get_submodule(name)
        there.weight, there.bias = norm.weight, norm.bias
    return Backbone(model, method.backbone.tokenizer, name="copy")


def of_copy(method: TwoStage, images: Tensor, names: list[str] = READ) -> tuple[Tensor, Tensor]:
    """Image embeddings and unit text embeddings by open_clip's own encoders."""
    backbone = literal(method)
    for norm in (*method.text_norms, *method.image_norms):
        norm.requires_grad_(True)
    model: Any = backbone.model
    image = model.visual(backbone.image_encoder.normalised(images))
    text = model.encode_text(backbone.tokenizer([SENTENCE.replace("{}", n) for n in names], 24))
    return image, torch.stack([slow.unit(row) for row in text])


@pytest.mark.parametrize("tower", ["both", "image", "text"])
def test_first_stage(backbone: Backbone, batch: Batch, tower: str) -> None:
    method = made(backbone, tower=tower)
    image, text = of_copy(method, batch.images["x"])
    wanted = slow.scores(backbone, image, text)
    close(method.logits(method.encode_image(batch.images["x"])), wanted)
    zero = ZeroShot(backbone, NAMES, ZeroShotSettings()).logits(
        backbone.encode_image(batch.images["x"])
    )
    assert (wanted - zero).abs().max() > 0.01
    loss, terms = slow.cross_entropy(wanted, batch.labels), method.loss(batch)
    close(terms["ce"], loss, 5e-5)
    norms = [*method.image_norms.parameters(), *method.text_norms.parameters()]
    assert len(norms) == {"both": 20, "image": 12, "text": 8}[tower]
    slow_gradients = torch.autograd.grad(loss, norms)
    for mine, plain in zip(torch.autograd.grad(terms["ce"], norms), slow_gradients, strict=True):
        close(mine, plain, 5e-4)
    method.zero_grad()
    method.backward(method.loss(batch), torch.Tensor.backward)
    assert method.classifier.grad is None  # so that the optimizer leaves it alone
    assert all(weight.grad is None for weight in backbone.model.parameters())


def test_second_stage(backbone: Backbone, batch: Batch) -> None:
    method = made(backbone)
    image, text = of_copy(method, batch.images["x"])
    before = method.logits(method.encode_image(batch.images["x"]))
    method.end_epoch(5, 10)  # the last of the first 6
    close(method.classifier, text)
    assert method.has_classifier
    close(method.logits(method.encode_image(batch.images["x"])), before)
    with torch.no_grad():
        method.classifier += 0.1 * torch.randn_like(method.classifier)
    learned = method.classifier.detach().clone().requires_grad_()
    rows = torch.stack([slow.unit(row) for row in learned])
    wanted = slow.scores(backbone, image.detach(), rows)
    terms, loss = method.loss(batch), slow.cross_entropy(wanted, batch.labels)
    close(method.logits(method.encode_image(batch.images["x"])), wanted)
    close(terms["ce"], loss, 5e-5)
    (mine,), (plain,) = (
        torch.autograd.grad(terms["ce"], [method.classifier], retain_graph=True),
        torch.autograd.grad(loss, [learned]),
    )
    close(mine, plain, 5e-4)
    method.zero_grad()
    method.backward(method.loss(batch), torch.Tensor.backward)
    assert all(norm.weight.grad is None for norm in (*method.image_norms, *method.text_norms))


def test_trained_names_use_the_classifier_and_new_ones_their_text(
    backbone: Backbone, batch: Batch
) -> None:
    method = made(backbone)
    method.end_epoch(5, 10)
    with torch.no_grad():
        method.classifier.normal_()
    features = method.encode_image(batch.images["x"])
    mixed = method.for_classes(["tree", NAMES[2], "sun", NAMES[0]]).logits(features)
    image, text = of_copy(method, batch.images["x"], ["tree", "sun"])
    close(mixed[:, [0, 2]], slow.scores(backbone, image, text))
    close(mixed[:, [1, 3]], method.logits(features)[:, [2, 0]])
    close(method.for_classes(["tree", "sun"]).logits(features), mixed[:, [0, 2]])


def test_it_starts_at_zero_shot_clip(backbone: Backbone, batch: Batch) -> None:
    zero = ZeroShot(backbone, NAMES, ZeroShotSettings())
    wanted = zero.logits(backbone.encode_image(batch.images["x"]))
    for share in (0.6, 0.0):
        method = TwoStage(backbone, NAMES, TwoStageSettings(share=share))
        assert bool(method.has_classifier) == (share == 0)
        close(method.logits(method.encode_image(batch.images["x"])), wanted)


@pytest.mark.parametrize(
    ("share", "stages"),
    [
        (0.6, [(0, 6)] * 6 + [(6, 4)] * 4),
        (0.0, [(0, 10)] * 10),
        (1.0, [(0, 10)] * 10),
        (0.01, [(0, 1)] + [(1, 9)] * 9),
    ],
)
def test_stages(backbone: Backbone, share: float, stages: list[tuple[int, int]]) -> None:
    method = TwoStage(backbone, NAMES, TwoStageSettings(share=share))
    assert [method.stage_of(epoch, 10) for epoch in range(10)] == stages
    recipe = Recipe(epochs=10, lr=0.1, warmup_epochs=0)
    for epoch, (first, count) in enumerate(stages):
        own = Recipe(epochs=count, lr=0.1, warmup_epochs=0)
        assert learning_rate(recipe, epoch, (first, count)) == learning_rate(own, epoch - first)
    began = []
    for epoch in range(10):
        method.end_epoch(epoch, 10)
        began.append(bool(method.has_classifier))
    assert began.count(True) == (0 if share == 1 else 10 if share == 0 else 11 - stages[0][1])


def test_training_goes_through_both_stages(backbone: Backbone, tmp_path: Path) -> None:
    method = TwoStage(backbone, NAMES, TwoStageSettings())
    start = copy.deepcopy(method.state_dict())
    recipe = Recipe(
        epochs=10, batch=6, lr=0.01, weight_decay=0.01, augment="none", optimizer="adamw"
    )
    rows = slow.check_training(method, tmp_path, recipe)
    assert [row["lr"] for row in rows][6] == recipe.warmup_lr  # the second stage begins
    assert method.has_classifier and rows[-1]["loss"] < rows[6]["loss"]
    changed = [name for name, value in method.state_dict().items() if not value.equal(start[name])]
    assert set(changed) == set(start)
    fresh = TwoStage(backbone, NAMES, TwoStageSettings())
    fresh.load_state_dict(method.state_dict())
    pixels = pictures(backbone, 2)
    assert torch.equal(
        fresh.logits(fresh.encode_image(pixels)), method.logits(method.encode_image(pixels))
    )


@pytest.mark.parametrize("family", ["eva02", "siglip", "coca", "vitamin"])
def test_other_families(family: str) -> None:
    backbone = shared_family(family)
    method = TwoStage(backbone, NAMES, TwoStageSettings())
    images = pictures(backbone, 3)
    zero = ZeroShot(backbone, NAMES, ZeroShotSettings()).logits(backbone.encode_image(images))
    close(method.logits(method.encode_image(images)), zero)
    loss = method.total_loss(method.loss(Batch(torch.tensor([0, 1, 2]), {"x": images})))
    norms = [*method.image_norms.parameters(), *method.text_norms.parameters()]
    assert all(gradient.isfinite().all() for gradient in torch.autograd.grad(loss, norms))


def test_chunks_of_classes_change_nothing(batch: Batch) -> None:
    text = {"layers": 2, "context_length": 24}
    whole, parts = small_backbone(text=text), small_backbone(text=text, chunk_tokens=16)
    results = []
    for backbone in (whole, parts):
        method = made(backbone)
        loss = method.loss(batch)["ce"]
        norms = [*method.image_norms.parameters(), *method.text_norms.parameters()]
        results.append((loss, torch.autograd.grad(loss, norms)))
    close(results[0][0], results[1][0])
    for one, other in zip(results[0][1], results[1][1], strict=True):
        close(one, other, 1e-4)


def test_the_frozen_encoders_stay_as_they_are(backbone: Backbone, batch: Batch) -> None:
    before = backbone.encode_image(batch.images["x"]).embedding
    method = made(backbone)
    method.loss(batch)["ce"].backward()  # type: ignore[no-untyped-call]
    assert torch.equal(before, backbone.encode_image(batch.images["x"]).embedding)


def test_passes_add_no_hooks_to_the_frozen_encoders() -> None:
    backbone = shared_family("roberta")
    method = TwoStage(backbone, NAMES, TwoStageSettings(tower="image"))

    def hooks() -> int:
        parts = list(backbone.model.modules())
        return sum(len(part._forward_hooks) + len(part._forward_pre_hooks) for part in parts)

    before = hooks()
    text = method.encode_text()
    assert hooks() == before > 0
    close(text, method.template_embeddings(NAMES))


def test_steps_of_its_code_as_epochs() -> None:
    for classes, epochs in ((50, 192), (10, 960), (1000, 10)):
        settings = TrainSettings(dataset="world", backbone="ViT-B-16")
        assert choose_recipe(TwoStage, settings, classes).epochs == epochs


def test_what_is_refused(backbone: Backbone) -> None:
    resnet = small_backbone(vision=RESNET, text={"layers": 2, "context_length": 24})
    with pytest.raises(GoproError, match="the image tower of small has none that it can train"):
        TwoStage(resnet, NAMES, TwoStageSettings())
    assert TwoStage(resnet, NAMES, TwoStageSettings(tower="text")).trainable_parameters > 0
    with pytest.raises(GoproError, match=r"choose --two_stage\.tower image"):
        TwoStage(shared_family("roberta"), NAMES, TwoStageSettings())
    for wrong in ({"share": 1.5}, {"share": float("nan")}, {"tower": "vision"}):
        with pytest.raises(GoproError, match="got "):
            TwoStageSettings(**wrong)  # type: ignore[arg-type]
