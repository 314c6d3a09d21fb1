"""A second command on the same pictures: nothing is opened that needn't be, little is loaded."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from gopro.data import Dataset, Item
from gopro.results.pages import run_page
from tiny_run import Cli

SLOW = ("timm", "torchvision", "open_clip", "transformers", "torch._dynamo", "sympy", "kornia")
"""What takes longer to load than a command on cached features has to do."""

_TRAIN_AND_TEST = f"""
import sys
from gopro.cli.main import main

assert main(sys.argv[1:]) == 0
assert main(["test", sys.argv[-1]]) == 0
print([name for name in {SLOW} if name in sys.modules])
"""


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "cache"
    monkeypatch.setenv("GOPRO_CACHE", str(folder))
    return folder


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    keys: list[str] = []
    open_one = Dataset.open

    def noted(self: Dataset, item: Item, reduced_to: int | None = None) -> Image.Image:
        keys.append(item.key)
        return open_one(self, item, reduced_to)

    monkeypatch.setattr(Dataset, "open", noted)
    monkeypatch.setattr(run_page, "write", lambda *arguments: None)  # it shows pictures
    return keys


@pytest.mark.parametrize("method", ["coop", "zeroshot"])
def test_only_what_is_trained_on_is_opened_again(
    train: Cli, cli: Cli, tmp_path: Path, cache: Path, opened: list[str], method: str
) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    assert train(first, "--method", method).code == 0
    opened.clear()
    assert train(second, "--method", method).code == 0
    assert len(opened) == (8 if method == "coop" else 0)
    results = [json.loads((run / "results.json").read_text())["test"] for run in (first, second)]
    assert results[0] == results[1]
    opened.clear()
    answer = cli("test", second)
    assert answer.code == 0 and "differ" not in answer.out and not opened
    assert cli("test", second, "--verify-cache").code == 0
    assert len(opened) == 16 == len(set(opened))


def test_a_check_of_the_cache_is_no_other_run(train: Cli, tmp_path: Path, cache: Path) -> None:
    run = tmp_path / "run"
    assert train(run, "--verify-cache").code == 0
    line = train(run).line
    assert "this very run, finished" in line


def test_little_is_loaded(photos: Path, tmp_path: Path) -> None:
    """By a training and a test on the default backbone."""
    usual = ["--method", "coop", "--shots", "2", "--epochs", "1", "--device", "cpu"]
    arguments = ["train", f"folder:{photos}", *usual, "--out", str(tmp_path / "run")]
    command = [sys.executable, "-c", _TRAIN_AND_TEST, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"
