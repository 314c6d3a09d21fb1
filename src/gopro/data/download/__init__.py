"""Downloading a data set of the catalog, file by file; existing files are kept."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

from gopro.common.errors import GoproError
from gopro.common.files import atomic_write, remove_temporary
from gopro.common.locks import locked
from gopro.data.catalog import KNOWN
from gopro.data.download.archives import remove_remains, unpack
from gopro.data.download.http import fetch
from gopro.data.download.sources import BY_HAND, SOURCES, Piece
from gopro.data.verify import state

_PARTIAL = ".downloads"
"""Folder in the root for unfinished downloads and for archives."""


def download(
    name: str, root: Path, *, keep: bool = False, say: Callable[[str], None] = print
) -> None:
    """Download the missing files of a data set.

    Args:
        name: Name of a data set of the catalog.
        root: The folder of the data sets.
        keep: Keep archives after unpacking.
        say: Receives a line about each file.

    Raises:
        GoproError: When a file can't be downloaded, is damaged or unsafe, or must be fetched by
            hand; or when another process is downloading the set.
    """
    known = KNOWN[name]
    if not known.folders:
        raise GoproError(f"{name} is built in; there is nothing to download")
    home = known.home(root) or root / known.folders[0]
    partial = root / _PARTIAL
    try:
        partial.mkdir(parents=True, exist_ok=True)
        busy = f"another process is downloading {name} to {root}; wait for it to end"
        with locked(partial / f"{name}.lock", busy):
            remove_remains(home)
            for folder in (home, partial / name):
                remove_temporary(folder)
            for piece in SOURCES[name]:
                _install(name, piece, home, partial / name, keep, say)
    except OSError as error:
        raise GoproError(
            f"can't write {root} ({error.strerror or error}); free some space or choose another "
            "--root: the downloaded part is kept"
        ) from error
    if name in BY_HAND and state(name, root).state != "here":
        raise GoproError(f"{home} needs more: {BY_HAND[name]} (from {known.source})")


def _install(
    name: str, piece: Piece, home: Path, partial: Path, keep: bool, say: Callable[[str], None]
) -> None:
    """Download one file and move or unpack it to ``home``."""
    archive = partial / piece.file
    if all((home / path).exists() for path in piece.installed):
        if _mark(archive).exists():  # a process was killed after unpacking it
            archive.unlink(missing_ok=True)
            _mark(archive).unlink()
        say(f"{piece.file}: here already")
        return
    fetch(piece.urls, archive, piece.checksum)
    keep = keep and not isinstance(piece.gives, str)
    if not keep:
        _mark(archive).touch()
    if isinstance(piece.gives, str):
        with atomic_write(home / piece.gives) as temporary:  # home may be on another disk
            shutil.copyfile(archive, temporary)
    else:
        try:
            unpack(archive, home, piece.gives, piece.inner)
        except GoproError as error:
            archive.unlink(missing_ok=True)
            _mark(archive).unlink(missing_ok=True)
            raise GoproError(
                f"the archive {piece.file} of {name} can't be used: {error}; it was removed: the "
                "same command downloads it again"
            ) from error
    if not keep:
        archive.unlink()
        _mark(archive).unlink()
    say(f"{piece.file}: done")


def _mark(archive: Path) -> Path:
    """A marker file: its archive is to be removed once its files are in place."""
    return archive.with_name(f"{archive.name}.once")
