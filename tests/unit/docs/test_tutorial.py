"""Every command and every block of Python in the tutorial runs, in its order."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

import documented
from gopro import PromptClassifier
from gopro.classifier import auto
from gopro.classifier.choice import AUTO
from gopro.cli.main import main
from tiny_run import write_photos

TUTORIAL = documented.ROOT / "docs" / "tutorial.md"

_LARGE = ["--backbone", "ViT-B-16", "--pretrained", "openai"]
"""Needs a download; the tiny backbone of the tests runs instead."""


def test_tutorial(
    tmp_path: Path,
    tiny: list[str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    pytest.importorskip("sklearn")
    monkeypatch.chdir(tmp_path)
    _photographs(tmp_path / "photographs")
    new = tmp_path / "new"
    shutil.copytree(tmp_path / "photographs" / "starfish", new)
    rows = "".join(f"{path},starfish\n" for path in sorted(new.iterdir())[:3])
    (tmp_path / "corrections.csv").write_text(f"picture,label\n{rows}")  # as the page saves it
    monkeypatch.setattr(auto, "CANDIDATES", ("tip_adapter",))  # the quickest on mini
    monkeypatch.setattr(PromptClassifier, "fit", _briefly(PromptClassifier.fit))
    replaced = 0
    for kind, block in documented.blocks(TUTORIAL):
        if kind == "python":
            exec(compile(block, str(TUTORIAL), "exec"), {})
            continue
        for program, *arguments in documented.commands(block):
            if arguments[-4:] == _LARGE:
                arguments, replaced = [*arguments[:-4], *tiny], replaced + 1
            assert (program, main(arguments)) == ("gopro", 0), (arguments, capsys.readouterr().err)
    assert replaced == 1
    assert {path.name for path in tmp_path.iterdir()} == {
        *("photographs", "photographs-check", "model", "final", "from-python", "model-b16"),
        *("new", "answers.csv", "sorted", "review.html", "corrections.csv", "better", "chosen"),
    }


def _photographs(folder: Path) -> None:
    write_photos(folder, ["sea_horse", "starfish", "yellow tang"], count=6)
    for path in folder.rglob("*.png"):
        Image.open(path).save(path.with_name(f"IMG_{int(path.stem):04}.jpg"))
        path.unlink()


def _briefly(fit: Any) -> Any:
    """``fit`` with one epoch and a small backbone: commands are tested here, not the accuracy."""

    def run(self: PromptClassifier, *given: Any, **more: Any) -> PromptClassifier:
        small = "mini" if self.backbone == "lite" else self.backbone
        epochs = None if self.method == AUTO else 1
        fitted: PromptClassifier = fit(
            self.set_params(epochs=epochs, folds=2, backbone=small), *given, **more
        )
        return fitted

    return run
