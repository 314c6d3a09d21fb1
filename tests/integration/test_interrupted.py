"""Runs that are stopped: by Ctrl-C at any step, and from outside; then resumed."""

from __future__ import annotations

import json
import os
import signal
import time
from pathlib import Path
from typing import Any

import pytest
import yaml

from gopro.results import results_json
from gopro.training import trainer
from killed_work import training_on_tiny
from same_runs import assert_same
from tiny_run import Cli


@pytest.mark.parametrize("step", [1, 4, 5, 8])
def test_ctrl_c_saves_and_resume_ends_the_same(
    train: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: int
) -> None:
    gopro = ["--method", "gopro", "--select", "best"]
    train(tmp_path / "whole", *gopro)
    original, counted = trainer.Trainer._step, iter(range(1, 1000))

    def interrupted(self: trainer.Trainer, *arguments: Any) -> dict[str, float]:
        if next(counted) == step:
            signal.raise_signal(signal.SIGINT)
        return original(self, *arguments)

    with monkeypatch.context() as patch:
        patch.setattr(trainer.Trainer, "_step", interrupted)
        answer = train(tmp_path / "run", *gopro)
    assert answer.code == 130
    folder = str(tmp_path / "run")
    assert f"saved in {folder}; the same command with --resume continues" in answer.err
    assert not (tmp_path / "run" / "results.json").exists()
    assert "unfinished; add --resume" in train(tmp_path / "run", *gopro).line
    assert train(tmp_path / "run", *gopro, "--resume").code == 0
    assert_same(tmp_path / "run", tmp_path / "whole")


def test_a_signal_from_outside(train: Cli, tiny: list[str], photos: Path, tmp_path: Path) -> None:
    epochs, run = ["--epochs", "12"], tmp_path / "run"
    train(tmp_path / "whole", *epochs)
    process = training_on_tiny(tiny, photos, tmp_path, run, *epochs)
    started = time.monotonic()
    while not (run / "metrics.jsonl").exists() and process.is_alive():
        assert time.monotonic() - started < 120
        time.sleep(0.005)
    assert process.pid is not None
    os.kill(process.pid, signal.SIGINT)
    process.join(120)
    said = (tmp_path / "said").read_text()
    assert process.exitcode == 130, said
    assert "Traceback" not in said and "--resume continues" in said
    assert (run / "checkpoint.safetensors").exists()
    assert len((run / "metrics.jsonl").read_text().splitlines()) < 12
    assert train(run, *epochs, "--resume").code == 0
    assert_same(run, tmp_path / "whole")


def test_resume_without_anything_to_resume_is_a_new_run(train: Cli, tmp_path: Path) -> None:
    train(tmp_path / "whole")
    assert train(tmp_path / "run", "--resume").code == 0
    assert_same(tmp_path / "run", tmp_path / "whole")


def test_a_damaged_checkpoint(train: Cli, tmp_path: Path, monkeypatch: Any) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(results_json, "summary", _fail)
        with pytest.raises(ZeroDivisionError):
            train(tmp_path / "run")
    path = tmp_path / "run" / "checkpoint.safetensors"
    path.write_bytes(path.read_bytes()[:-40])
    line = train(tmp_path / "run", "--resume").line
    assert "checkpoint.safetensors" in line and "without --resume" in line


def _fail(*arguments: object) -> None:
    raise ZeroDivisionError


def test_the_settings_of_a_run_repeat_it(train: Cli, cli: Cli, tmp_path: Path) -> None:
    train(tmp_path / "run", "--coop.n_ctx", 2, "--seed", 5, "--views.crop_scale", "[0.3,1.0]")
    config = tmp_path / "run" / "config.yaml"
    recorded = yaml.safe_load(config.read_text())
    assert recorded["momentum"] == 0.9  # the recipe's, written out
    again = cli("train", "--config", config, "--out", tmp_path / "again")
    assert again.code == 0, again.err
    assert_same(tmp_path / "run", tmp_path / "again")
    found = yaml.safe_load((tmp_path / "again" / "config.yaml").read_text())
    assert {**found, "out": None} == {**recorded, "out": None}
    assert "this very run, finished" in cli("train", "--config", config).line


def test_metrics_are_whole_lines_of_json(train: Cli, tmp_path: Path) -> None:
    train(tmp_path / "run", "--method", "gopro")
    rows = [json.loads(line) for line in (tmp_path / "run" / "metrics.jsonl").open()]
    assert [row["epoch"] for row in rows] == [1, 2]
    assert all(row.keys() >= {"lr", "loss", "ce", "sem", "con", "val_accuracy"} for row in rows)
