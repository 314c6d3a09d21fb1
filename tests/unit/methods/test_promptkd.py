"""PromptKD against its formulas."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import slow_methods as slow
import torch
from slow_methods import NAMES, NEW
from torch import Tensor

from gopro.backbones import Backbone
from gopro.common.errors import GoproError
from gopro.methods import find
from gopro.methods.base import Batch, Method, Recipe
from gopro.methods.promptkd import PromptKD, PromptKDSettings, text_embeddings
from slow_vision import plain_image
from small_clips import RESNET, close, small_backbone

ALL = [*NAMES, *NEW]
TEXT = {"layers": 2, "context_length": 24}


@pytest.fixture(scope="module")
def large() -> Backbone:
    """The teacher's: another width of the shared space, another size of images."""
    return small_backbone(vision={"image_size": 48}, text=TEXT, embed=24, seed=3)


def trained(backbone: Backbone, method: str = "promptsrc", names: list[str] = NAMES) -> Method:
    """A teacher with random weights."""
    kind = find(method)
    torch.manual_seed(1)
    teacher = kind(backbone, names, kind.Settings())
    if kind.learns_from_features:
        features = backbone.encode_image(torch.rand(3, 3, 48, 48))
        teacher.prepare(features, torch.arange(3))
    slow.stir(teacher, 7)
    return teacher


def student(backbone: Backbone, teacher: Method, **options: Any) -> PromptKD:
    torch.manual_seed(0)
    method = PromptKD(backbone, NAMES, PromptKDSettings(**options))
    method.set_teacher(teacher, ALL)
    slow.stir(method)
    return method


def projected(method: PromptKD, rows: Tensor, *, training: bool) -> Tensor:
    """h of each embedding: batch statistics in training, kept ones in tests."""
    learned = {**dict(method.named_parameters()), **dict(method.named_buffers())}

    def layer(number: int, row: Tensor) -> Tensor:
        return learned[f"project.{number}.weight"] @ row + learned[f"project.{number}.bias"]

    hidden = torch.stack([layer(0, row) for row in rows])
    mean, variance = learned["project.1.running_mean"], learned["project.1.running_var"]
    if training:
        mean, variance = hidden.mean(dim=0), ((hidden - hidden.mean(dim=0)) ** 2).mean(dim=0)
    hidden = (hidden - mean) / (variance + 1e-5).sqrt()
    hidden = hidden * learned["project.1.weight"] + learned["project.1.bias"]
    hidden = torch.where(hidden > 0, hidden, torch.zeros_like(hidden))
    return torch.stack([layer(3, row) for row in hidden])


@pytest.mark.parametrize(
    "options", [{}, {"temperature": 2.0, "w_kd": 5.0, "n_ctx": 2, "depth": 3}, {"depth": 1}]
)
def test_formulas(backbone: Backbone, large: Backbone, batch: Batch, options: Any) -> None:
    teacher = trained(large)
    method = student(backbone, teacher, **options)
    pixels, learned = batch.images["x"], dict(method.named_parameters())
    prompts = [learned[f"image_prompts.{j}"] for j in range(len(method.image_prompts))]
    assert len(prompts) == options.get("depth", 2)
    rows = plain_image(backbone, pixels, prompts)
    larger = torch.nn.functional.interpolate(pixels, (48, 48), mode="bicubic", antialias=True)
    larger = larger.clamp(0, 1)
    with torch.no_grad():
        named = teacher.eval().for_classes(ALL)
        text, wanted = named.encode_text(), named.logits(named.encode_image(larger))  # type: ignore[operator]
    scale, own = options.get("temperature", 1.0), projected(method, rows, training=True)
    scores = slow.scores(backbone, own, text) / scale
    loss = torch.zeros(())
    for row, other in zip(scores, wanted / scale, strict=True):
        p, q = row.exp() / row.exp().sum(), other.exp() / other.exp().sum()
        loss = loss + (q * (q.log() - p.log())).sum()
    loss = loss * scale**2 / scores.numel()
    terms = method.train().loss(batch)
    assert list(terms) == ["kd"]
    close(terms["kd"], loss, 5e-5)
    total = method.total_loss(terms)
    close(total, loss * options.get("w_kd", 1000.0), 5e-5)
    names = [name for name, _ in method.named_parameters() if name != "project.0.bias"]
    kept = [learned[name] for name in names]  # the norm takes that bias out again
    mine = torch.autograd.grad(total, kept, retain_graph=True)
    plain = torch.autograd.grad(loss * method.settings.w_kd, kept)
    for one, two in zip(mine, plain, strict=True):
        close(one, two, 5e-4)
    method.eval()
    own = projected(method, plain_image(backbone, pixels, prompts), training=False)
    close(method.logits(method.encode_image(pixels)), slow.scores(backbone, own, text[:3]))


