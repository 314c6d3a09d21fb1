"""A sweep of three short jobs, as a new process or in this one, and its results."""

from __future__ import annotations

import contextlib
import io
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from gopro.cli.main import main
from same_runs import SAME

JOBS = 3


def command(pictures: Path, out: Path, *more: str) -> list[str]:
    """The arguments of ``gopro`` for three short jobs."""
    return [
        *("bench", "--methods", "coop", "--backbone", "mini"),
        *("--datasets", f"folder:{pictures}", "--seeds", "1,2,3"),
        *("--shots", "2", "--epochs", "6", "--batch", "2", "--augment", "none", "--device", "cpu"),
        *("--out", str(out), *more),
    ]


def start(pictures: Path, out: Path, *more: str, **options: Any) -> subprocess.Popen[str]:
    """Start the sweep in a new process, which can be killed."""
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    program = [sys.executable, "-m", "gopro", *command(pictures, out, *more)]
    return subprocess.Popen(program, text=True, **pipes, **options)


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


def finish(pictures: Path, out: Path, *more: str) -> None:
    """Start the sweep, again or for the first time, in this process, and let it end."""
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        assert main(command(pictures, out, *more)) == 0
    assert f"{JOBS} of {JOBS} jobs done" in printed.getvalue()
