"""The results page and the figure: made from CSV files, and what is committed is what is made."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

import pytest
from scripts import results_page

from gopro.results import runs_csv
from gopro.results.tables import build
from many_runs import make


def test_tables_are_replaced_between_the_marks(tmp_path: Path) -> None:
    with (tmp_path / "some.csv").open("w", encoding="utf-8") as file:
        runs_csv.write([make(seed=seed) for seed in (1, 2)], file)
    page = "before\n<!-- runs: some.csv -->\nold table\n<!-- end -->\nafter\n"
    once = results_page.filled(page, tmp_path)
    assert once.startswith("before\n<!-- runs: some.csv -->\n") and once.endswith("after\n")
    assert "old table" not in once and "| coop | 80.00 | 60.00 | 68.57 |" in once
    assert results_page.filled(once, tmp_path) == once


def test_bars_by_harmonic_mean() -> None:
    runs = [
        *(make("coop", seed, ours={"base": 50.0 + seed, "new": 50.0}) for seed in (1, 2)),
        *(make("gopro", seed, ours={"base": 80.0, "new": 70.0}) for seed in (1, 2)),
    ]
    text = results_page.bars(build(runs)[0])
    root = ElementTree.fromstring(text)
    names = [node.text for node in root.iter("{http://www.w3.org/2000/svg}text")][2:]
    assert names == ["gopro (paper)", "74.7", "coop", "50.7", "zero-shot CLIP", "50.0"]
    assert len(list(root.iter("{http://www.w3.org/2000/svg}line"))) == 1  # coop's deviation


@pytest.mark.skipif(
    not (results_page.FOLDER / results_page.SUITE).exists(), reason="no runs are recorded"
)
def test_what_is_committed_is_what_is_made() -> None:
    page = results_page.PAGE.read_text(encoding="utf-8")
    assert results_page.filled(page, results_page.FOLDER) == page
    table = build(runs_csv.read(results_page.FOLDER / results_page.SUITE))[0]
    assert results_page.FIGURE.read_text(encoding="utf-8") == results_page.bars(table)
