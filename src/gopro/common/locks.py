"""One process at a time: a lock file, which the system releases when its process is killed."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

from filelock import FileLock, Timeout

from gopro.common.errors import GoproError
from gopro.common.files import write_error


@contextlib.contextmanager
def locked(path: Path, busy: str, patience: float = 0.0) -> Iterator[None]:
    """Hold a lock file, also several times in one thread; it is removed afterwards.

    On a file system without locks, processes aren't kept apart.

    Args:
        path: The lock file. Its folder is made if need be, and stays.
        busy: The error's text when another process holds it.
        patience: Seconds to wait for the other process.

    Raises:
        GoproError: ``busy``, or when the file can't be written.
    """
    path = path.absolute()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock = FileLock(path, is_singleton=True)
        outermost = not lock.is_locked
        with contextlib.suppress(NotImplementedError):  # the file system has no locks
            lock.acquire(timeout=patience)
    except Timeout as error:
        raise GoproError(busy) from error
    except OSError as error:
        raise write_error(error, path) from error
    try:
        yield
    finally:
        if outermost:
            # before the release: afterwards it may be another process's. Windows does it itself
            with contextlib.suppress(OSError):
                path.unlink()
        lock.release()
