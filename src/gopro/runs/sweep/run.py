"""A sweep from its jobs to its table."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from gopro.common.errors import GoproError
from gopro.common.locks import locked
from gopro.runs.sweep.board import Board
from gopro.runs.sweep.grid import Job
from gopro.runs.sweep.pool import run_here
from gopro.runs.sweep.work import lock_of


def sweep(
    jobs: Sequence[Job],
    *,
    parallel: int = 1,
    threads: int = 1,
    cluster: str | None = None,
    gpus: float = 0.0,
    cpus: float = 1.0,
) -> None:
    """Run the unfinished jobs, then print the tables of all finished ones.

    Args:
        jobs: All in one folder.
        parallel: Processes on this machine.
        threads: Computing threads of each job on this machine.
        cluster: The address of a Ray cluster to run on instead.
        gpus: GPUs for each job on the cluster.
        cpus: Cores for each job on the cluster.

    Raises:
        GoproError: When another sweep uses the folder, it can't be written, the cluster doesn't
            answer, or jobs failed.
        KeyboardInterrupt: After Ctrl-C.
    """
    out = jobs[0].folder.parent
    busy = f"another sweep is running in {out}; wait for it to end, or choose another --out"
    with locked(lock_of(out / "sweep"), busy), Board(jobs) as board:
        missing = [job for job in jobs if not job.done]
        try:
            if missing and cluster is not None:
                from gopro.runs.sweep.cluster import run_on_ray

                run_on_ray(missing, cluster, gpus, cpus, board)
            elif missing:
                run_here(missing, parallel, board, threads=threads)
        except KeyboardInterrupt as stop:
            raise KeyboardInterrupt(
                f"stopped with {board.done} of {len(jobs)} jobs done; the same command continues"
            ) from stop
    _conclude(jobs, board, out)


def _conclude(jobs: Sequence[Job], board: Board, out: Path) -> None:
    from gopro.results.pages.printed import print_runs

    finished = [job.folder for job in jobs if job.done]
    no_tables = None
    try:
        if finished:
            print_runs(finished)
    except GoproError as error:  # the jobs are done all the same
        no_tables = error
    print(f"{board.done} of {len(jobs)} jobs done; all of it is in {out}")
    for job, cause in board.failed:
        print(f"  failed: {job.title} ({job.key}): {cause}")
    if board.failed:
        job, cause = board.failed[0]
        raise GoproError(
            f"{len(board.failed)} of {len(jobs)} jobs failed, the first ({job.title}): {cause}; "
            "the same command tries them again"
        )
    if no_tables:
        raise no_tables
