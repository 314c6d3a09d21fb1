"""The benchmark of unknown pictures: seeded draws, and the whole command on a tiny model."""

from __future__ import annotations

from pathlib import Path

import pytest
from benchmarks import unknown

from tiny_classifier import Make


def test_a_draw_keeps_its_parts_apart(photos: Path) -> None:
    first = unknown.draw(photos, seed=1, unknown=1, shots=4, most=5)
    assert first == unknown.draw(photos, seed=1, unknown=1, shots=4, most=5)
    assert first.train != unknown.draw(photos, seed=2, unknown=1, shots=4, most=5).train
    assert (len(first.train), len(first.test)) == (12, 15)
    assert (len(first.examples), len(first.others)) == (4, 5)
    paths = [path for path, _ in (*first.train, *first.test)] + first.examples + first.others
    assert len(set(paths)) == len(paths)
    assert not {name for _, name in first.train} & set(first.unknown)
    # not the first ones of each folder
    assert {path.stem for path, _ in first.train} != {f"{number:02}" for number in range(4)}


def test_the_figures(make: Make, photos: Path) -> None:
    chosen = unknown.draw(photos, seed=1, unknown=1, shots=6, most=4)
    figures = unknown.measure(chosen, make(folds=2), sets=0.8)
    classifier = make(folds=2, device="cpu").fit(*map(list, zip(*chosen.train, strict=True)))
    measured = classifier.compare(*map(list, zip(*chosen.test, strict=True)), others=chosen.others)
    assert measured.confidence is not None and measured.confidence.unknowns is not None
    assert figures["accuracy in %"] == pytest.approx(measured.accuracy)
    assert figures["calibration error"] == pytest.approx(measured.confidence.error)
    assert figures["AUROC, ours"] == pytest.approx(measured.confidence.unknowns.auroc)
    assert figures["caught at 95 % kept"] == measured.confidence.unknowns.caught
