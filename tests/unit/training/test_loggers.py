"""Metrics in other places too: whole after a resumed run, and never in the way."""

from __future__ import annotations

import csv
import json
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from gopro.common.errors import GoproError
from gopro.training import loggers
from tiny_run import Cli

ROWS = [{"epoch": 1, "lr": 0.1, "ce": 2.0}, {"epoch": 2, "lr": 0.1, "ce": 1.5, "val_accuracy": 50}]


def _log(names: list[str], folder: Path) -> None:
    with loggers.opened(names, folder, {"lr": 0.1}) as made:
        for row in ROWS:
            loggers.log_row(made, row)


def _csv(folder: Path) -> list[dict[str, str]]:
    with (folder / "logs" / "csv" / "metrics.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def test_csv_is_made_anew(tmp_path: Path) -> None:
    for _ in range(2):
        _log(["csv"], tmp_path)
        rows = _csv(tmp_path)
        assert [(row["step"], row["ce"]) for row in rows] == [("1", "2.0"), ("2", "1.5")]
        assert rows[1]["val_accuracy"] == "50"


def test_tensorboard(tmp_path: Path) -> None:
    pytest.importorskip("tensorboard")
    _log(["tensorboard"], tmp_path)
    assert list((tmp_path / "logs" / "tensorboard").glob("events.*"))


class _Wandb(ModuleType):
    """Stands in for the package: keeps what it is given."""

    def __init__(self, broken: bool) -> None:
        super().__init__("wandb")
        self.broken, self.seen, self.ended = broken, [], None
        self.id = "run1"

    seen: list[Any]
    ended: int | None

    def init(self, **given: Any) -> _Wandb:
        if self.broken:
            raise RuntimeError("no API key\nmore")
        self.given = given
        return self

    def log(self, metrics: dict[str, float], step: int) -> None:
        self.seen.append((step, metrics["ce"]))

    def finish(self, exit_code: int) -> None:
        self.ended = exit_code


def test_wandb(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake = _Wandb(broken=False)
    monkeypatch.setitem(sys.modules, "wandb", fake)
    _log(["wandb"], tmp_path)
    assert fake.seen == [(1, 2.0), (2, 1.5)]
    assert fake.ended == 0
    assert fake.given["config"] == {"lr": 0.1}


def test_wandb_that_does_not_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "wandb", _Wandb(broken=True))
    with pytest.raises(GoproError, match=r"doesn't start \(no API key\)"):
        _log(["wandb"], tmp_path)
    monkeypatch.setitem(sys.modules, "wandb", None)  # as where it isn't installed
    with pytest.raises(GoproError, match="pip install"):
        _log(["wandb"], tmp_path)


def test_run(train: Cli, tmp_path: Path) -> None:
    assert train(tmp_path / "run", "--logger", "csv").code == 0
    rows = _csv(tmp_path / "run")
    lines = (tmp_path / "run" / "metrics.jsonl").read_text().splitlines()
    assert [float(row["ce"]) for row in rows] == [json.loads(line)["ce"] for line in lines]
    assert "wanted csv, tensorboard or wandb" in train(tmp_path / "x", "--logger", "xml").line
