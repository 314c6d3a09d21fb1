"""The score of known classes against the formula, computed with full matrices."""

from __future__ import annotations

import pytest
import torch

from gopro.backbones import ImageFeatures
from gopro.classifier.confidence import unknown
from gopro.classifier.confidence.unknown import KnownClasses, inputs_from, out_of_sample
from gopro.results.confidence import auroc


def pictures(seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    """Inputs [60, 10] of three classes around different means, and their class indices."""
    generator = torch.Generator().manual_seed(seed)
    truth = torch.arange(3).repeat(20)
    means = 3 * torch.randn(3, 10, generator=torch.Generator().manual_seed(9))
    return means[truth] + torch.randn(60, 10, generator=generator), truth


def test_the_relative_mahalanobis_distance() -> None:
    inputs, truth = pictures()
    others = torch.randn(7, 10, generator=torch.Generator().manual_seed(5))
    unit = (inputs - inputs.mean(0)) / inputs.std(0, correction=0)
    given = ((others - inputs.mean(0)) / inputs.std(0, correction=0)).double()
    means = torch.stack([unit[truth == index].mean(0) for index in range(3)]).double()
    within = unit.double() - means[truth]

    def squared(deviations: torch.Tensor, spread: torch.Tensor) -> torch.Tensor:
        covariance = spread.T @ spread / len(spread)
        identity = torch.eye(spread.shape[1], dtype=torch.float64)
        shrunk = 0.1 * covariance + 0.9 * spread.square().mean() * identity
        return torch.einsum("bf,fg,bg->b", deviations, torch.linalg.inv(shrunk), deviations)

    expected = torch.zeros(7, dtype=torch.float64)
    for part in (slice(0, 4), slice(4, 10)):  # 4 layer means, an embedding of 6 numbers
        apart = [squared((given - mean)[:, part], within[:, part]) for mean in means]
        relative = squared(given[:, part], unit.double()[:, part]) - torch.stack(apart).amin(0)
        expected += 5 / (part.stop - part.start) * relative
    found = KnownClasses.of(inputs, truth, 4).scores(others)
    assert torch.allclose(found, expected, rtol=1e-3, atol=1e-3)


def test_pictures_of_other_classes_score_lower() -> None:
    classes = KnownClasses.of(*pictures(), 10)
    known, _ = pictures(seed=1)
    others = 3 * torch.randn(60, 10, generator=torch.Generator().manual_seed(8))
    assert auroc(classes.scores(known).numpy(), classes.scores(others).numpy()) > 0.9


def test_more_numbers_than_pictures_and_constant_ones() -> None:
    inputs = torch.zeros(6, 50)
    inputs[:, :20] = torch.randn(6, 20, generator=torch.Generator().manual_seed(0))
    classes = KnownClasses.of(inputs, torch.tensor([0, 0, 1, 1, 2, 2]), 30)
    assert classes.scores(inputs).isfinite().all()


def test_a_number_that_was_constant_in_training_does_not_decide() -> None:
    inputs, truth = pictures()
    new, _ = pictures(seed=1)
    for column in (2, 7):  # one of each part
        inputs[:, column] = new[:, column] = 0.3
    classes = KnownClasses.of(inputs, truth, 4)
    scores = classes.scores(new)
    for change in (1e-4, 1.0):
        changed = new.clone()
        changed[:, [2, 7]] += change
        assert torch.equal(classes.scores(changed), scores)


def test_the_layer_means_and_the_embedding() -> None:
    embedding, mean = torch.randn(2, 4), torch.randn(2, 6)
    inputs = inputs_from(ImageFeatures(embedding, mean, mean))
    assert torch.equal(inputs[:, :6], mean)
    assert torch.allclose(inputs[:, 6:].norm(dim=1), torch.ones(2))
    assert torch.equal(inputs_from(ImageFeatures.only(embedding)), inputs[:, 6:])


def test_one_part_alone() -> None:
    inputs = torch.randn(40, 100, generator=torch.Generator().manual_seed(2))
    truth = torch.arange(2).repeat(20)
    alone = KnownClasses.of(inputs, truth, 0).scores(inputs)
    assert torch.equal(alone, KnownClasses.of(inputs, truth, 100).scores(inputs))
    twice = torch.cat([inputs, inputs], dim=1)
    both = KnownClasses.of(twice, truth, 100).scores(twice)
    assert torch.allclose(both, 2 * alone, atol=1e-2)


def test_many_pictures_cost_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    inputs, truth = pictures()
    monkeypatch.setattr(unknown, "PICTURES", 20)
    monkeypatch.setattr(unknown, "_DIRECTIONS", 5)
    classes = KnownClasses.of(inputs, truth, 10)
    assert classes.parts[0].directions.shape == (5, 10)
    assert classes.scores(inputs).isfinite().all()


def test_examples_of_no_known_class() -> None:
    inputs, truth = pictures()
    classes = KnownClasses.of(inputs, truth, 10)
    examples, new = 4 * torch.randn(2, 9, 10, generator=torch.Generator().manual_seed(4))
    taught = classes.with_others(examples)
    unit, others = classes.unit(new).double(), classes.unit(examples).double()
    spread = classes.unit(inputs).double()
    spread = spread - torch.stack([spread[truth == index].mean(0) for index in range(3)])[truth]
    mean = spread.square().mean()
    covariance = 0.1 * spread.T @ spread / len(spread) + 0.9 * mean * torch.eye(10).double()
    apart = unit[:, None] - others[None]
    squared = torch.einsum("bkf,fg,bkg->bk", apart, torch.linalg.inv(covariance), apart)
    expected = squared.amin(dim=1) - classes.parts[0].nearest(classes.unit(new))
    assert torch.allclose(taught.scores(new), expected, rtol=1e-3, atol=1e-3)


def test_scores_of_pictures_that_were_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    inputs, truth = pictures()
    monkeypatch.setattr(unknown, "_PARTS", 60)  # each picture alone
    expected = []
    for number in range(60):
        rest = torch.arange(60) != number
        expected.append(KnownClasses.of(inputs[rest], truth[rest], 10).scores(inputs[[number]]))
    assert torch.allclose(out_of_sample(inputs, truth, 10), torch.cat(expected).sort().values)
    monkeypatch.setattr(unknown, "ENOUGH", 10)
    assert len(out_of_sample(inputs, truth, 10)) == 10
