"""Times of several ways of one piece of work, taken in turns in one process."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch


@dataclass(frozen=True)
class Time:
    """Seconds of one way.

    Attributes:
        median: Of all repetitions.
        low: The fastest.
        high: The slowest.
        count: How many repetitions.
    """

    median: float
    low: float
    high: float
    count: int


def in_turns(
    ways: Mapping[str, Callable[[], object]], rounds: int, patience: float
) -> dict[str, Time]:
    """Time each way once in every round, so that a slow minute of the machine meets all of them.

    Args:
        ways: Name -> work.
        rounds: How often, after one round that isn't counted.
        patience: A way that took more seconds than this in all isn't started again; one whose
            first round took as long is counted with that one.

    Returns:
        Name -> its times.
    """
    first = {name: _seconds(work) for name, work in ways.items()}
    taken: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(rounds):
        for name, work in ways.items():
            if first[name] + sum(taken[name]) < patience:
                taken[name].append(_seconds(work))
    found = {}
    for name, times in taken.items():
        times = times or [first[name]]
        found[name] = Time(statistics.median(times), min(times), max(times), len(times))
    return found


def _seconds(work: Callable[[], object]) -> float:
    _finish()
    started = time.perf_counter()
    work()
    _finish()
    return time.perf_counter() - started


def _finish() -> None:
    if torch.cuda.is_available():
        torch.cuda.synchronize()
