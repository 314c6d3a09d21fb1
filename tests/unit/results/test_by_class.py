"""Class averages by hand, and the tables that say so."""

from __future__ import annotations

import pytest

from gopro.results import by_class
from gopro.results.tables import build
from many_runs import make


def test_each_class_counts_the_same() -> None:
    labels = [0, 0, 0, 0, 1, 3]
    part = {"labels": labels, "predicted": [0, 0, 0, 1, 1, 0], "zeroshot": labels}
    found = by_class.averaged(make(), {"base": part, "new": part})
    assert found["test"]["base"]["accuracy"] == pytest.approx(100 * (0.75 + 1 + 0) / 3)
    assert found["zeroshot"]["test"]["new"]["accuracy"] == 100.0


def test_a_result_measured_by_class() -> None:
    run = make(dataset="caltech101")
    part = {"labels": [0, 0, 0, 1], "predicted": [0, 0, 0, 0], "zeroshot": [0, 1, 1, 1]}
    found = by_class.averaged(run, {"base": part, "new": {**part, "predicted": [0, 0, 0, 1]}})
    assert found["test"]["base"] == {**run["test"]["base"], "accuracy": 50.0}
    assert found["test"]["new"]["accuracy"] == 100.0
    assert found["harmonic_mean"] == pytest.approx(2 * 50 * 100 / 150)
    assert found["zeroshot"]["harmonic_mean"] == pytest.approx(100 * (1 / 3 + 1) / 2)
    (table,) = [by_class.titled(table) for table in build([found])]
    assert table.title.endswith("mini: accuracy averaged over classes in %")
    assert all(not line.published for line in table.lines)
    assert any(line.published for line in build([run])[0].lines)
