"""Names of pictures and folders that aren't UTF-8, such as those in old zip files."""

from __future__ import annotations

import csv
import json
import os
from pathlib import Path

import pytest

from tiny_run import CLASSES, Cli, write_photos

NAME = os.fsdecode(b"caf\xe9.png")
FOLDER, SHOWN = os.fsdecode(b"\xe9t\xe9"), "\\udce9t\\udce9"


@pytest.fixture
def old(tmp_path: Path) -> Path:
    """Train and test folders; their folder and the first picture of each class have such names."""
    try:
        (tmp_path / FOLDER).mkdir()
    except OSError:
        pytest.skip("this file system has only names in UTF-8")
    for part, count in (("train", 6), ("test", 2)):
        write_photos(tmp_path / FOLDER / part, count=count, seed=count)
        for name in CLASSES:
            first = tmp_path / FOLDER / part / name / "00.png"
            first.rename(first.with_name(NAME))
    return tmp_path / FOLDER


def test_check(cli: Cli, old: Path, tmp_path: Path) -> None:
    for number, folder in enumerate((old, old / "train")):  # with a split, and without one
        out = tmp_path / f"out{number}"
        answer = cli("check", folder, "--out", out, "--skip-labels")
        assert answer.code == 0, answer.err
        assert "caf\\udce9.png" in (out / "check.html").read_text(encoding="utf-8")
        table = (out / "check.csv").open(encoding="utf-8", errors="surrogateescape", newline="")
        with table:  # every picture is tiny
            found = {row["picture"] for row in csv.DictReader(table)}
        assert {key for key in found if key.endswith(NAME)} == {
            path.relative_to(folder).as_posix() for path in folder.rglob(NAME)
        }


def test_fit_evaluate_and_explain(
    cli: Cli, tiny: list[str], old: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    usual = (*tiny, "--method", "coop", "--epochs", 1, "--batch", 8, "--workers", 1, "--folds", 0)
    for folder in (old / "train", old):
        answer = cli("fit", folder, *usual)
        assert answer.code == 0, answer.err
    model = tmp_path / f"{SHOWN}-model"
    answer = cli("evaluate", model, old, "--page", tmp_path / "page.html", "--device", "cpu")
    assert answer.code == 0, answer.err
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert f"{SHOWN}-model on {SHOWN}" in page
    drawing = tmp_path / "explained.png"
    answer = cli("explain", model, old / "test" / "ant" / NAME, "--out", drawing, "--device", "cpu")
    assert answer.code == 0, answer.err
    assert drawing.stat().st_size > 10_000


def test_train(
    cli: Cli, tiny: list[str], old: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    usual = (*tiny, "--method", "coop", "--shots", 3, "--epochs", 1, "--augment", "none")
    for folder in (old / "train", old):
        answer = cli("train", f"folder:{folder}", "few-shot", *usual, "--workers", 1)
        assert answer.code == 0, answer.err
    [run] = [path for path in (tmp_path / "runs").iterdir() if path.name.startswith(SHOWN)]
    predictions = json.loads((run / "predictions.json").read_text(encoding="utf-8"))
    assert f"test/ant/{NAME}" in predictions["all"]["keys"]
    assert cli("test", run).code == 0
    answer = cli("report", run, "--pictures")
    assert answer.code == 0, answer.err
    assert f"folder:{SHOWN}" in cli("results", run).out
