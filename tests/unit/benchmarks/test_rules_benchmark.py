"""The comparison of rules for unknown pictures: draws, formulas and the table."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from benchmarks import rules
from benchmarks.unknown_rules import RULES, Pictures

from gopro.classifier.confidence.unknown import KnownClasses
from gopro.results.confidence import auroc


def pictures(each: int = 20, classes: int = 4) -> Pictures:
    """Pictures of classes around different means, those of a class one after the other."""
    dice = np.random.default_rng(0)
    truth = np.arange(classes).repeat(each)

    def rows(width: int) -> np.ndarray:
        return 2 * dice.normal(size=(classes, width))[truth] + dice.normal(size=(len(truth), width))

    return Pictures(rows(60), rows(200), rows(100), rows(classes), rows(6), truth)


def test_a_draw_keeps_halves_and_classes_apart() -> None:
    drawn = pictures(each=20, classes=10)
    for learn, measured in rules.draws(drawn, 3, shots=6):
        classes = [set(drawn.truth[part]) for part in (learn, *measured)]
        assert classes[0] == classes[1] == classes[2]
        assert classes[3] == classes[4] == set(range(10)) - classes[0]
        assert [len(part) for part in (learn, *measured)] == [42, 28, 70, 12, 30]
        place = [part % 20 for part in (learn, *measured)]
        assert all((part < 10).all() for part in (place[0], place[1], place[3]))
        assert all((part >= 10).all() for part in (place[2], place[4]))
        assert not set(learn) & set(measured[0])


def test_the_rule_in_use_is_among_them() -> None:
    learn, new = pictures(), pictures(each=5)
    rule = RULES["layer means + embedding, relative, shrinkage 0.9"]

    def inputs(some: Pictures) -> torch.Tensor:
        return torch.from_numpy(np.hstack([some.means, some.embedding])).float()

    classes = KnownClasses.of(inputs(learn), torch.from_numpy(learn.truth), 60)
    assert np.allclose(130 * rule(learn, new), classes.scores(inputs(new)), rtol=1e-3, atol=1e-2)


@pytest.mark.parametrize("name", RULES)
def test_each_rule_scores_known_classes_higher(name: str) -> None:
    whole = pictures(each=40)
    known, others = (np.flatnonzero(part) for part in (whole.truth < 3, whole.truth == 3))
    learn = whole[known[::2]]
    scores = [RULES[name](learn, whole[part]) for part in (known[1::2], others)]
    assert auroc(*scores) > 0.55


def test_the_table_has_the_best_rule_first() -> None:
    figures = np.array([[[0.5, 0.1], [0.9, 0.4]], [[0.7, 0.2], [0.8, 0.2]]])
    assert rules.table(["one", "two"], ["a", "b"], figures).splitlines() == [
        "| rule | one | two | mean | caught at 95 % kept |",
        "|---|---:|---:|---:|---:|",
        "| b | 0.900 | 0.800 | 0.850 | 0.300 |",
        "| a | 0.500 | 0.700 | 0.600 | 0.150 |",
    ]


def test_the_command(
    photos: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rules, "_LEAST", 2)
    rules.main([str(photos), "--shots", "4", "--draws", "2"])
    first, second = capsys.readouterr().out.split("second half")
    assert first.startswith("first half, to choose on\n\n| rule | animals | mean |")
    for table in (first, second):
        assert all(table.count(f"| {name} | ") == 1 for name in RULES)
