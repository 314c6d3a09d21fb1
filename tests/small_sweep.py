"""A sweep of three short jobs with the real command, and its results."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from same_runs import SAME

JOBS = 3


def start(pictures: Path, out: Path, *more: str, **options: Any) -> subprocess.Popen[str]:
    """Start ``gopro bench`` with three short jobs in a new process."""
    command = [
        *(sys.executable, "-m", "gopro", "bench", "--methods", "coop"),
        *("--backbone", "mini"),
        *("--datasets", f"folder:{pictures}", "--seeds", "1,2,3", "--shots", "2", "--epochs", "6"),
        *("--batch", "2", "--augment", "none", "--device", "cpu", "--out", str(out), *more),
    ]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    return subprocess.Popen(command, text=True, **pipes, **options)


def numbers(out: Path) -> dict[str, Any]:
    """The results of a job: accuracies, predictions, and the bytes of the weights."""
    found = {}
    for path in out.glob("*/results.json"):
        run = json.loads(path.read_text())
        found[path.parent.name] = (
            *(run[name] for name in ("method", "seed", "test", "zeroshot", "harmonic_mean")),
            *((path.parent / name).read_bytes() for name in SAME),
        )
        assert (path.parent / "done").exists()
        assert not list(path.parent.glob(".*.tmp"))
    return found


def finish(pictures: Path, out: Path) -> None:
    """Start the sweep again until it is finished."""
    process = start(pictures, out)
    text, error = process.communicate(timeout=600)
    assert process.returncode == 0, error
    assert f"{JOBS} of {JOBS} jobs done" in text
