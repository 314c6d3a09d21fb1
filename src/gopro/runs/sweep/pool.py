"""Jobs in parallel on one machine, in processes that load everything once."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from multiprocessing import connection
from typing import Any

from gopro.runs.sweep.board import Board
from gopro.runs.sweep.grid import Job
from gopro.runs.sweep.work import Outcome, do

Work = Callable[[Job, int, int], Outcome]
"""Job, threads and GPU number (see ``work.do``) -> outcome."""

_SAVING = 60.0
"""Seconds that running jobs get to save their state after Ctrl-C."""


def run_here(
    jobs: Sequence[Job], parallel: int, board: Board, work: Work = do, threads: int = 1
) -> None:
    """Run jobs in ``parallel`` processes, which share the machine's cores to decode images.

    A job that fails, or whose process dies, doesn't stop the others. The number of parallel jobs
    changes no result: sums are rounded differently with another number of threads, so each job
    always computes with ``threads``.

    Args:
        jobs: In this order.
        parallel: Number of processes.
        board: Gets started jobs and outcomes.
        work: Runs a job; a function that the processes can import.
        threads: Computing threads of each job.

    Raises:
        KeyboardInterrupt: After Ctrl-C, once running jobs are saved.
    """
    share = max(1, cores() // max(1, parallel))
    waiting = deque(_decoding(job, share) for job in jobs)
    count = min(parallel, len(jobs))
    workers = [_Worker(work, place, threads) for place in range(count)]
    try:
        while waiting or any(worker.job for worker in workers):
            for place, worker in enumerate(workers):
                if worker.job is None and waiting:
                    if not worker.process.is_alive():
                        workers[place] = worker = _Worker(work, place, threads)
                    board.started(waiting[0])
                    worker.give(waiting.popleft())
            for outcome in _outcomes(workers):
                board.ended(outcome)
    except KeyboardInterrupt:
        for outcome in _stop(workers):
            board.ended(outcome)
        raise
    finally:
        for worker in workers:
            worker.close()


def _decoding(job: Job, threads: int) -> Job:
    """The job with this number of decoding threads, unless its settings have one."""
    settings = replace(job.settings, workers=job.settings.workers or threads)
    return replace(job, settings=settings)


def cores() -> int:
    """Cores that this process may use, at most OMP_NUM_THREADS."""
    here = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    allowed = os.environ.get("OMP_NUM_THREADS", "")
    return min(here, max(1, int(allowed))) if allowed.isdecimal() else here


class _Worker:
    """A process that runs one job after the other."""

    def __init__(self, work: Work, place: int, threads: int) -> None:
        # forked from a process that has only imported gopro, without this one's state
        kinds = multiprocessing.get_all_start_methods()
        context: Any = multiprocessing.get_context(
            "forkserver" if "forkserver" in kinds else "spawn"
        )
        if "forkserver" in kinds:
            context.set_forkserver_preload(["gopro.runs.run"])
        self.line, theirs = context.Pipe()
        self.process = context.Process(target=_serve, args=(theirs, work, threads, place))
        self.process.start()
        theirs.close()
        self.job: Job | None = None

    def give(self, job: Job) -> None:
        self.job = job
        with contextlib.suppress(OSError):  # a dead process is noticed in take
            self.line.send(job)

    def take(self) -> Outcome:
        """The outcome of the job; a failure when the process died."""
        assert self.job is not None
        job, self.job = self.job, None
        try:
            outcome: Outcome = self.line.recv()
            return outcome
        except (EOFError, OSError):
            self.process.join()
            code = self.process.exitcode or 0
            how = f"killed by signal {-code}" if code < 0 else f"ended with exit code {code}"
            hint = " (out of memory?)" if code == -signal.SIGKILL else ""
            return Outcome(job.key, "failed", f"its process was {how}{hint}")

    def close(self) -> None:
        self.line.close()
        self.process.join(timeout=1)
        if self.process.is_alive():
            self.process.kill()
            self.process.join()


def _outcomes(workers: Sequence[_Worker], seconds: float | None = None) -> Iterator[Outcome]:
    """Wait for the next outcomes."""
    busy = {worker.line: worker for worker in workers if worker.job}
    for line in connection.wait(list(busy), seconds):
        yield busy[line].take()


def _stop(workers: Sequence[_Worker]) -> Iterator[Outcome]:
    for worker in workers:
        if worker.job and worker.process.pid:
            with contextlib.suppress(ProcessLookupError):
                os.kill(worker.process.pid, signal.SIGINT)
    end = time.monotonic() + _SAVING
    while any(worker.job for worker in workers) and time.monotonic() < end:
        yield from _outcomes(workers, end - time.monotonic())


def _serve(line: Any, work: Work, threads: int, place: int) -> None:
    """Receive jobs and send outcomes until the connection is closed."""
    # a process group of its own: only the sweep gets Ctrl-C, and passes it on once
    if hasattr(os, "setpgid"):
        os.setpgid(0, 0)
    threading.Thread(target=_die_with_parent, daemon=True).start()
    with contextlib.suppress(EOFError, OSError, KeyboardInterrupt):
        while True:
            job = line.recv()
            line.send(work(job, threads, place))


def _die_with_parent() -> None:
    parent = multiprocessing.parent_process()
    assert parent is not None
    parent.join()
    os._exit(1)
