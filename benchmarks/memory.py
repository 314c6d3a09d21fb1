"""The largest memory that a piece of work takes, above what was there before it."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import torch

_STATUS, _RESET = Path("/proc/self/status"), Path("/proc/self/clear_refs")


def peak(work: Callable[[], object]) -> float | None:
    """Gigabytes above what the process held before; None where the system can't tell.

    On the cpu it is Linux that counts, and the process should have done nothing large before:
    memory that was freed and kept for later would be used again unseen.
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
    _RESET.write_text("5")  # from now on the peak is counted anew
    before = _kilobytes("VmRSS")
    work()
    return (_kilobytes("VmHWM") - before) * 1024 / 1e9


def in_a_process_of_its_own(arguments: Sequence[str]) -> dict[str, float | None]:
    """Run the benchmark again, for one figure."""
    command = [sys.executable, "-m", "benchmarks.speed", *arguments]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    found: dict[str, float | None] = json.loads(done.stdout.splitlines()[-1])
    return found


def _kilobytes(name: str) -> int:
    lines = _STATUS.read_text().splitlines()
    return int(next(line.split()[1] for line in lines if line.startswith(f"{name}:")))
