"""Listing folders: visible sub-folders, and image files by their suffix."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from gopro.common.errors import GoproError
from gopro.common.files import expanded
from gopro.data import heic
from gopro.data.images import SUFFIXES

_SYSTEM = frozenset(
    (
        *("__macosx", "@eadir", "#recycle", "@recycle", "@recently-snapshot", "$recycle.bin"),
        *("system volume information", "lost+found", "__pycache__"),
    )
)
"""Folders that operating systems, network drives and archive programs add, in lower case."""


UNSURE = "_unsure"
"""Folder beside class folders, with pictures that ``gopro predict --sort-into`` had no sure answer
to; it is no class."""


def _is_ignored(name: str) -> bool:
    """Whether a folder is hidden, or is one that a system added."""
    return name.startswith(".") or name.casefold() in _SYSTEM


def folders(folder: Path) -> list[str]:
    """Sorted names of the sub-folders, without hidden ones, those that systems add, and ``UNSURE``.

    Raises:
        GoproError: When the folder is missing or can't be read.
    """
    try:
        entries = [entry.name for entry in os.scandir(folder) if entry.is_dir()]
    except OSError as error:
        raise unreadable(error, folder) from error
    return sorted(name for name in entries if not _is_ignored(name) and name != UNSURE)


def pictures(folder: Path) -> list[str]:
    """Sorted names of the image files directly in ``folder``.

    Raises:
        GoproError: When the folder is missing or can't be read.
    """
    try:
        return sorted(entry.name for entry in os.scandir(folder) if is_picture(entry.name))
    except OSError as error:
        raise unreadable(error, folder) from error


def tree(folder: Path) -> list[Path]:
    """All files in ``folder`` and its sub-folders, sorted, without hidden files and folders and
    those that systems add.

    Raises:
        GoproError: When one of the folders is missing or can't be read.
    """
    return sorted(folder / key for key in relative_files(folder))


def relative_files(folder: Path, whole: Path | None = None) -> list[str]:
    """The same files as paths relative to ``folder``, with ``/`` as separator, in any order.

    Links to folders are followed, but no folder is listed twice, and a link to a folder that it is
    inside of is left out. A file has the path without links if there is one, else that of the first
    link in alphabetical order.

    Args:
        folder: The folder.
        whole: Links to this folder, and to folders in it, are left out.

    Raises:
        GoproError: When one of the folders is missing or can't be read.
    """

    def stop(error: OSError) -> None:
        raise unreadable(error, error.filename) from error

    within = None if whole is None else whole.resolve()

    def followed(path: Path) -> bool:
        if not path.is_symlink():
            return False
        return within is None or not path.resolve().is_relative_to(within)

    found: list[str] = []
    listed: set[str] = set()
    # a folder or a link to one, and the real folders on the way to it
    waiting: list[tuple[Path, tuple[str, ...]]] = [(folder, ())]
    for start, way in waiting:
        links: list[tuple[Path, tuple[str, ...]]] = []
        further = (*way, os.path.realpath(start.parent))
        for parent, subfolders, names in os.walk(start, onerror=stop):
            real = os.path.realpath(parent)
            if real in listed or any(Path(one).is_relative_to(real) for one in way):
                subfolders.clear()
                continue
            listed.add(real)
            subfolders[:] = [name for name in subfolders if not _is_ignored(name)]
            inside = Path(parent).relative_to(folder)
            prefix = "" if inside == Path() else f"{inside.as_posix()}/"
            found += [f"{prefix}{name}" for name in names if not name.startswith(".")]
            paths = (Path(parent, name) for name in subfolders)
            links += [(path, (*further, real)) for path in paths if followed(path)]
        waiting += sorted(links)
    return found


def pictures_in(folder: Path) -> list[Path]:
    """The image files in ``folder`` and its sub-folders, sorted.

    Raises:
        GoproError: When there are none, or a folder is missing or can't be read.
    """
    found = [path for path in tree(expanded(folder)) if is_picture(path.name)]
    if not found:
        raise GoproError(f"found no images in {folder}; wanted a folder with some")
    return found


def is_picture(name: str) -> bool:
    """Whether a file counts as an image: it isn't hidden and has one of ``SUFFIXES``."""
    stem, _, ending = name.rpartition(".")
    return bool(stem) and not name.startswith(".") and f".{ending.lower()}" in SUFFIXES


def other_kinds(files: Iterable[Path]) -> list[str]:
    """The kinds of those files that don't count as images, the most frequent first: ``3 .mov``."""
    kinds = Counter(
        path.suffix.lower() or "no ending" for path in files if not is_picture(path.name)
    )
    return [
        f"{count:,} {kind}" + (f" ({heic.REMEDY})" if kind.lstrip(".") in heic.KINDS else "")
        for kind, count in kinds.most_common()
    ]


def unreadable(error: OSError, folder: Path | str) -> GoproError:
    """The error for a folder that can't be listed."""
    return GoproError(f"can't read folder {folder} ({error.strerror or error})")
