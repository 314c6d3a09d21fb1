"""What lies in a folder: its visible sub-folders, and its pictures by their endings."""

from __future__ import annotations

import os
from pathlib import Path

from gopro.common.errors import GoproError
from gopro.data.images import SUFFIXES


def folders(folder: Path) -> list[str]:
    """Names of the sub-folders that aren't hidden, sorted.

    Raises:
        GoproError: When the folder is missing or may not be read.
    """
    try:
        entries = [entry.name for entry in os.scandir(folder) if entry.is_dir()]
    except OSError as error:
        raise unreadable(error, folder) from error
    return sorted(name for name in entries if not name.startswith("."))


def pictures(folder: Path) -> list[str]:
    """Names of the pictures directly inside, sorted.

    Raises:
        GoproError: When the folder is missing or may not be read.
    """
    try:
        return sorted(entry.name for entry in os.scandir(folder) if is_picture(entry.name))
    except OSError as error:
        raise unreadable(error, folder) from error


def tree(folder: Path) -> list[Path]:
    """Every file in a folder and deeper inside, sorted; hidden files and folders left out.

    Raises:
        GoproError: When the folder, or one in it, is missing or may not be read.
    """

    def complain(error: OSError) -> None:
        raise unreadable(error, error.filename) from error

    files: list[Path] = []
    for where, inner, names in os.walk(folder, onerror=complain):
        inner[:] = [name for name in inner if not name.startswith(".")]
        files += [Path(where, name) for name in names if not name.startswith(".")]
    return sorted(files)


def is_picture(name: str) -> bool:
    """Whether a file is taken for a picture: by its ending, hidden ones never."""
    return not name.startswith(".") and Path(name).suffix.lower() in SUFFIXES


def unreadable(error: OSError, folder: Path | str) -> GoproError:
    """The complaint about a folder that can't be listed."""
    return GoproError(f"can't read folder {folder} ({error.strerror or error})")
