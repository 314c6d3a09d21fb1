"""Data sets by name: ``caltech101``, ``world``, ``folder:PATH``, ``hf:NAME``."""

from __future__ import annotations

import difflib
from pathlib import Path

from gopro.common.errors import GoproError
from gopro.common.files import expanded
from gopro.data.catalog import KNOWN, present
from gopro.data.catalog_entry import ROOT_VARIABLE, default_root
from gopro.data.dataset import Dataset, Item, check_class_names
from gopro.data.folder import read_folder

__all__ = [
    "ROOT_VARIABLE",
    "Dataset",
    "Item",
    "check_class_names",
    "check_name",
    "default_root",
    "load",
    "names",
    "present",
]

_FOLDER, _HUB = "folder:", "hf:"


def names() -> list[tuple[str, str]]:
    """Name and one-line description of every data set."""
    rows = [(name, known.about) for name, known in KNOWN.items()]
    rows.append(("folder:PATH", "pictures of your own: a sub-folder for each class"))
    return [*rows, ("hf:NAME", "any image-classification set of the Hugging Face hub")]


def load(name: str, root: str | Path | None = None, *, seed: int = 1) -> Dataset:
    """Read a data set's class names and splits; opens no image.

    Args:
        name: A name of ``names()``, ``folder:PATH``, or ``hf:NAME`` of the Hugging Face hub.
        root: The folder of the data sets; default: ``$GOPRO_DATA``, else ``./data``.
        seed: Seed of the split of a data set without one.

    Raises:
        GoproError: When the name is unknown, or the set is missing, incomplete or malformed.
    """
    if name.startswith(_FOLDER):
        path = name[len(_FOLDER) :]
        if not path:
            raise GoproError("got 'folder:' without a path; wanted folder:PATH")
        return read_folder(path, seed)
    if name.startswith(_HUB):
        from gopro.data.hub import read_hub

        return read_hub(name[len(_HUB) :], seed)
    check_name(name)
    return KNOWN[name].load(name, default_root() if root is None else expanded(root))


def check_name(name: str) -> None:
    """Reject unknown names; doesn't check that the data set is installed.

    Raises:
        GoproError: When the name is unknown; the message suggests the closest one.
    """
    if name not in KNOWN and not name.startswith((_FOLDER, _HUB)):
        near = difflib.get_close_matches(name, KNOWN, n=1)
        hint = f"did you mean {near[0]}?" if near else "see `gopro data list`, or folder:PATH"
        raise GoproError(f"unknown data set {name!r}; {hint}")
