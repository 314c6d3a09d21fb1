"""A known set into its folder, piece by piece: what is there is left alone."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from filelock import FileLock, Timeout

from gopro.common.errors import GoproError
from gopro.common.files import remove_temporary
from gopro.data.catalog import KNOWN
from gopro.data.download.archives import remove_remains, unpack
from gopro.data.download.http import fetch
from gopro.data.download.sources import BY_HAND, SOURCES, Piece
from gopro.data.verify import state

_WAITING = ".downloads"
"""Folder below the root that holds what is on its way."""


def download(
    name: str, root: Path, *, keep: bool = False, say: Callable[[str], None] = print
) -> None:
    """Fetch what is missing of a set.

    Args:
        name: Of a known set.
        root: The folder of the data sets.
        keep: Leave archives beside, once unpacked.
        say: Gets a line about each piece.

    Raises:
        GoproError: When something can't be had, is damaged or unsafe, has to be fetched by hand,
            or another process is at it.
    """
    known = KNOWN[name]
    if not known.folders:
        raise GoproError(f"{name} is built in; there is nothing to download")
    home = known.home(root) or root / known.folders[0]
    waiting = root / _WAITING
    try:
        waiting.mkdir(parents=True, exist_ok=True)
        with FileLock(waiting / f"{name}.lock", timeout=0):
            remove_remains(home)
            remove_temporary(waiting / name)
            for piece in SOURCES[name]:
                _put(name, piece, home, waiting / name, keep, say)
    except Timeout as error:
        raise GoproError(
            f"another process is downloading {name} to {root}; wait for it to end"
        ) from error
    except OSError as error:
        raise GoproError(
            f"can't write {root} ({error.strerror or error}); free some space or choose another "
            "--root: what has arrived is kept"
        ) from error
    if name in BY_HAND and state(name, root).state != "here":
        raise GoproError(f"{home} needs more: {BY_HAND[name]} (from {known.source})")


def _put(
    name: str, piece: Piece, home: Path, waiting: Path, keep: bool, say: Callable[[str], None]
) -> None:
    """One piece into its place."""
    archive = waiting / piece.file
    if all((home / place).exists() for place in piece.places):
        if _mark(archive).exists():  # killed between unpacking and removing it
            archive.unlink(missing_ok=True)
            _mark(archive).unlink()
        say(f"{piece.file}: here already")
        return
    fetch(piece.urls, archive, piece.checksum)
    if isinstance(piece.gives, str):
        home.mkdir(parents=True, exist_ok=True)
        archive.replace(home / piece.gives)
    else:
        if not keep:
            _mark(archive).touch()
        try:
            unpack(archive, home, piece.gives, piece.inner)
        except GoproError as error:
            archive.unlink(missing_ok=True)
            _mark(archive).unlink(missing_ok=True)
            raise GoproError(
                f"the archive {piece.file} of {name} can't be used: {error}; it was removed: the "
                "same command fetches it anew"
            ) from error
        if not keep:
            archive.unlink()
            _mark(archive).unlink()
    say(f"{piece.file}: done")


def _mark(archive: Path) -> Path:
    """Stands beside an archive that is to go once it is unpacked."""
    return archive.with_name(f"{archive.name}.once")
