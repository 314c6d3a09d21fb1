"""Every command and every block of Python in the tutorial runs, in its order."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from gopro import PromptClassifier
from gopro.cli import main
from tiny_run import write_photos

TUTORIAL = Path(__file__).parents[2] / "docs" / "tutorial.md"


def test_tutorial(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("sklearn")
    monkeypatch.chdir(tmp_path)
    _photographs(tmp_path / "photographs")
    monkeypatch.setattr(PromptClassifier, "fit", _briefly(PromptClassifier.fit))
    text = TUTORIAL.read_text(encoding="utf-8")
    blocks = re.findall(r"^```(bash|python)\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    assert {kind for kind, _ in blocks} == {"bash", "python"}
    for kind, block in blocks:
        if kind == "python":
            exec(compile(block, str(TUTORIAL), "exec"), {})
            continue
        for line in block.splitlines():
            program, *arguments = shlex.split(line)
            assert (program, main(arguments)) == ("gopro", 0), (line, capsys.readouterr().err)
    assert {path.name for path in tmp_path.iterdir()} == {
        *("photographs", "model", "final", "from-python")
    }


def _photographs(folder: Path) -> None:
    write_photos(folder, ["sea_horse", "starfish", "yellow tang"], count=6)
    for path in folder.rglob("*.png"):
        Image.open(path).save(path.with_name(f"IMG_{int(path.stem):04}.jpg"))
        path.unlink()


def _briefly(fit: Any) -> Any:
    """The same with one epoch: what the tutorial says is tested here, not what is learned."""

    def run(self: PromptClassifier, *given: Any, **more: Any) -> PromptClassifier:
        fitted: PromptClassifier = fit(self.set_params(epochs=1), *given, **more)
        return fitted

    return run
