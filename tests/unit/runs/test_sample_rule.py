"""``--sample coop`` in whole runs: what is drawn, what is recorded, and what may be resumed."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from gopro.cli import bench, reproduce, train
from gopro.cli.options import Parser
from gopro.data import load
from gopro.data.fewshot import coop_samples
from gopro.results import results_json
from tiny_run import Cli


def test_a_run_trains_on_the_drawn_pictures(train: Cli, photos: Path, tmp_path: Path) -> None:
    answer = train(tmp_path / "run", "--sample", "coop")
    assert answer.code == 0, answer.err
    dataset = load(f"folder:{photos}", seed=1)
    recorded = json.loads((tmp_path / "run" / "sample.json").read_text())
    assert recorded["rule"] == "coop"
    for part, drawn in zip(
        ("train", "val"), coop_samples(dataset.train, dataset.val, 4, 1), strict=True
    ):
        wanted = [[item.key, item.label] for item in drawn if item.label < 2]
        assert recorded[part] == wanted
    results = results_json.read(tmp_path / "run")
    assert results["settings"]["sample"] == "coop"
    train(tmp_path / "usual")
    usual = results_json.read(tmp_path / "usual")
    assert usual["settings"]["sample"] == "hash"
    assert usual["sample"] != results["sample"]


def test_the_rule_belongs_to_the_run(train: Cli, cli: Cli, tmp_path: Path) -> None:
    assert train(tmp_path / "run", "--sample", "coop").code == 0
    line = train(tmp_path / "run", "--resume").line
    assert "holds another run (sample differ)" in line
    again = cli("rerun", tmp_path / "run", "--out", tmp_path / "again")
    assert again.code == 0, again.err
    assert results_json.read(tmp_path / "again")["settings"]["sample"] == "coop"
    assert "wanted one of 'hash', 'coop'" in train(tmp_path / "other", "--sample", "zhou").line


@pytest.mark.parametrize(
    "parser",
    [
        train.parser,
        lambda: train.parser("ablate"),
        bench.parser,
        lambda: reproduce._parser(["coop"]),
    ],
    ids=["train", "ablate", "bench", "reproduce"],
)
def test_every_command_that_makes_runs_has_it(parser: Callable[[], Parser]) -> None:
    options = {text for action in parser()._actions for text in action.option_strings}
    assert "--sample" in options
