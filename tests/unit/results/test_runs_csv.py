"""Runs as CSV rows: what tables need comes back, and other files are refused."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest

from gopro.common.errors import GoproError
from gopro.results import runs_csv
from gopro.results.tables import build
from many_runs import Run, make


def _file(folder: Path, runs: list[Run]) -> Path:
    target = io.StringIO()
    runs_csv.write(runs, target)
    (folder / "runs.csv").write_text(target.getvalue(), encoding="utf-8")
    return folder / "runs.csv"


def _mixed() -> list[Run]:
    return [
        *(
            make(m, seed, ours={"base": 70.0 + seed, "new": 60.0})
            for m in ("gopro", "coop")
            for seed in (2, 1)
        ),
        make("coop", task="few-shot", shots=4, ours={"all": 61.25}, zero={"all": 40.0}),
        make(
            task="domain-generalization", dataset="pacs", ours={"photo": 80.0}, zero={"photo": 70.0}
        ),
        make(
            task="domain-generalization",
            dataset="pacs",
            ours={"sketch": 50.0},
            zero={"sketch": 40.0},
        ),
    ]


def test_the_tables_are_the_same(tmp_path: Path) -> None:
    runs = _mixed()
    back = runs_csv.read(_file(tmp_path, runs))
    assert build(back) == build(sorted(runs, key=runs_csv._order))
    assert runs_csv.read(_file(tmp_path, back)) == back


def test_files_of_files_hold_the_same_rows(tmp_path: Path) -> None:
    file = _file(tmp_path, [make(environment={"gopro": "1.2"})])
    before = file.read_text(encoding="utf-8")
    assert _file(tmp_path, runs_csv.read(file)).read_text(encoding="utf-8") == before


def test_runs_with_texts_are_kept_apart(tmp_path: Path) -> None:
    texts = "texts animals.json 1a2b3c4d"
    runs = [make(ours={"base": 70.0, "new": 60.0}), make(texts=texts)]
    back = runs_csv.read(_file(tmp_path, runs))
    assert [run["texts"] for run in back] == [None, texts]
    assert build(back) == build(runs)


def test_a_row_a_run(tmp_path: Path) -> None:
    file = _file(tmp_path, [make(environment={"gopro": "1.2"})])
    [row] = csv.DictReader(file.read_text(encoding="utf-8").splitlines())
    assert row == {
        "task": "base2new",
        "dataset": "dtd",
        "method": "coop",
        "variant": "",
        "backbone": "mini",
        "shots": "16",
        "seed": "1",
        "base": "80.0000",
        "new": "60.0000",
        "harmonic mean": "68.5714",
        "zero-shot base": "50.0000",
        "zero-shot new": "50.0000",
        "zero-shot harmonic mean": "50.0000",
        "training seconds": "10.0",
        "learned": "2048",
        "version": "1.2",
    }


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("80.0000", "180", "base is 180"),
        ("80.0000", "many", "could not convert"),
        ("80.0000,60.0000,68.5714,50.0000,50.0000", ",,,,", r"the tests \[\]"),
        ("zero-shot new", "else", "and \\['base'\\] of zero-shot"),
        ("method", "way", "ValueError"),
        ("coop", '"coop', "Error"),
        ("coop", "coop,", "more cells than the head"),
    ],
)
def test_refuses_other_files(old: str, new: str, message: str, tmp_path: Path) -> None:
    file = _file(tmp_path, [make()])
    file.write_text(file.read_text(encoding="utf-8").replace(old, new), encoding="utf-8")
    with pytest.raises(GoproError, match=f"is no table of runs .*{message}"):
        runs_csv.read(file)


def test_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(GoproError, match="is no table of runs"):
        runs_csv.read(tmp_path / "none.csv")
