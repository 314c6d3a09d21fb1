"""Writing files so that nothing half-written is ever left behind."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from gopro.common.errors import DiskFullError, GoproError


@contextlib.contextmanager
def atomic_write(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Give a temporary path beside ``path``; rename it to ``path`` when the block succeeds.

    A reader sees the old file or the whole new one, also after a crash or on a full disk.

    Args:
        path: The final place. Its parent folders are made.

    Raises:
        GoproError: When the disk is full or the place can't be written.
    """
    final = Path(path)
    try:
        final.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=f".{final.name}.", suffix=".tmp", dir=final.parent)
    except OSError as error:
        raise _explain(error, final) from error
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        # mkstemp makes private files; results are meant to be shared like any other file
        umask = os.umask(0)
        os.umask(umask)
        temporary.chmod(0o666 & ~umask)
        with temporary.open("rb") as written:
            os.fsync(written.fileno())
        temporary.replace(final)
    except OSError as error:
        raise _explain(error, final) from error
    finally:
        temporary.unlink(missing_ok=True)


def is_half(path: Path) -> bool:
    """Whether a file is what ``atomic_write`` hadn't finished, by its name."""
    return path.name.startswith(".") and path.name.endswith(".tmp")


def remove_halves(folder: Path) -> None:
    """Remove what a killed process was about to write into a folder that nobody writes to now."""
    for path in folder.glob(".*.tmp"):
        path.unlink(missing_ok=True)


def write_json(path: str | os.PathLike[str], value: Any) -> None:
    """Write ``value`` as indented JSON, whole or not at all.

    Raises:
        GoproError: When the disk is full or the place can't be written.
    """
    with atomic_write(path) as temporary:
        text = json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False)
        temporary.write_text(text + "\n", encoding="utf-8")


def _explain(error: OSError, path: Path) -> GoproError:
    if error.errno == errno.ENOSPC:
        return DiskFullError(
            f"no room left on the disk while writing {path}: free some space and try again; what "
            "was there before is untouched"
        )
    return GoproError(f"can't write {path}: {error.strerror or error}; choose another place")
