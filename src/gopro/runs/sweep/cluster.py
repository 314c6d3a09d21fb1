"""Jobs on a Ray cluster whose machines share the sweep's folder."""

from __future__ import annotations

import socket
from collections.abc import Sequence
from typing import Any

from gopro.common.errors import GoproError
from gopro.runs.sweep.board import Board
from gopro.runs.sweep.grid import Job
from gopro.runs.sweep.work import Outcome, do

_ANSWER = 5.0
"""Seconds to wait for a cluster's answer; Ray itself would try for minutes."""


def run_on_ray(jobs: Sequence[Job], address: str, gpus: float, cpus: float, board: Board) -> None:
    """Run jobs on an existing cluster; jobs of a lost machine are started again.

    Args:
        jobs: In this order.
        address: ``host:port``, or ``auto`` on a machine of the cluster.
        gpus: GPUs for each job; may be a fraction.
        cpus: Cores for each job.
        board: Gets started jobs and outcomes.

    Raises:
        GoproError: When Ray isn't installed or the cluster doesn't answer.
        KeyboardInterrupt: After Ctrl-C; running jobs are asked to save their state.
    """
    try:
        import ray
    except ImportError as error:
        raise GoproError("--cluster needs Ray: pip install 'gopro-clip[cluster]'") from error
    _connect(ray, address)
    work: Any = ray.remote(num_cpus=cpus, num_gpus=gpus, max_retries=2)(do)
    pending = {work.remote(job): job for job in jobs}
    try:
        for job in jobs:
            board.started(job)
        while pending:
            ready, _ = ray.wait(list(pending), num_returns=1)
            for one in ready:
                board.ended(_outcome(ray, one, pending.pop(one)))
    except KeyboardInterrupt:
        for one in pending:
            ray.cancel(one)
        ray.wait(list(pending), num_returns=len(pending), timeout=30)
        raise
    finally:
        ray.shutdown()


def _outcome(ray: Any, one: Any, job: Job) -> Outcome:
    try:
        outcome: Outcome = ray.get(one)
        return outcome
    except ray.exceptions.RayError as error:
        line = next(iter(str(error).splitlines()), "")
        return Outcome(job.key, "failed", f"{type(error).__name__}: {line[:200]}")


def _connect(ray: Any, address: str) -> None:
    target = address.removeprefix("ray://")
    host, colon, port = target.rpartition(":")
    if target != "auto":
        if not colon or not host or not port.isdecimal():
            raise GoproError(f"got --cluster {address}; wanted host:port of a Ray cluster, or auto")
        try:
            socket.create_connection((host, int(port)), _ANSWER).close()
        except (OSError, OverflowError) as error:
            raise _no_answer(address, error) from error
    try:
        ray.init(address=address, log_to_driver=False, logging_level="ERROR")
    except Exception as error:  # ray raises many kinds of errors here
        raise _no_answer(address, error) from error


def _no_answer(address: str, error: Exception) -> GoproError:
    line = next(iter(str(getattr(error, "strerror", "") or error).splitlines()), "")[:160]
    return GoproError(
        f"no Ray cluster answers at {address} ({line or type(error).__name__}); start one with "
        "`ray start --head`, or leave --cluster out"
    )
