"""Fast prediction against the exact way: scores, answers, images unlike any seen, files."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from gopro.backbones import Backbone, ImageFeatures
from gopro.common.errors import GoproError
from gopro.methods.base import Method
from gopro.methods.cocoop import CoCoOp, CoCoOpSettings
from gopro.methods.coop import CoOp, CoOpSettings
from gopro.methods.gopro import GOPro, GOProSettings
from gopro.prediction.fast import (
    FastMap,
    FastPrompts,
    Reference,
    Subspace,
    fit,
    load_fast,
    save_fast,
)
from small_clips import close, small_backbone

NAMES = ["ant", "bumble bee", "cat", "old dog", "emu", "fox", "guinea pig"]
OTHERS = ["yak", "zebra", "polar bear"]
METHODS: dict[str, tuple[type[Method], Any]] = {
    "paper": (GOPro, GOProSettings()),
    "released": (GOPro, GOProSettings(variant="released")),
    "cocoop": (CoCoOp, CoCoOpSettings()),
}


@pytest.fixture(scope="module")
def backbone() -> Backbone:
    return small_backbone(text={"layers": 2, "context_length": 24})


def trained(backbone: Backbone, kind: str = "paper", strength: float = 0.05) -> Any:
    """A method whose learned weights are as after some training."""
    torch.manual_seed(1)
    made, options = METHODS[kind]
    method = made(backbone, NAMES, options)
    with torch.no_grad():
        for parameter in method.parameters():
            parameter += strength * torch.randn_like(parameter)
    return method.eval()


def seen(backbone: Backbone, count: int = 96, seed: int = 0, spread: float = 1.0) -> ImageFeatures:
    """Features of images that differ in a few ways, as images of one set do."""
    generator = torch.Generator().manual_seed(5)
    total = sum(backbone.vision_widths)
    width = backbone.embed_dim + 2 * total
    ways = torch.randn(6, width, generator=generator)
    middle = torch.randn(width, generator=generator)
    generator.manual_seed(seed)
    rows = middle + 0.3 * spread * torch.randn(count, 6, generator=generator) @ ways
    rows += 0.01 * torch.randn(count, width, generator=generator)
    embedding, mean, std = torch.split(rows, [backbone.embed_dim, total, total], dim=1)
    return ImageFeatures(embedding, mean, std.abs(), embedding[:, :0])


def scores(method: Any, features: ImageFeatures) -> Tensor:
    with torch.no_grad():
        found: Tensor = method.logits(features)
    return found


@pytest.mark.parametrize("kind", METHODS)
def test_answers_are_the_exact_ones_and_scores_near(backbone: Backbone, kind: str) -> None:
    method = trained(backbone, kind)
    fast = FastPrompts(method, fit(method, Reference.of(method, seen(backbone))))
    others = seen(backbone, 200, seed=1)
    found, wanted = fast.logits(others), scores(method, others)
    assert torch.equal(found.argmax(dim=1), wanted.argmax(dim=1))
    off = (found - wanted).abs()
    largest, mean = fast.fitted.error
    assert off.mean() < 1.2 * mean and off.amax(dim=1).quantile(0.95) < largest
    assert (found - wanted).gather(1, wanted.argmax(1, keepdim=True)).abs().median() < largest
    spread = (wanted.amax(dim=1) - wanted.amin(dim=1)).mean().item()
    assert mean < 0.15 * spread, "a map that says nothing"
    assert fast.images == 200 and 2 * fast.exact_images <= fast.exact_pairs


def test_classes_in_question_get_their_exact_scores(backbone: Backbone) -> None:
    method = trained(backbone)
    fitted = fit(method, Reference.of(method, seen(backbone)))
    features = seen(backbone, 40, seed=9)
    # with so long a reach a few classes of every image are in question
    wide = replace(fitted, reach=0.4 * float(scores(method, features).std()))
    fast = FastPrompts(method, wide)
    found, wanted = fast.logits(features), scores(method, features)
    exact = (found - wanted).abs() < 1e-4
    assert exact.sum() >= fast.exact_pairs > 2 * fast.exact_images - 1 > 20
    best = found.amax(dim=1, keepdim=True)
    assert exact[(found == best) & (exact.sum(1, keepdim=True) > 1)].all()


class TooHigh(FastMap):
    """A map whose scores are too high, by as much for all classes."""

    def cosines(self, phi: Tensor, images: Tensor) -> Tensor:
        return super().cosines(phi, images) + 0.1


def test_an_error_that_all_classes_share_needs_no_more_exact_scores(backbone: Backbone) -> None:
    method, features = trained(backbone), seen(backbone, 40, seed=9)
    wanted = scores(method, features)
    fitted = fit(method, Reference.of(method, seen(backbone)))
    fitted = replace(fitted, reach=0.2 * float(wanted.std()))
    plain, high = FastPrompts(method, fitted), FastPrompts(method, TooHigh(**vars(fitted)))
    near, found = plain.logits(features), high.logits(features)
    assert torch.equal(found.argmax(dim=1), wanted.argmax(dim=1))
    assert high.exact_pairs == plain.exact_pairs > 0
    corrected = (found - near).abs().amax(dim=1) < 1e-3
    assert corrected.sum() == high.exact_images < high.images


def test_most_images_need_no_text_pass(backbone: Backbone, monkeypatch: pytest.MonkeyPatch) -> None:
    method = trained(backbone)
    fast = FastPrompts(method, fit(method, Reference.of(method, seen(backbone))))
    passes: list[int] = []
    text = GOPro.text_embedding

    def counted(self: GOPro, shifts: Tensor) -> Tensor:
        passes.append(len(shifts))
        return text(self, shifts)

    monkeypatch.setattr(GOPro, "text_embedding", counted)
    for start in range(0, 64, 16):
        fast.logits(seen(backbone, 64, seed=2)[start : start + 16])
    assert 0 < sum(passes) <= fast.exact_pairs
    assert fast.exact_images < fast.images == 64


def test_every_exact_score_that_was_computed_is_kept_and_counted(
    backbone: Backbone, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also those of an image most of whose classes are in question, which gets all at once."""
    method, features = trained(backbone), seen(backbone, 40, seed=9)
    wanted = scores(method, features)
    fitted = fit(method, Reference.of(method, seen(backbone)))
    fast = FastPrompts(method, replace(fitted, reach=0.6 * float(wanted.std())))
    computed: list[tuple[int, int]] = []
    text = GOPro.text_embedding

    def counted(self: GOPro, shifts: Tensor) -> Tensor:
        found = text(self, shifts)
        computed.append((found.shape[0], found.shape[1]))
        return found

    monkeypatch.setattr(GOPro, "text_embedding", counted)
    found = fast.logits(features)
    whole = sum(classes == len(NAMES) for _, classes in computed)
    assert sum(rows * classes for rows, classes in computed) == fast.exact_pairs
    assert whole > 1
    assert ((found - wanted).abs().amax(dim=1) < 1e-4).sum() >= whole


