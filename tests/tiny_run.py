"""Runs of about a second: a tiny random CLIP, a folder of tiny pictures, the command line."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

NAME = "tiny-test"
VISION = {"image_size": 32, "layers": 2, "width": 32, "head_width": 16, "patch_size": 16}
TEXT = {"context_length": 77, "vocab_size": 49408, "width": 32, "heads": 2, "layers": 2}
CLASSES = ("ant", "bee", "cat", "dog")
BASE, NEW = CLASSES[:2], CLASSES[2:]


@dataclass(frozen=True)
class Answer:
    """The exit code and the output of a command."""

    code: int
    out: str
    err: str

    @property
    def line(self) -> str:
        """The error message: one line, no traceback, exit code 2."""
        assert self.code == 2, (self.code, self.out, self.err)
        lines = self.err.splitlines()
        assert len(lines) == 1, self.err
        assert lines[0].startswith("gopro: ")
        assert "Traceback" not in self.err + self.out
        return lines[0]


Cli = Callable[..., Answer]


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Options that select a tiny random CLIP, whose architecture is registered here."""
    from safetensors.torch import save_file

    from small_clips import small_clip

    folder = tmp_path_factory.mktemp("tiny")
    register(folder)
    model = small_clip(vision=VISION, text=TEXT, embed=16, seed=5)
    save_file(model.state_dict(), folder / "tiny.safetensors")
    return ["--backbone", NAME, "--pretrained", str(folder / "tiny.safetensors"), "--device", "cpu"]


def register(folder: Path) -> None:
    """Teach open_clip the tiny architecture, in this process."""
    import open_clip

    path = folder / f"{NAME}.json"
    config = {"embed_dim": 16, "vision_cfg": VISION, "text_cfg": TEXT}
    path.write_text(json.dumps(config), encoding="utf-8")
    open_clip.add_model_config(path)


def write_photos(
    folder: Path,
    classes: Sequence[str] = CLASSES,
    count: int = 12,
    side: int = 32,
    seed: int = 0,
) -> Path:
    """Make class folders of noisy pictures, each class with its own colour."""
    rng = np.random.default_rng(seed)
    for label, name in enumerate(classes):
        (folder / name).mkdir(parents=True)
        for number in range(count):
            noise = rng.integers(0, 90, (side, side, 3))
            noise[..., label % 3] += 40 * (label + 1) % 160
            Image.fromarray(noise.astype(np.uint8)).save(folder / name / f"{number:02}.png")
    return folder


@pytest.fixture(scope="session")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """4 classes of 12 pictures: 6 to train, 2 to validate, 4 to test. Not to be changed."""
    return write_photos(tmp_path_factory.mktemp("photos") / "animals")


@pytest.fixture
def cli(capsys: pytest.CaptureFixture[str]) -> Cli:
    """Run ``gopro`` in this process."""
    from gopro.cli.main import main

    def run(*arguments: object) -> Answer:
        capsys.readouterr()
        try:
            code: Any = main([str(argument) for argument in arguments])
        except SystemExit as stop:
            code = stop.code or 0
        return Answer(code, *capsys.readouterr())

    return run


@pytest.fixture
def train(cli: Cli, tiny: list[str], photos: Path) -> Cli:
    """Run ``gopro train`` on ``photos``; by default CoOp, 4 shots, 2 epochs of 4 steps."""

    def run(out: Path, *arguments: object, dataset: str | None = None) -> Answer:
        usual = ["--method", "coop", "--shots", 4, "--epochs", 2, "--batch", 2, "--augment", "none"]
        where = ["--out", out, "--workers", 1]
        data = dataset or f"folder:{photos}"
        return cli("train", data, "base2new", *tiny, *usual, *where, *arguments)

    return run


def sentences(path: Path) -> Path:
    """A file for ``--texts``, with two sentences about each class."""
    texts = {name: [f"The {name} has a colour.", f"Here is some {name}."] for name in CLASSES}
    path.write_text(json.dumps(texts), encoding="utf-8")
    return path
