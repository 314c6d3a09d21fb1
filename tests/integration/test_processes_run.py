"""``gopro train --processes 2``: two real processes leave one run folder."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tiny_run import write_photos


def _train(photos: Path, out: Path, *more: str) -> subprocess.CompletedProcess[str]:
    command = [
        *(sys.executable, "-m", "gopro", "train", f"folder:{photos}", "base2new"),
        *("--method", "gopro", "--shots", "4", "--epochs", "2", "--batch", "4"),
        *("--device", "cpu", "--out", str(out), *more),
    ]
    return subprocess.run(command, capture_output=True, text=True, timeout=280)


def test_two_processes_leave_the_run_of_one(tmp_path: Path) -> None:
    photos = write_photos(tmp_path / "animals")
    found: dict[str, Any] = {}
    for count in ("1", "2"):
        out = tmp_path / f"by{count}"
        done = _train(photos, out, "--processes", count)
        assert done.returncode == 0, done.stderr
        assert done.stdout.count("all of it is in") == 1  # one of them speaks
        assert (out / "done").exists()
        rows = (out / "metrics.jsonl").read_text().splitlines()
        found[count] = [json.loads(row) for row in rows]
    assert len(found["1"]) == len(found["2"]) == 2
    for one, two in zip(found["1"], found["2"], strict=True):
        for name in ("loss", "ce", "sem", "con"):
            assert two[name] == pytest.approx(one[name], rel=1e-3, abs=1e-7), name


def test_a_batch_that_cannot_be_shared(tmp_path: Path) -> None:
    photos = write_photos(tmp_path / "animals")
    done = _train(photos, tmp_path / "run", "--processes", "2", "--batch", "3")
    assert done.returncode == 2
    assert "got a batch of 3 images for 2 processes" in done.stderr
    assert "Traceback" not in done.stderr
