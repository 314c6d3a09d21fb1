"""Runs one job of a sweep, in a process of this machine or on a cluster."""

from __future__ import annotations

import contextlib
import os
import sys
import traceback
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TextIO

from gopro.common.errors import GoproError
from gopro.common.locks import locked
from gopro.runs.sweep.grid import Job

if TYPE_CHECKING:
    from gopro.runs.workspace import Workspace

_PATIENCE = 30.0
"""Seconds to wait for a job that an ending process still holds."""


@dataclass(frozen=True)
class Outcome:
    """The outcome of a job.

    Attributes:
        key: The job's.
        state: ``stopped`` means saved after Ctrl-C.
        cause: Why it failed, in one line.
    """

    key: str
    state: Literal["done", "failed", "stopped"]
    cause: str = ""


def do(job: Job, threads: int | None = None, place: int = 0) -> Outcome:
    """Run a job unless it is finished; errors are returned, not raised.

    Args:
        job: The job.
        threads: Computing threads; None keeps the current number.
        place: Number of the GPU, modulo the number of GPUs.
    """
    log = log_of(job)
    try:
        busy = f"another process is running {job.folder}; wait for it to end, and start again"
        with locked(lock_of(job.folder), busy, _PATIENCE), _printing_to(log):
            if not job.done:
                _run(job, threads, place)
    except GoproError as error:
        return Outcome(job.key, "failed", " ".join(str(error).split()))
    except KeyboardInterrupt:
        return Outcome(job.key, "stopped")
    except Exception as error:
        with contextlib.suppress(OSError), log.open("a", encoding="utf-8") as file:
            traceback.print_exc(file=file)
        line = (str(error).splitlines() or [""])[0][:200]
        return Outcome(job.key, "failed", f"{type(error).__name__}: {line} (more in {log})")
    return Outcome(job.key, "done")


def lock_of(path: Path) -> Path:
    """The lock file of a job's folder, or of another part of a sweep."""
    return path.parent / ".locks" / path.name


def log_of(job: Job) -> Path:
    """What a job printed, and its traceback if it failed; removed when empty."""
    return job.folder.parent / "logs" / f"{job.key}.log"


def _run(job: Job, threads: int | None, place: int) -> None:
    import torch

    from gopro.runs import run
    from gopro.training.trainer import Interrupted

    settings = job.settings
    if threads is not None:
        torch.set_num_threads(threads)
    if settings.device in ("auto", "cuda") and torch.cuda.device_count() > 1:
        settings = replace(settings, device=f"cuda:{place % torch.cuda.device_count()}")
    try:
        run.train(settings, job.options, workspace=_workspace())
    except Interrupted as stop:
        raise KeyboardInterrupt from stop


@lru_cache(maxsize=1)
def _workspace() -> Workspace:
    """What the jobs of this process share: data sets, the backbone, images, features."""
    from gopro.runs.workspace import SHARED, Workspace

    return Workspace(SHARED)


@contextlib.contextmanager
def _printing_to(path: Path) -> Iterator[None]:
    """Send all output, also of compiled code, into a file."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        file = path.open("a", encoding="utf-8")
    except OSError as error:
        raise GoproError(
            f"can't write {path} ({error.strerror or error}); choose another --out"
        ) from error
    with contextlib.ExitStack() as undo:
        undo.callback(_close, file)
        sys.stdout.flush()
        sys.stderr.flush()
        for number in (1, 2):
            kept = os.dup(number)
            undo.callback(os.close, kept)
            undo.callback(os.dup2, kept, number)
            os.dup2(file.fileno(), number)
        with contextlib.redirect_stdout(file), contextlib.redirect_stderr(file):
            yield
    if path.stat().st_size == 0:
        path.unlink()


def _close(file: TextIO) -> None:
    with contextlib.suppress(OSError):  # on a full disk the end of the log may be lost
        file.close()