def test_labels_are_not_used(backbone: Backbone, large: Backbone, batch: Batch) -> None:
    method = student(backbone, trained(large)).train()
    other = Batch(torch.zeros(3, dtype=torch.long), batch.images)
    assert torch.equal(method.loss(batch)["kd"], method.loss(other)["kd"])


@pytest.mark.parametrize(
    "kind",
    [
        *("zeroshot", "coop", "maple", "tip_adapter", "gopro", "cocoop", "stylip", "mmrl", "mma"),
        "two_stage",
    ],
)
def test_any_method_teaches(kind: str, backbone: Backbone, large: Backbone, batch: Batch) -> None:
    """Those whose prompts depend on the image have the text embeddings of a sentence."""
    teacher = trained(large, kind)
    method = student(backbone, teacher).train()
    assert method.taught_text.shape == (6, 24)
    assert not method.taught_text.requires_grad
    loss = method.loss(batch)["kd"]
    assert loss.isfinite() and loss > 0
    sentence = slow.written(large, "a photo of a {}.", [n.replace("_", " ") for n in ALL])
    if kind in ("gopro", "cocoop", "stylip"):
        close(method.taught_text, sentence)
    if kind == "two_stage":  # its text encoder has learned layer norms
        assert (method.taught_text - sentence).abs().max() > 0.01
        with torch.no_grad():
            close(method.taught_text, teacher.for_classes(ALL).encode_text())  # type: ignore[operator]
    frozen = [*teacher.parameters(), *large.model.parameters()]
    loss.backward()  # type: ignore[no-untyped-call]
    assert all(part.grad is None for part in frozen)


def test_a_student_teaches(backbone: Backbone, large: Backbone) -> None:
    first = student(backbone, trained(large))
    second = student(large, first)
    close(second.taught_text, first.taught_text)
    assert text_embeddings(first).shape == (3, 24)


def test_other_names(backbone: Backbone, large: Backbone, batch: Batch) -> None:
    """The teacher's text for any names; without the teacher, for those that were taught."""
    method = student(backbone, trained(large)).eval()
    features = method.encode_image(batch.images["x"])
    found = method.for_classes(["boat", NEW[0]]).logits(features)
    close(found[:, 1:], method.for_classes([NEW[0]]).logits(features))
    alone = PromptKD(backbone, ALL, method.settings)
    alone.load_state_dict(method.state_dict())
    alone.eval()
    assert torch.equal(alone.for_classes(NAMES).logits(features), method.logits(features))
    with pytest.raises(GoproError, match=r"a text embedding of the teacher for each .* 'boat'"):
        alone.for_classes(["boat"])
    with pytest.raises(GoproError, match=r"learns from a teacher and has none; give --promptkd"):
        alone.loss(batch)


def test_state(backbone: Backbone, large: Backbone) -> None:
    norm = {"weight", "bias", "running_mean", "running_var", "num_batches_tracked"}
    layers = {f"project.{n}.{kind}" for n in (0, 3) for kind in ("weight", "bias")}
    slow.check_state(
        student(backbone, trained(large)),
        {"image_prompts.0", "image_prompts.1", "taught_text", *layers}
        | {f"project.1.{kind}" for kind in norm},
    )


def test_training(backbone: Backbone, large: Backbone, tmp_path: Path) -> None:
    recipe = Recipe(epochs=8, batch=6, lr=0.01, augment="none")
    slow.check_training(student(backbone, trained(large), w_kd=10.0), tmp_path, recipe)


def test_what_it_refuses(backbone: Backbone, large: Backbone) -> None:
    for options, words in (
        ({"pictures": 1}, "got pictures = 1; it must be 2 or more"),
        ({"temperature": 0.0}, "got the temperature 0.0; it must be above 0"),
        ({"w_kd": float("nan")}, "got w_kd = nan; the weight must be above 0"),
    ):
        with pytest.raises(GoproError, match=words):
            PromptKDSettings(**options)  # type: ignore[arg-type]
    strangers = ["boat", "lamp", "moth"]
    with pytest.raises(GoproError, match="trained on 'boat' and 2 other classes, and on none of"):
        student(backbone, trained(large, names=strangers))
    student(backbone, trained(large, names=strangers), other_classes=True)
    with pytest.raises(
        GoproError, match="a row of learned weights for each training class and none for"
    ):
        student(backbone, trained(large, "linear_probe"))
    resnet = small_backbone(vision=RESNET, text=TEXT)
    with pytest.raises(GoproError, match=r"promptkd learns prompts among .* no transformer blocks"):
        PromptKD(resnet, NAMES, PromptKDSettings())
