"""Kill work and start it again: the result must be that of uninterrupted work.

The work runs in children of a fork server that has loaded all modules, so that a start is fast.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import random
import signal
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from multiprocessing.process import BaseProcess
from pathlib import Path
from subprocess import Popen
from typing import Any

from processes import START

Process = BaseProcess | Popen[bytes]

Kill = Callable[[Process], bool]
"""Waits for a moment and kills; tells whether the process was still at work."""

_LONGEST = 240.0


@dataclass(frozen=True)
class Work:
    """Work that can be killed.

    Attributes:
        begin: Starts or continues it in a folder; exit code 0 when it is finished.
        check: Compares the result in a folder with that of uninterrupted work.
        seconds: Its duration without interruption.
    """

    begin: Callable[[Path], BaseProcess]
    check: Callable[[Path], None]
    seconds: float


def start(work: Callable[..., None], *arguments: Any) -> BaseProcess:
    """Run a function of a module in a new process.

    The first start loads the modules that all need, so start ``int`` first, which does nothing.
    """
    context: Any = multiprocessing.get_context(START)
    process: BaseProcess = context.Process(target=work, args=arguments)
    process.start()
    return process


def slow_disk(seconds: float = 0.02) -> None:
    """Slow down every write of this process, so that it can be killed during one."""
    write = os.fsync

    def slowly(handle: int) -> None:
        time.sleep(seconds)
        write(handle)

    os.fsync = slowly  # type: ignore[assignment]


def finish(process: BaseProcess) -> float:
    """Wait for a process, check that it succeeds, and return the seconds."""
    started = time.monotonic()
    process.join(_LONGEST)
    if process.exitcode is None:
        process.kill()
    assert process.exitcode == 0
    return time.monotonic() - started


def after(seconds: float) -> Kill:
    """Kill after some seconds."""

    def kill(process: Process) -> bool:
        end = time.monotonic() + seconds
        while _alive(process) and time.monotonic() < end:
            time.sleep(0.001)
        return _kill(process)

    return kill


def while_written(folder: Path, name: str, number: int) -> Kill:
    """Kill when the n-th write of a file with that name begins."""

    def kill(process: Process) -> bool:
        seen: set[str] = set()
        while _alive(process):
            seen.update(_halves(folder, name))
            if len(seen) >= number:
                break
            time.sleep(0.001)
        return _kill(process)

    return kill


def random_moments(
    count: int, seconds: float, files: dict[str, int], seed: int
) -> Iterator[Callable[[Path], Kill]]:
    """Moments for a kill: alternately at a random time and during the write of a file.

    Args:
        count: Number of moments.
        seconds: Duration of the work without interruption.
        files: Names below the folder -> how often they are written.
        seed: Of the choice.
    """
    dice = random.Random(seed)
    for turn in range(count):
        if turn % 2:
            (name,) = dice.choices(list(files), list(files.values()))
            yield partial(_while_written, Path(name), dice.randint(1, files[name]))
        else:
            yield partial(_after, dice.uniform(0.0, seconds))


def survives(work: Work, place: Path, kill: Kill) -> tuple[bool, bool]:
    """Kill work, start it again, and compare the results.

    Returns:
        Whether it was still running when it was killed, and whether a partial file was left.
    """
    killed = kill(work.begin(place))
    left = any(place.rglob(".*.tmp"))
    finish(work.begin(place))
    work.check(place)
    assert not list(place.rglob(".*.tmp"))
    return killed, left


def _while_written(name: Path, number: int, place: Path) -> Kill:
    return while_written(place / name.parent, name.name, number)


def _after(seconds: float, place: Path) -> Kill:
    return after(seconds)


def _alive(process: Process) -> bool:
    return process.poll() is None if isinstance(process, Popen) else process.is_alive()


def _kill(process: Process) -> bool:
    process.kill()
    if isinstance(process, Popen):
        return process.wait() == -signal.SIGKILL
    process.join()
    return process.exitcode == -signal.SIGKILL


def _halves(folder: Path, name: str) -> list[str]:
    with contextlib.suppress(OSError):
        found = os.listdir(folder)  # noqa: PTH208 - in a hurry
        return [one for one in found if one.startswith(f".{name}.") and one.endswith(".tmp")]
    return []
