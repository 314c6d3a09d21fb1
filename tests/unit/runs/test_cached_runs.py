"""A second command on the same pictures: nothing is opened that needn't be, little is loaded."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from gopro.data import Dataset, Item
from gopro.results.pages import run_page
from tiny_run import Cli

SLOW = (
    *("timm", "torchvision", "open_clip", "transformers", "torch._dynamo", "sympy", "kornia"),
    "matplotlib",
)
"""What takes longer to load than a command on cached features has to do."""

PAGE = "jinja2"
"""What only the page of a training needs."""

_COMMAND = f"""
import sys
import torch

torch.optim.SGD([torch.zeros(1, requires_grad=True)])  # loads sympy before torch 2.7
before = set(sys.modules)
from gopro.cli.main import main

assert main(sys.argv[1:]) == 0
print([name for name in {(*SLOW, PAGE)} if name in set(sys.modules) - before])
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


@pytest.mark.parametrize(
    ("options", "again"),  # of 8 to train, 8 to validate and 16 to test
    [
        (["coop"], 0),
        (["coop", "--augment", "crop-flip"], 8),
        (["coop", "--augment", "crop-flip", "--view_cache", "2"], 0),
        (["gopro"], 8),  # its views are cut from the pictures
        (["gopro", "--view_cache", "2"], 0),
        (["tip_adapter", "--augment", "none"], 0),
        (["zeroshot"], 0),
    ],
)
def test_only_what_has_to_be_seen_is_opened_again(
    train: Cli,
    cli: Cli,
    tmp_path: Path,
    cache: Path,
    opened: list[str],
    options: list[str],
    again: int,
) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    assert train(first, "--method", *options).code == 0
    opened.clear()
    assert train(second, "--method", *options).code == 0
    assert len(opened) == again
    for name in ("predictions.json", "model.safetensors"):
        assert (first / name).read_bytes() == (second / name).read_bytes()
    opened.clear()
    answer = cli("test", second)
    assert answer.code == 0 and "differ" not in answer.out and not opened
    assert cli("test", second, "--verify-cache").code == 0
    assert len(opened) == 16 == len(set(opened))


def test_other_views_are_made_from_the_pictures(
    train: Cli, tmp_path: Path, cache: Path, opened: list[str]
) -> None:
    usual = ["--method", "gopro", "--view_cache"]
    assert train(tmp_path / "two", *usual, "2").code == 0
    for name, options in (("three", ["3"]), ("check", ["2", "--verify-cache"])):
        opened.clear()
        assert train(tmp_path / name, *usual, *options).code == 0
        assert len(set(opened)) >= 8
    two, checked = ((tmp_path / name / "metrics.jsonl").read_bytes() for name in ("two", "check"))
    assert two == checked


def test_a_damaged_note_of_the_pictures_is_written_again(
    train: Cli, tmp_path: Path, cache: Path, opened: list[str]
) -> None:
    usual = ["--method", "gopro", "--view_cache", "2"]
    assert train(tmp_path / "first", *usual).code == 0
    (note,) = cache.glob("pictures-*.txt")
    wanted = note.read_text()
    note.write_text("damaged")
    opened.clear()
    assert train(tmp_path / "second", *usual).code == 0
    assert (len(opened), note.read_text()) == (8, wanted)


def test_a_check_of_the_cache_is_no_other_run(train: Cli, tmp_path: Path, cache: Path) -> None:
    run = tmp_path / "run"
    assert train(run, "--verify-cache").code == 0
    line = train(run).line
    assert "this very run, finished" in line


def test_little_is_loaded(photos: Path, tmp_path: Path) -> None:
    """By a training and a test on the default backbone."""
    usual = ["--method", "coop", "--shots", "2", "--epochs", "1", "--device", "cpu"]
    train = ["train", f"folder:{photos}", *usual, "--out", str(tmp_path / "run")]
    for words, needed in ((train, [PAGE]), (["test", str(tmp_path / "run")], [])):
        command = [sys.executable, "-c", _COMMAND, *words]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        assert done.stdout.splitlines()[-1] == str(needed)
