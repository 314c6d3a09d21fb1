"""Data sets of the CoOp benchmark: the split of its split file, or of official annotations."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from gopro.common.errors import GoproError
from gopro.data.dataset import Dataset, check_class_names
from gopro.data.official import Lists
from gopro.data.random_splits import complete
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
    """Read a data set by its split file or, without one, by its annotations.

    Args:
        name: The data set's name.
        home: Its folder.
        classes: Expected number of classes in the annotations.
        images: The folder in ``home`` that image paths are relative to.
        split: Name of the split file in ``home``; empty when the annotations are the split.
        lists: Reads the annotations in ``home``.

    Raises:
        GoproError: When images are missing, or there is neither a valid split file nor valid
            annotations.
    """
    root = home / images
    if not root.is_dir():
        raise GoproError(f"folder {home} has no {images}; unpack the complete {name} there")
    if split and (home / split).is_file():
        fixed = read_split(home / split, root)
        return Dataset(name, root, fixed.class_names, fixed.train, fixed.val, fixed.test)
    try:
        class_names, annotated = lists(home)
        if len(class_names) != classes:
            raise GoproError(
                f"the annotations have {len(class_names)} classes, {classes} were wanted; unpack "
                "the complete set again"
            )
        check_class_names(class_names, f"annotations in {home}")
        for item in (item for items in annotated.values() for item in items):
            check_key(item.key, f"annotations in {home}")
    except GoproError as error:
        if not split:
            raise
        raise GoproError(
            f"folder {home} has no {split} (the CoOp benchmark's page about data sets links it), "
            f"and no split can be drawn: {error}"
        ) from error
    parts, note = complete(annotated)
    every_item = [item for items in parts.values() for item in items]
    refuse_missing(f"the annotations in {home}", root, every_item)
    notes = (f"no {split}: {note}",) if note else ()
    return Dataset(name, root, class_names, parts["train"], parts["val"], parts["test"], notes)
