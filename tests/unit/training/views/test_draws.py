"""The per-image random streams and their distributions."""

from __future__ import annotations

import numpy as np
import pytest

from gopro.training.views.draws import Draws

MANY = range(4000)


def test_a_stream_depends_on_seed_key_and_kind_alone() -> None:
    def first(seed: int, key: int, stream: int) -> float:
        return Draws(seed, [key], stream).uniform()[0]

    whole = Draws(1, [5, 6, 7], 2)
    assert whole.uniform()[1] == first(1, 6, 2)
    values = {first(*which) for which in [(1, 6, 2), (2, 6, 2), (1, 7, 2), (1, 6, 1), (6, 1, 2)]}
    assert len(values) == 5
    # seeds of any sign and size are taken
    assert len({first(seed, 0, 0) for seed in (-1, 0, 2**63, 2**64 - 2)}) == 4


def test_values_never_change_between_versions() -> None:
    # a published result must be repeatable: these numbers are part of the contract
    assert Draws(1, [0, 5], 1).uniform(shape=(2,)) == pytest.approx(
        np.array(
            [[0.26990706458045244, 0.9929787238884437], [0.4812858934133937, 0.41737674320880136]]
        ),
        abs=1e-15,
    )


def test_uniform_covers_its_range() -> None:
    values = Draws(0, MANY, 0).uniform(2, 5, (3,))
    assert values.shape == (4000, 3)
    assert values.min() >= 2
    assert values.max() < 5
    assert values.mean(axis=0) == pytest.approx([3.5] * 3, abs=0.06)
    assert np.corrcoef(values.T)[np.triu_indices(3, 1)] == pytest.approx([0] * 3, abs=0.07)


def test_happens_with_its_probability() -> None:
    assert Draws(0, MANY, 0).happens(0.2).mean() == pytest.approx(0.2, abs=0.03)
    assert not Draws(0, MANY, 0).happens(0).any()
    assert Draws(0, MANY, 0).happens(1).all()


def test_orders_are_fair_permutations() -> None:
    orders = Draws(0, MANY, 0).order(4)
    assert np.array_equal(np.sort(orders, axis=1), np.tile(np.arange(4), (4000, 1)))
    counts = np.unique(orders, axis=0, return_counts=True)[1]
    assert len(counts) == 24
    assert counts / 4000 == pytest.approx([1 / 24] * 24, abs=0.02)


def test_integers_include_both_ends_evenly() -> None:
    values, counts = np.unique(Draws(0, MANY, 0).integer(1, 3), return_counts=True)
    assert values.tolist() == [1, 2, 3]
    assert counts / 4000 == pytest.approx([1 / 3] * 3, abs=0.03)


def test_simplex_is_dirichlet() -> None:
    weights = Draws(0, MANY, 0).simplex(3)
    assert weights.sum(axis=1) == pytest.approx(np.ones(4000))
    assert weights.min() >= 0
    # Dirichlet(1, 1, 1): mean 1/3, variance (1/3)(2/3)/4, Beta(1, 2) margins
    assert weights.mean(axis=0) == pytest.approx([1 / 3] * 3, abs=0.02)
    assert weights.var(axis=0) == pytest.approx([1 / 18] * 3, abs=0.005)
    assert (weights > 0.5).mean(axis=0) == pytest.approx([0.25] * 3, abs=0.03)
