"""Runs that are loaded again."""

from __future__ import annotations

from pathlib import Path

import pytest

from gopro.common.tensors import load_tensors, save_tensors
from small_clips import clip_folder
from tiny_run import Cli


def test_a_backbone_that_is_a_folder(
    cli: Cli, photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, folder = tmp_path / "run", clip_folder(tmp_path / "clip")
    monkeypatch.chdir(tmp_path)
    usual = ("--backbone", "local-dir:clip", "--method", "coop", "--epochs", 1, "--device", "cpu")
    answer = cli("train", f"folder:{photos}", "few-shot", *usual, "--shots", 2, "--out", run)
    assert answer.code == 0, answer.err
    monkeypatch.chdir(run)
    answer = cli("test", run)
    assert answer.code == 0 and "differ" not in answer.out, answer.err
    # older runs have the path as it was written
    monkeypatch.chdir(tmp_path)
    config, weights = run / "config.yaml", run / "model.safetensors"
    config.write_text(config.read_text().replace(str(folder), "clip"))
    tensors, about = load_tensors(weights)
    save_tensors(weights, tensors, {**about, "backbone": "local-dir:clip"})
    answer = cli("test", run)
    assert answer.code == 0 and "differ" not in answer.out, answer.err
