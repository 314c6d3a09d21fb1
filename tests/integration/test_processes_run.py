"""``gopro train --processes 2``: two real processes leave one run folder."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from same_runs import SAME
from tiny_run import Cli, write_photos

_GOPRO = [sys.executable, "-m", "gopro"]

_DISAGREE = """
import os, sys
from pathlib import Path

from gopro.backbones import Backbone, auto_precision

rank, to = os.environ.get("LOCAL_RANK", "0"), Backbone.to

def record(backbone, device, precision="fp32"):
    (Path(__file__).parent / f"precision-{rank}").write_text(precision)
    return to(backbone, device, precision)

auto_precision.fastest = lambda *names: "bf16" if rank == "0" else "fp32"
Backbone.to = record

from gopro.cli.main import main

sys.exit(main())
"""
"""Runs gopro where two processes find different precisions faster, and notes what each one uses."""


def _arguments(photos: Path, *more: str) -> list[str]:
    return [
        *("train", f"folder:{photos}", "--method", "coop", "--shots", "4", "--batch", "4"),
        *("--backbone", "mini", "--device", "cpu", *more),
    ]


def _run(command: list[str], **options: Any) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, timeout=280, **options)


def _two_epochs(photos: Path, out: Path) -> list[str]:
    gopro = ("--method", "gopro", "--epochs", "2", "--out", str(out))
    return _arguments(photos, "--task", "base2new", *gopro)


def test_two_processes_leave_the_run_of_one(cli: Cli, tmp_path: Path) -> None:
    photos = write_photos(tmp_path / "animals")
    alone = cli(*_two_epochs(photos, tmp_path / "by1"), "--processes", "1")
    assert alone.code == 0, alone.err
    done = _run([*_GOPRO, *_two_epochs(photos, tmp_path / "by2"), "--processes", "2"])
    assert done.returncode == 0, done.stderr
    rows: list[list[dict[str, float]]] = []
    for folder, printed in (("by1", alone.out), ("by2", done.stdout)):
        assert printed.count("all of it is in") == 1  # only the first process prints
        assert (tmp_path / folder / "done").exists()
        lines = (tmp_path / folder / "metrics.jsonl").read_text().splitlines()
        rows.append([json.loads(line) for line in lines])
    assert len(rows[0]) == len(rows[1]) == 2
    for one, two in zip(*rows, strict=True):
        for name in ("loss", "ce", "sem", "con"):
            assert two[name] == pytest.approx(one[name], rel=1e-3, abs=1e-7), name


def test_a_batch_that_cannot_be_shared(tmp_path: Path) -> None:
    photos = write_photos(tmp_path / "animals")
    more = ("--processes", "2", "--batch", "3")
    done = _run([*_GOPRO, *_two_epochs(photos, tmp_path / "run"), *more])
    assert done.returncode == 2
    assert "got a batch of 3 images for 2 processes" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.timeout(900)
def test_two_processes_resume_one_run_in_the_default_folder(tmp_path: Path) -> None:
    """The alias ``basenew`` and no ``--out``: all processes continue from the same checkpoint."""
    photos = write_photos(tmp_path / "animals")
    (tmp_path / "stopped").mkdir()
    (tmp_path / "whole").mkdir()
    options = ["--task", "basenew", "--processes", "2", "--epochs", "12"]
    command = [*_GOPRO, *_arguments(photos, *options)]
    name = Path("runs") / "animals-base2new-coop-mini-4shot-seed1"
    stopped, whole = tmp_path / "stopped" / name, tmp_path / "whole" / name
    process = subprocess.Popen(
        command,
        cwd=tmp_path / "stopped",
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    started = time.monotonic()
    while not (stopped / "metrics.jsonl").exists() and process.poll() is None:
        assert time.monotonic() - started < 200
        time.sleep(0.005)
    os.killpg(process.pid, signal.SIGINT)
    _, errors = process.communicate(timeout=120)
    assert process.returncode == 130, errors
    assert 0 < len((stopped / "metrics.jsonl").read_text().splitlines()) < 12
    done = _run([*command, "--resume"], cwd=tmp_path / "stopped")
    assert done.returncode == 0, done.stderr
    done = _run(command, cwd=tmp_path / "whole")
    assert done.returncode == 0, done.stderr
    for file in SAME:
        assert (stopped / file).read_bytes() == (whole / file).read_bytes(), file


def test_two_processes_use_the_precision_that_the_first_one_chose(tmp_path: Path) -> None:
    photos = write_photos(tmp_path / "animals")
    script = tmp_path / "disagree.py"
    script.write_text(_DISAGREE)
    options = ["--task", "base2new", "--processes", "2", "--precision", "auto", "--epochs", "1"]
    out = ["--out", str(tmp_path / "run")]
    done = _run([sys.executable, str(script), *_arguments(photos, *options, *out)])
    assert done.returncode == 0, done.stderr
    used = [(tmp_path / f"precision-{rank}").read_text() for rank in "01"]
    assert used == ["bf16", "bf16"]
    assert (
        json.loads((tmp_path / "run" / "results.json").read_text())["settings"]["precision"]
        == "bf16"
    )
