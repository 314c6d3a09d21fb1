"""The names of a model's files, and its folder: for nothing else, and for one writer at a time."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

from gopro.common import locks
from gopro.common.errors import GoproError
from gopro.common.files import is_temporary

WEIGHTS = "model.safetensors"
ABOUT = "classifier.json"
CARD = "README.md"
EXAMPLES = "examples.safetensors"
FAST = "fast.safetensors"
FITTED = "fitted.safetensors"
CALIBRATION = "calibration.safetensors"
TEXTS = "texts.json"

LOCK = ".fit.lock"
UNFINISHED = "unfinished"
"""Folder inside a model's, with the checkpoint of a fit, until its command has done everything."""
FIT = "fit.json"
"""File in ``UNFINISHED`` that says whose checkpoint it is."""


def refuse_other_things(folder: Path) -> None:
    """Refuse a path where a model would be mixed with other files or replace them.

    Raises:
        GoproError: For a file, or a folder with other files than a model's.
    """
    if folder.is_file():
        raise GoproError(f"{folder} is a file; choose another folder for the model")
    if not folder.is_dir() or (folder / ABOUT).is_file():
        return
    ours = (LOCK, UNFINISHED)
    # temporary files are left by a killed ``write``
    if not all(is_temporary(path) or path.name in ours for path in folder.iterdir()):
        raise GoproError(f"{folder} holds other things than a model; choose another folder")


@contextlib.contextmanager
def reserved(folder: Path) -> Iterator[None]:
    """Reserve a new model's folder, so that no other process fits into it at the same time.

    A folder that is still empty after the block is removed.

    Raises:
        GoproError: When the folder holds a finished model or other files, another process has
            reserved it, or it can't be written.
    """
    refuse_other_things(folder)
    with locked(folder):
        if (folder / ABOUT).exists() and not (folder / UNFINISHED / FIT).exists():
            raise GoproError(f"{folder} holds a classifier already; choose another --out")
        yield


@contextlib.contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold the folder's lock, also several times in one thread; see ``reserved``."""
    busy = (
        f"another process is fitting or saving a classifier into {folder}; wait for it, or "
        "choose another folder"
    )
    with contextlib.ExitStack() as last, locks.locked(folder / LOCK, busy):
        last.callback(_remove_if_empty, folder)
        yield


def _remove_if_empty(folder: Path) -> None:
    with contextlib.suppress(OSError):  # it isn't empty
        folder.rmdir()
