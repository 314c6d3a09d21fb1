"""What lies in a folder: its visible sub-folders, and its pictures by their endings."""

from __future__ import annotations

import os
from pathlib import Path

from gopro.data.images import SUFFIXES
from gopro.errors import GoproError


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


def is_picture(name: str) -> bool:
    """Whether a file is taken for a picture: by its ending, hidden ones never."""
    return not name.startswith(".") and Path(name).suffix.lower() in SUFFIXES


def unreadable(error: OSError, folder: Path | str) -> GoproError:
    """The complaint about a folder that can't be listed."""
    return GoproError(f"can't read folder {folder} ({error.strerror or error})")
