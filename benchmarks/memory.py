"""Peak memory of a piece of work, above what the process used before."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import torch

_STATUS, _RESET = Path("/proc/self/status"), Path("/proc/self/clear_refs")


def peak(work: Callable[[], object]) -> float | None:
    """Peak memory of ``work`` in gigabytes; None if the system cannot tell.

    On a CPU this needs Linux and a process that has done nothing large before. Otherwise the
    allocator reuses memory that was freed earlier, and the peak is too low.
    """
    if torch.cuda.is_available():
        torch.cuda.synchronize()
        torch.cuda.reset_peak_memory_stats()
        before = torch.cuda.memory_allocated()
        work()
        torch.cuda.synchronize()
        return (torch.cuda.max_memory_allocated() - before) / 1e9
    if not _RESET.exists():
        return None
    _RESET.write_text("5")  # resets the peak, VmHWM
    before = _kilobytes("VmRSS")
    work()
    return (_kilobytes("VmHWM") - before) * 1024 / 1e9


def in_new_process(arguments: Sequence[str]) -> dict[str, float | None]:
    """Run ``benchmarks.speed`` in a new process and return the figures it prints last."""
    command = [sys.executable, "-m", "benchmarks.speed", *arguments]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    figures: dict[str, float | None] = json.loads(done.stdout.splitlines()[-1])
    return figures


def _kilobytes(name: str) -> int:
    lines = _STATUS.read_text().splitlines()
    return int(next(line.split()[1] for line in lines if line.startswith(f"{name}:")))
