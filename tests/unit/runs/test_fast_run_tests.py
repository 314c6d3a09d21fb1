"""``gopro test --fast``: fitted once, kept in the run folder, the same answers."""

from __future__ import annotations

from pathlib import Path

import pytest

from gopro.runs import fast_prediction
from tiny_run import Cli


def test_the_same_figures_and_what_it_took(
    train: Cli, cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = tmp_path / "run"
    assert train(run, "--method", "gopro").code == 0
    before = {path.name for path in run.iterdir()}
    first = cli("test", run, "--fast")
    assert first.code == 0 and "differ" not in first.out
    words = " ".join(first.out.split())
    assert "base: 8 of 8 answers (100.00 %) equal the exact ones; on training" in words
    assert "of 8 images needed the text tower" in words
    assert {path.name for path in run.iterdir()} - before == {
        "fast-base.safetensors",
        "fast-new.safetensors",
    }

    def refuse(*arguments: object) -> None:
        raise AssertionError("fitted again")

    monkeypatch.setattr(fast_prediction, "fit", refuse)
    assert cli("test", run, "--fast").out == first.out


def test_a_damaged_file_is_made_again(train: Cli, cli: Cli, tmp_path: Path) -> None:
    run = tmp_path / "run"
    assert train(run, "--method", "cocoop").code == 0
    first = cli("test", run, "--fast")
    (run / "fast-new.safetensors").write_bytes(b"no such thing")
    assert cli("test", run, "--fast").out == first.out


def test_a_method_without_a_fast_way_is_refused(train: Cli, cli: Cli, tmp_path: Path) -> None:
    assert train(tmp_path / "run").code == 0
    assert "no fast prediction for CoOp" in cli("test", tmp_path / "run", "--fast").line
