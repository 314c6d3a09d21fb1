"""``gopro results``: finished runs averaged over seeds."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from gopro.results.results_json import summary
from tiny_run import Cli


@pytest.fixture
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two seeds of one method, base 60 and 80, new 50; zero-shot 40."""
    monkeypatch.setenv("COLUMNS", "200")
    for seed, base in ((1, 60.0), (2, 80.0)):
        ours = {"base": _row(base), "new": _row(50.0)}
        zero = {"base": _row(40.0), "new": _row(40.0)}
        found = {
            "schema": 1,
            "dataset": "folder:[/red]",
            "task": "base2new",
            "method": "coop",
            "variant": None,
            "backbone": "mini",
            "shots": 4,
            "seed": seed,
            "test": ours,
            **summary(ours),
            "zeroshot": {"test": zero, **summary(zero)},
            "train_seconds": 10.0 * seed,
            "trainable_parameters": 1,
        }
        folder = tmp_path / "runs" / f"seed{seed}"
        folder.mkdir(parents=True)
        (folder / "results.json").write_text(json.dumps(found))
        (folder / "done").touch()
    return tmp_path / "runs"


def _row(accuracy: float) -> dict[str, float]:
    return {"accuracy": accuracy, "n": 4, "classes": 2}


@pytest.mark.parametrize("markdown", [False, True])
def test_mean_and_spread_over_seeds(cli: Cli, runs: Path, markdown: bool) -> None:
    answer = cli("results", runs, *(["--markdown"] if markdown else []))
    assert (answer.code, answer.err) == (0, "")
    assert "folder:[/red], base2new, 4 shots, mini" in answer.out
    assert "70.00 ± 14.14" in answer.out  # sample standard deviation of 60 and 80
    assert "zero-shot CLIP" in answer.out and "40.00" in answer.out
    assert "1, 2" in answer.out and "15" in answer.out
    assert ("| method |" in answer.out) is markdown


def test_folders_without_a_finished_run(cli: Cli, runs: Path) -> None:
    assert "no finished run" in cli("results", runs / "none").line
    (runs / "seed1" / "done").unlink()
    assert cli("results", runs).code == 0
    (runs / "seed2" / "results.json").write_text("{")
    assert "damaged" in cli("results", runs).line


def test_classes_that_count_the_same(cli: Cli, runs: Path) -> None:
    names = {"class_names": ["ant", "bee"], "keys": ["1", "2", "3", "4"], "labels": [0, 0, 0, 1]}
    part = {**names, "predicted": [0, 0, 0, 0], "zeroshot": [1, 1, 1, 1]}
    for folder in runs.iterdir():
        (folder / "predictions.json").write_text(json.dumps({"base": part, "new": part}))
    answer = cli("results", runs, "--average", "class", "--format", "csv")
    assert answer.code == 0, answer.err
    assert "50.0" in answer.out and "75" not in answer.out
    rows = cli("results", runs, "--average", "class", "--format", "runs")
    assert "rows have accuracies averaged over images" in rows.line
    (runs / "seed1" / "predictions.json").unlink()
    assert "predictions.json" in cli("results", runs, "--average", "class").line


def test_runs_as_csv_give_the_same_tables(cli: Cli, runs: Path, tmp_path: Path) -> None:
    text = cli("results", runs, "--format", "runs").out
    assert text.count("\n") == 3  # a head and two runs
    file = tmp_path / "runs.csv"
    file.write_text(text)
    assert cli("results", file, "--markdown").out == cli("results", runs, "--markdown").out
    assert "give one of them" in cli("results", file, "--markdown", "--format", "csv").line
    assert "wanted a file that" in cli("results", tmp_path / "no.csv").line
    assert "no answers to average" in cli("results", file, "--average", "class").line


@pytest.mark.parametrize("form", ["terminal", "runs"])
def test_runs_with_other_weights_are_kept_apart(cli: Cli, runs: Path, form: str) -> None:
    for folder, weights in ((runs / "seed1", "openai"), (runs / "seed2", "laion2b")):
        found = json.loads((folder / "results.json").read_text())
        settings = {"settings": {"pretrained": weights}}
        (folder / "results.json").write_text(json.dumps({**found, **settings}))
    line = cli("results", runs, "--format", form).line
    assert "runs of coop on folder:[/red], base2new differ in pretrained (openai, laion2b)" in line
