"""Sets of the CoOp benchmark with a fixed split: from its file, else from official annotations."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from gopro.common.errors import GoproError
from gopro.data.dataset import Dataset, check_class_names
from gopro.data.official import Lists
from gopro.data.partition import complete
from gopro.data.splits import check_key, read_split, refuse_missing


def read_fixed(
    name: str,
    home: Path,
    classes: int,
    *,
    images: str = "images",
    split: str = "",
    lists: Callable[[Path], Lists],
) -> Dataset:
    """Read a set by its split file, or by its annotations where there is none.

    Args:
        name: The data set's name.
        home: Its folder.
        classes: How many the annotations have to hold.
        images: The folder inside that the pictures' paths are relative to.
        split: The split file inside; empty where the set's own lists are the split.
        lists: Reads the annotations of the set's folder.

    Raises:
        GoproError: When pictures are missing, or there is neither a sound split file nor sound
            annotations.
    """
    root = home / images
    if not root.is_dir():
        raise GoproError(f"folder {home} has no {images}; unpack {name} there, whole")
    if split and (home / split).is_file():
        read = read_split(home / split, root)
        return Dataset(name, root, read.class_names, read.train, read.val, read.test)
    try:
        class_names, given = lists(home)
        if len(class_names) != classes:
            raise GoproError(
                f"the annotations have {len(class_names)} classes, {classes} were wanted; unpack "
                "the set again, whole"
            )
        check_class_names(class_names, f"annotations in {home}")
        for item in (item for items in given.values() for item in items):
            check_key(item.key, f"annotations in {home}")
    except GoproError as error:
        if not split:
            raise
        raise GoproError(
            f"folder {home} has no {split} (the CoOp benchmark's page about data sets links it), "
            f"and no split can be drawn: {error}"
        ) from error
    parts, note = complete(given)
    every = [item for items in parts.values() for item in items]
    refuse_missing(f"the annotations in {home}", root, every)
    notes = (f"no {split}: {note}",) if note else ()
    return Dataset(name, root, class_names, parts["train"], parts["val"], parts["test"], notes)
