"""Every command and every block of Python in the README runs, in its order.

Commands that take minutes or need other weights run with the options of ``_BRIEF`` added, on tiny
data in the folders that the README names.
"""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

import documented
from gopro import PromptClassifier
from gopro.cli.train import runs_from
from tiny_run import Cli, write_photos

README = documented.ROOT / "README.md"
BLOCKS = documented.blocks(README)

_BRIEF = {"train": ("--shots", "1", "--epochs", "1"), "fit": ("--epochs", "1")}
"""Options added to a command, besides the tiny backbone."""

_MAKES = {"demo": "bin/gopro demo", "test": "-m pytest"}
"""What each target of the README runs in the end."""


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with the photographs and the data set that the README names."""
    write_photos(tmp_path / "photographs", count=6)
    picture = Image.open(tmp_path / "photographs" / "ant" / "00.png")
    (tmp_path / "more").mkdir()
    for name in ("photo.jpg", "more/a.jpg", "more/b.jpg"):
        picture.save(tmp_path / name)
    home = tmp_path / "DATA" / "caltech-101"
    classes = ("Faces", "Leopards", "anchor", "ant")
    write_photos(home / "101_ObjectCategories", classes, count=4)
    parts = {
        part: [[f"{c}/{n:02}.png", place, c] for place, c in enumerate(classes) for n in numbers]
        for part, numbers in {"train": (0, 1), "val": (2,), "test": (3,)}.items()
    }
    (home / "split_zhou_Caltech101.json").write_text(json.dumps(parts), encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.usefixtures("here")
def test_gopro_commands(cli: Cli, tiny: list[str]) -> None:
    ran = []
    for kind, text in BLOCKS:
        for program, *arguments in documented.commands(text) if kind == "" else ():
            if program != "gopro":
                continue
            command = arguments[0]
            brief = [*_BRIEF[command], *tiny] if command in _BRIEF else []
            answer = cli(*arguments, *brief)
            assert answer.code == 0, (arguments, answer.err)
            ran.append(command)
    assert ran == ["check", "fit", "predict", "predict", "train"]


@pytest.mark.usefixtures("here")
def test_python(monkeypatch: pytest.MonkeyPatch) -> None:
    fit = PromptClassifier.fit

    def briefly(self: PromptClassifier, *given: Any, **more: Any) -> PromptClassifier:
        return fit(self.set_params(epochs=1), *given, **more)

    monkeypatch.setattr(PromptClassifier, "fit", briefly)
    found = [text for kind, text in BLOCKS if kind == "python"]
    assert found
    for text in found:
        exec(compile(text, str(README), "exec"), {})


def test_other_programs(tmp_path: Path) -> None:
    """``make`` runs dry; the scripts call a ``gopro`` that records its arguments."""
    ran = set()
    for program, *arguments in (w for kind, text in BLOCKS for w in documented.commands(text)):
        if program == "make":
            done = subprocess.run(
                ["make", "--dry-run", *arguments],
                cwd=documented.ROOT,
                capture_output=True,
                text=True,
            )
            assert done.returncode == 0, done.stderr
            assert _MAKES[arguments[0]] in done.stdout
            ran.add(f"make {arguments[0]}")
        elif program == "bash":
            for asked in _asked(arguments, tmp_path):
                documented.check(["gopro", *asked])
        elif program == "pip":
            assert arguments == ["install", "."]
        else:
            continue
        ran.add(program)
    assert ran == {"make", "make demo", "make test", "bash", "pip"}


def test_both_scripts_ask_for_the_published_runs(tmp_path: Path) -> None:
    trained = _asked(["scripts/train.sh", "caltech101", "basenew"], tmp_path)
    assert [words[0] for words in trained] == ["train"] * 5 + ["results"]
    runs = [settings for words in trained[:5] for settings, _ in runs_from(words[1:])]
    assert [run.seed for run in runs] == [1, 2, 3, 4, 5]
    assert {(run.method, run.backbone, run.pretrained, run.shots) for run in runs} == {
        ("gopro", "ViT-B-16", "openai", 16)
    }
    tested = _asked(["scripts/test.sh", "caltech101", "basenew"], tmp_path)
    assert [Path(words[1]) for words in tested] == [run.out for run in runs]


def test_the_script_for_training_continues(tmp_path: Path) -> None:
    """With the runs that aren't finished."""
    finished = tmp_path / "runs" / "caltech101-basenew" / "seed1"
    finished.mkdir(parents=True)
    (finished / "done").touch()
    asked = _asked(["scripts/train.sh", "caltech101", "basenew"], tmp_path)
    runs = [settings for words in asked[:-1] for settings, _ in runs_from(words[1:])]
    assert [(run.seed, run.resume) for run in runs] == [(seed, True) for seed in (2, 3, 4, 5)]
    with pytest.raises(subprocess.CalledProcessError):  # it would show the runs of ViT-B/16
        _asked(["scripts/train.sh", "caltech101", "basenew", "--backbone", "mini"], tmp_path)


def _asked(script: list[str], tmp_path: Path) -> list[list[str]]:
    """The arguments of each ``gopro`` that a script calls."""
    log = tmp_path / "asked"
    log.unlink(missing_ok=True)
    (tmp_path / "bin").mkdir(exist_ok=True)
    noting = tmp_path / "bin" / "gopro"
    program = "import json, sys; print(json.dumps(sys.argv[1:]), file=open(LOG, 'a'))"
    program = program.replace("LOG", repr(str(log)))
    noting.write_text(f'#!/bin/sh\nexec {sys.executable} -c {shlex.quote(program)} "$@"\n')
    noting.chmod(0o755)
    path = f"{noting.parent}{os.pathsep}{os.environ['PATH']}"
    first, *rest = script
    subprocess.run(
        ["bash", str(documented.ROOT / first), *rest],
        check=True,
        cwd=tmp_path,
        env={**os.environ, "PATH": path},
    )
    return [json.loads(line) for line in log.read_text().splitlines()]
