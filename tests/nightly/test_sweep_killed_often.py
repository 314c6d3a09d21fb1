"""``gopro bench`` killed at 20 random moments, alone or with all its processes, and begun again."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import subprocess
import time
from pathlib import Path

import pytest

from small_sweep import JOBS, finish, numbers, start
from tiny_run import write_photos

pytestmark = [
    pytest.mark.nightly,
    pytest.mark.timeout(600),
    pytest.mark.skipif(not Path("/proc").is_dir(), reason="processes are found as on Linux"),
]

MOMENTS = 20


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_photos(tmp_path_factory.mktemp("sweep") / "animals")


@pytest.fixture(scope="module")
def whole(pictures: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, float]:
    """The sweep that nobody killed, and the seconds it took."""
    out, started = tmp_path_factory.mktemp("whole") / "runs", time.monotonic()
    process = start(pictures, out)
    process.communicate()
    assert process.returncode == 0
    return out, time.monotonic() - started


@pytest.mark.parametrize("number", range(MOMENTS))
def test_killed(whole: tuple[Path, float], pictures: Path, tmp_path: Path, number: int) -> None:
    out, dice = tmp_path / "runs", random.Random(number)
    process = start(pictures, out, "--parallel", str(1 + number % 2), start_new_session=True)
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.communicate(timeout=dice.uniform(0.2, 1.0) * whole[1])
    for pid in _session(process.pid) if number % 4 < 2 else [process.pid]:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    process.communicate()
    finish(pictures, out)
    assert len(numbers(out)) == JOBS
    assert numbers(out) == numbers(whole[0])


def _session(leader: int) -> list[int]:
    """Every process of a session: the command, those that it started, and theirs."""
    found = []
    for folder in Path("/proc").iterdir():
        if folder.name.isdecimal():
            with contextlib.suppress(OSError):
                rest = (folder / "stat").read_text().rpartition(")")[2].split()
                if int(rest[3]) == leader:
                    found.append(int(folder.name))
    return found
