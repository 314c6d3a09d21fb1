"""Paths as people write them, and atomic file writes: a file is complete or absent."""

from __future__ import annotations

import contextlib
import csv
import errno
import hashlib
import json
import os
import re
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from gopro.common.errors import CantWriteError, DiskFullError, GoproError


def expanded(path: str | os.PathLike[str]) -> Path:
    """A path that a person wrote, with the home folder in place of ~.

    Raises:
        GoproError: If there is no such home folder, or no file can have that path.
    """
    try:
        place = Path(path).expanduser()
    except RuntimeError as error:
        raise GoproError(
            f"got the path {path}, and there is no home directory of that user; write it in full"
        ) from error
    try:
        place.stat()
    except (OSError, ValueError) as error:
        if isinstance(error, ValueError) or error.errno == errno.ENAMETOOLONG:
            reason = getattr(error, "strerror", None) or error
            raise GoproError(f"no file can be {path} ({reason}); give another path") from error
    return place


def last_part(path: str) -> str:
    """The last part of a path of any system, since all of it would reveal the user's folders."""
    return re.split(r"[\\/]", path.rstrip("\\/"))[-1]


@contextlib.contextmanager
def atomic_write(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Give a temporary path beside ``path``; rename it to ``path`` when the block succeeds.

    Readers see the old file or the complete new one, also after a crash or on a full disk.

    Args:
        path: The final path. Missing parent folders are created.

    Raises:
        GoproError: When the disk is full or ``path`` can't be written.
    """
    final = Path(os.path.realpath(path))  # a link stays, and what it points to is replaced
    try:
        if final.exists() and not final.is_file():
            raise GoproError(f"can't write {path}: it is no file; choose another place")
        final.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=f".{final.name}.", suffix=".tmp", dir=final.parent)
    except OSError as error:
        raise write_error(error, Path(path)) from error
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        # mkstemp's files are private; give this one the permissions of a normal new file
        umask = os.umask(0)
        os.umask(umask)
        temporary.chmod(0o666 & ~umask)
        with temporary.open("rb") as written:
            os.fsync(written.fileno())
        temporary.replace(final)
    except OSError as error:
        raise write_error(error, Path(path)) from error
    finally:
        temporary.unlink(missing_ok=True)


def is_temporary(path: Path) -> bool:
    """Whether a file's name is one of ``atomic_write``'s temporary names."""
    return path.name.startswith(".") and path.name.endswith(".tmp")


def remove_temporary(folder: Path) -> None:
    """Remove temporary files of killed processes. No other process may be writing to ``folder``."""
    for path in folder.glob(".*.tmp"):
        path.unlink(missing_ok=True)


def write_text(path: str | os.PathLike[str], text: str) -> None:
    """Write ``text`` as UTF-8, with ``atomic_write``.

    A byte of a file name that isn't UTF-8 is written as its escape code, such as ``\\udce9``, as on
    standard output. In JSON this is read as the same name.

    Raises:
        GoproError: When the disk is full or ``path`` can't be written.
    """
    with atomic_write(path) as temporary:
        temporary.write_text(text, encoding="utf-8", errors="backslashreplace")


def write_json(path: str | os.PathLike[str], value: Any) -> None:
    """Write ``value`` as indented JSON, with ``write_text``.

    Raises:
        GoproError: When the disk is full or ``path`` can't be written.
        ValueError: For NaN or infinity, which JSON doesn't have.
    """
    text = json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False)
    write_text(path, text + "\n")


def write_csv(path: str | os.PathLike[str], rows: Iterable[Iterable[str]]) -> None:
    """Write a CSV table, with ``atomic_write``.

    A byte of a file name that isn't UTF-8 is written as it is, so that the name can be used again.

    Raises:
        GoproError: When the disk is full or ``path`` can't be written.
    """
    with (
        atomic_write(path) as temporary,
        temporary.open("w", encoding="utf-8", errors="surrogateescape", newline="") as file,
    ):
        csv.writer(file).writerows(rows)


def file_sha256(path: Path) -> str:
    """SHA-256 (hex) of a file's contents."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def write_error(error: OSError, path: Path) -> GoproError:
    """The error for a file that can't be written."""
    if error.errno == errno.ENOSPC:
        return DiskFullError(
            f"no room left on the disk while writing {path}: free some space and try again; an "
            "older file of that name is unchanged"
        )
    reason = error.strerror or str(error)
    if isinstance(error, FileExistsError | NotADirectoryError):
        reason = f"{error.filename or path.parent} is a file, not a folder"
    return CantWriteError(f"can't write {path}: {reason}; choose another place")
