"""Processes side by side: every job once, failures told, a dead process replaced, Ctrl-C."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from gopro.runs.sweep.board import Board
from gopro.runs.sweep.grid import Job
from gopro.runs.sweep.pool import cores, run_here
from gopro.runs.sweep.work import Outcome
from gopro.training.config import TrainSettings

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="signals as on Linux and macOS")


def _jobs(folder: Path, count: int) -> list[Job]:
    common = TrainSettings(dataset="world", method="coop")
    return [Job(replace(common, seed=n, out=folder / f"job{n}"), None) for n in range(count)]


def _writes(job: Job, threads: int, place: int) -> Outcome:
    job.folder.mkdir()
    (job.folder / "by").write_text(f"{os.getpid()} {threads} {job.settings.workers} {place}")
    return (
        Outcome(job.key, "failed", "by design") if job.key == "job1" else Outcome(job.key, "done")
    )


def _dies(job: Job, threads: int, place: int) -> Outcome:
    if job.key == "job0":
        os.kill(os.getpid(), signal.SIGKILL)
    return Outcome(job.key, "done")


def _is_stopped(job: Job, threads: int, place: int) -> Outcome:
    signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        job.folder.mkdir()  # inside, because the signal may follow at once
        time.sleep(60)
    except KeyboardInterrupt:
        return Outcome(job.key, "stopped")
    return Outcome(job.key, "done")


def test_two_processes_share_the_jobs(tmp_path: Path) -> None:
    jobs = _jobs(tmp_path, 6)
    board = Board(jobs)
    run_here(jobs, 2, board, _writes)
    assert len(board.outcomes) == 6 and board.done == 5
    assert [(job.key, cause) for job, cause in board.failed] == [("job1", "by design")]
    by = [(job.folder / "by").read_text().split() for job in jobs]
    assert len({pid for pid, *_ in by}) <= 2 and str(os.getpid()) not in {pid for pid, *_ in by}
    assert {threads for _, threads, *_ in by} == {"1"}
    assert {decoders for *_, decoders, _ in by} == {str(max(1, cores() // 2))}
    assert not board.running


def test_a_process_that_dies_costs_one_job(tmp_path: Path) -> None:
    jobs = _jobs(tmp_path, 3)
    board = Board(jobs)
    run_here(jobs, 1, board, _dies)
    [(job, cause)] = board.failed
    assert job.key == "job0"
    assert cause == "its process was killed by signal 9 (out of memory?)"
    assert board.done == 2


@pytest.fixture
def listening() -> Iterator[None]:
    """Ctrl-C interrupts, also where the tests run in the background of a shell that ignores it."""
    previous = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, previous)


@pytest.mark.usefixtures("listening")
def test_ctrl_c_reaches_the_jobs_once(tmp_path: Path) -> None:
    jobs = _jobs(tmp_path, 3)
    board = Board(jobs)

    def press() -> None:
        while not (jobs[0].folder.exists() and jobs[1].folder.exists()):
            time.sleep(0.01)
        os.kill(os.getpid(), signal.SIGINT)

    threading.Thread(target=press, daemon=True).start()
    with pytest.raises(KeyboardInterrupt):
        run_here(jobs, 2, board, _is_stopped)
    assert {o.key: o.state for o in board.outcomes.values()} == {
        "job0": "stopped",
        "job1": "stopped",
    }
    assert board.done == 0 and not board.failed


@pytest.mark.parametrize(("value", "most"), [("1", 1), ("many", 10_000), ("0", 1)])
def test_cores_allowed(monkeypatch: pytest.MonkeyPatch, value: str, most: int) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", value)
    assert 1 <= cores() <= most
