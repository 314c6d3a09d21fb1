"""Times of several ways to do the same work, measured in turns in one process."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch


@dataclass(frozen=True)
class Time:
    """Times of one way, in seconds.

    Attributes:
        median: Of all repetitions.
        low: The shortest.
        high: The longest.
        count: Number of repetitions.
    """

    median: float
    low: float
    high: float
    count: int


def in_turns(
    ways: Mapping[str, Callable[[], object]],
    rounds: int,
    patience: float,
    clock: Callable[[], float] = time.perf_counter,
) -> dict[str, Time]:
    """Time each way once in every round, so that a slow phase of the machine affects all of them.

    Args:
        ways: Name -> work.
        rounds: Number of rounds, after one that is not counted.
        patience: A way that took more seconds than this in total is not started again. If its first
            round already took this long, that round is counted.
        clock: Its seconds are counted; ``time.process_time`` gives those of the processor.

    Returns:
        Name -> its times.
    """
    first = {name: _seconds(work, clock) for name, work in ways.items()}
    taken: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(rounds):
        for name, work in ways.items():
            if first[name] + sum(taken[name]) < patience:
                taken[name].append(_seconds(work, clock))
    results = {}
    for name, times in taken.items():
        times = times or [first[name]]
        results[name] = Time(statistics.median(times), min(times), max(times), len(times))
    return results


def _seconds(work: Callable[[], object], clock: Callable[[], float]) -> float:
    _finish()
    started = clock()
    work()
    _finish()
    return clock() - started


def _finish() -> None:
    if torch.cuda.is_available():
        torch.cuda.synchronize()
