"""The embedded backbone, the built-in world, the default method: as ``gopro demo`` runs them."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from gopro.results import results_json
from gopro.runs import workspace
from small_world import small_world
from tiny_run import Cli


def test_the_demo_ends_with_a_table_and_a_picture(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    small = small_world(train=16, val=2, test=5)
    monkeypatch.setattr(workspace, "load", lambda name, root, seed: small)
    answer = cli("demo", "--epochs", 1, "--out", tmp_path / "demo")
    assert answer.code == 0, answer.err
    assert answer.err == ""
    assert "zero-shot CLIP" in answer.out and "gopro (paper)" in answer.out
    assert "harmonic mean" in answer.out and str(tmp_path / "demo") in answer.out.replace("\n", "")
    found = results_json.read(tmp_path / "demo")
    assert (found["dataset"], found["backbone"], found["method"]) == ("world", "lite", "gopro")
    assert found["test"]["new"]["n"] == 10
    with Image.open(tmp_path / "demo" / "picture.png") as image:
        image.load()
        assert image.width > 1000
    again = cli("test", tmp_path / "demo")
    assert again.code == 0 and "differ" not in again.out
    assert "this very run, finished" in cli("demo", "--epochs", 1, "--out", tmp_path / "demo").line
