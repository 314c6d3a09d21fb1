"""``gopro rerun``: the same again, bit for bit, or a line that says what differs."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from gopro.common.tensors import load_tensors, save_tensors
from gopro.results import results_json
from gopro.runs.rerun import causes, differences
from tiny_run import Cli, write_photos


@pytest.mark.parametrize("method", ["gopro", "tip_adapter", "zeroshot"])
def test_the_same_again(train: Cli, cli: Cli, tmp_path: Path, method: str) -> None:
    train(tmp_path / "run", "--method", method)
    answer = cli("rerun", tmp_path / "run", "--out", tmp_path / "again")
    assert (answer.code, answer.err) == (0, "")
    last = answer.out.splitlines()[-1]
    assert last.startswith("the same: weights, metrics and predictions") and "bit for bit" in last
    first, second = (tmp_path / name / "model.safetensors" for name in ("run", "again"))
    assert first.read_bytes() == second.read_bytes()


def test_the_threads_are_those_of_the_run(train: Cli, cli: Cli, tmp_path: Path) -> None:
    """A job of a sweep computes with one thread; repeated with several, its last digits differ."""
    before = torch.get_num_threads()
    torch.set_num_threads(3)
    try:
        train(tmp_path / "run")
    finally:
        torch.set_num_threads(before)
    assert cli("rerun", tmp_path / "run").code == 0
    first, again = (results_json.read(tmp_path / name) for name in ("run", "run/rerun"))
    assert "3 threads" in first["environment"]["device"]
    assert again["environment"] == first["environment"]
    assert torch.get_num_threads() == before


def test_the_folder_by_default(train: Cli, cli: Cli, tmp_path: Path) -> None:
    train(tmp_path / "run")
    assert cli("rerun", tmp_path / "run").code == 0
    made = (tmp_path / "run" / "rerun" / "model.safetensors").stat().st_mtime_ns
    assert cli("rerun", tmp_path / "run").code == 0  # compares again, trains no more
    assert (tmp_path / "run" / "rerun" / "model.safetensors").stat().st_mtime_ns == made
    train(tmp_path / "other", "--epochs", 1)
    line = cli("rerun", tmp_path / "run", "--out", tmp_path / "other").line
    assert "holds another run" in line


def test_what_differs_is_told(train: Cli, cli: Cli, tmp_path: Path) -> None:
    train(tmp_path / "run")
    weights = tmp_path / "run" / "model.safetensors"
    tensors, about = load_tensors(weights)
    tensors["context"][0, 0] += 0.5
    save_tensors(weights, tensors, about)
    path = tmp_path / "run" / "results.json"
    found = json.loads(path.read_bytes())
    found["test"]["base"]["accuracy"] = 12.34
    path.write_text(json.dumps(found))
    line = cli("rerun", tmp_path / "run").line
    assert "differs from" in line
    assert "weights differ by at most 5.0e-01 (context); base " in line
    assert ", was 12.34" in line and "predictions" not in line
    assert line.endswith("with the same versions, code and data")


def test_what_may_be_the_cause_is_told(train: Cli, cli: Cli, tmp_path: Path) -> None:
    photos = write_photos(tmp_path / "photos")
    train(tmp_path / "run", dataset=f"folder:{photos}")
    (photos / "ant" / "00.png").rename(photos / "ant" / "99.png")
    path = tmp_path / "run" / "results.json"
    found = json.loads(path.read_bytes())
    found["environment"]["torch"] = "1.0"
    found["revision"] = 40 * "a" + ", changed"
    path.write_text(json.dumps(found))
    line = cli("rerun", tmp_path / "run").line
    assert f"torch is {torch.__version__.partition('+')[0]}" in line and "was 1.0" in line
    assert "was aaaaaaaaaa, changed" in line
    assert "the split is another" in line


def test_weights_of_another_shape(train: Cli, tmp_path: Path) -> None:
    train(tmp_path / "a")
    train(tmp_path / "b", "--coop.n_ctx", 2)
    train(tmp_path / "c", "--method", "slip")
    assert next(differences(tmp_path / "a", tmp_path / "b")) == "the weights are others (context)"
    assert next(differences(tmp_path / "a", tmp_path / "c")).startswith("the weights are others")
    assert causes(tmp_path / "a", tmp_path / "b") == []


def test_a_file_that_is_gone(train: Cli, cli: Cli, tmp_path: Path) -> None:
    train(tmp_path / "run")
    (tmp_path / "run" / "predictions.json").unlink()
    line = cli("rerun", tmp_path / "run").line
    assert ": predictions.json differs, with the same versions" in line
    (tmp_path / "run" / "model.safetensors").unlink()
    assert "can't read" in cli("rerun", tmp_path / "run").line


def test_results_of_an_earlier_version(train: Cli, cli: Cli, tmp_path: Path) -> None:
    train(tmp_path / "run")
    path = tmp_path / "run" / "results.json"
    found = json.loads(path.read_bytes())
    for name in ("settings", "environment", "revision", "splits", "sample"):
        del found[name]
    path.write_text(json.dumps(found))
    assert cli("rerun", tmp_path / "run").code == 0


def test_folders_that_hold_no_run(cli: Cli, tmp_path: Path) -> None:
    assert "holds no finished run" in cli("rerun", tmp_path / "none").line