@pytest.mark.parametrize("spread", [3.0, 30.0])
def test_images_unlike_any_seen_get_exact_answers(backbone: Backbone, spread: float) -> None:
    method = trained(backbone)
    fast = FastPrompts(method, fit(method, Reference.of(method, seen(backbone))))
    strange = seen(backbone, 24, seed=3, spread=spread)
    found, wanted = fast.logits(strange), scores(method, strange)
    assert torch.equal(found.argmax(dim=1), wanted.argmax(dim=1))
    assert fast.exact_images > 0


def test_far_away_every_score_is_exact(backbone: Backbone) -> None:
    method = trained(backbone)
    space = Subspace.of(torch.randn(8, 4 * backbone.text_width) * 1e-3)
    weights = torch.randn(3 * backbone.embed_dim, len(NAMES))
    useless = FastMap(space, weights, 0.1, (0.1, 0.1))
    features = seen(backbone, 5)
    close(FastPrompts(method, useless).logits(features), scores(method, features))


def test_other_class_names_get_a_map_of_their_own(backbone: Backbone) -> None:
    method = trained(backbone)
    reference = Reference.of(method, seen(backbone))
    other = method.for_classes(OTHERS)
    fast = FastPrompts(other, fit(other, reference))
    features = seen(backbone, 50, seed=4)
    assert torch.equal(fast.logits(features).argmax(1), scores(other, features).argmax(1))


def test_shifts_that_are_all_the_same_leave_nothing_to_fit(backbone: Backbone) -> None:
    method = GOPro(backbone, NAMES, GOProSettings()).eval()  # untrained: no shift at all
    fitted = fit(method, Reference.of(method, seen(backbone)))
    assert fitted.subspace.back.shape[0] == 0
    features = seen(backbone, 20, seed=6)
    close(FastPrompts(method, fitted).logits(features), scores(method, features), 2e-3)


@pytest.mark.parametrize("count", [1, 2, 5])
def test_a_handful_of_training_images_is_enough_for_right_answers(
    backbone: Backbone, count: int
) -> None:
    method = trained(backbone)
    fast = FastPrompts(method, fit(method, Reference.of(method, seen(backbone, count))))
    features = seen(backbone, 20, seed=7)
    assert torch.equal(fast.logits(features).argmax(1), scores(method, features).argmax(1))


def test_only_methods_whose_prompts_depend_on_the_image(backbone: Backbone) -> None:
    coop = CoOp(backbone, NAMES, CoOpSettings())
    with pytest.raises(GoproError, match="no fast prediction for CoOp"):
        Reference.of(coop, seen(backbone))


def test_no_more_images_than_needed_are_kept(backbone: Backbone) -> None:
    method = trained(backbone)
    many = seen(backbone, 700)
    reference = Reference.of(method, many)
    assert len(reference.shifts) == len(reference.images) == 256
    close(reference.shifts[[0, -1]], method.shifts(many)[[0, -1]])


def test_written_and_read(backbone: Backbone, tmp_path: Path) -> None:
    method, path = trained(backbone), tmp_path / "fast.safetensors"
    reference = Reference.of(method, seen(backbone))
    fitted = fit(method, reference)
    save_fast(path, method, reference, fitted)
    again, found = load_fast(path, method)
    assert torch.equal(again.shifts, reference.shifts)
    assert torch.equal(again.images, reference.images)
    assert found is not None
    features = seen(backbone, 30, seed=8)
    wanted = FastPrompts(method, fitted).logits(features)
    assert torch.equal(FastPrompts(method, found).logits(features), wanted)
    assert (found.error, found.reach) == (fitted.error, fitted.reach)
    assert load_fast(path, method.for_classes(OTHERS))[1] is None
    assert [file.name for file in tmp_path.iterdir()] == ["fast.safetensors"]


def test_a_file_that_does_not_fit_is_refused(backbone: Backbone, tmp_path: Path) -> None:
    method, path = trained(backbone), tmp_path / "fast.safetensors"
    with pytest.raises(GoproError, match="can't use the fast prediction"):
        load_fast(path, method)
    path.write_bytes(b"no such thing")
    with pytest.raises(GoproError, match="can't use the fast prediction"):
        load_fast(path, method)
    reference = Reference.of(method, seen(backbone))
    save_fast(path, method, reference, fit(method, reference))
    with pytest.raises(GoproError, match="other learned weights"):
        load_fast(path, trained(backbone, strength=0.06))


def test_tensors_of_other_sizes_are_refused(backbone: Backbone, tmp_path: Path) -> None:
    method, path = trained(backbone), tmp_path / "fast.safetensors"
    reference = Reference.of(method, seen(backbone))
    fitted = fit(method, reference)
    cut = replace(fitted, weights=fitted.weights[:-1])
    save_fast(path, method, reference, cut)
    with pytest.raises(GoproError, match="weights has the shape"):
        load_fast(path, method)
