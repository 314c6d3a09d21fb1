"""A folder of one's own: a sub-folder a class, or train, val and test folders of them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from gopro.common.errors import GoproError
from gopro.data.dataset import Dataset, Item, check_class_names
from gopro.data.listing import folders, is_picture, tree
from gopro.data.partition import complete

_VALIDATION = ("val", "valid", "validation")


def read_folder(folder: str | Path, seed: int = 1, *, hold_out: bool = True) -> Dataset:
    """Read class sub-folders as a data set.

    Files that aren't pictures by their ending, and hidden ones, are ignored. Pictures may lie
    deeper inside a class folder. Without a ``test`` folder, ``val`` is what is tested on; without
    either, each class is split 50/20/30 into train, val and test, the CoOp benchmark's rule.

    Args:
        folder: The folder.
        seed: Draws the split where there is none.
        hold_out: Whether to split at all: False takes every picture of a folder without a split
            for training, and leaves val and test empty.

    Raises:
        GoproError: When the folder is missing, holds no or only one class, when a class has no
            pictures or too few, when two classes read the same, or when train and test hold
            different classes.
    """
    folder = Path(folder).expanduser()
    if not folder.is_dir():
        raise GoproError(f"no folder {folder}: wanted one sub-folder of pictures for each class")
    places, note = _places(folder)
    found = {part: _classes(folder, place) for part, place in places.items()}
    names = _names(folder, found)
    if "test" in found:
        parts = {part: _items(classes, names) for part, classes in found.items()}
    elif not hold_out:
        parts = {"train": _items(found["train"], names)}
    else:
        _refuse_single(found["train"], folder)
        parts, note = complete({"all": _items(found["train"], names)}, seed)
    return Dataset(
        name=f"folder:{folder.resolve().name}",
        root=folder,
        class_names=names,
        train=parts["train"],
        val=parts.get("val", ()),
        test=parts.get("test", ()),
        notes=(note,) if note else (),
    )


def is_split(folder: str | Path) -> bool:
    """Whether the folder itself says what to train on: it holds a ``train`` folder of classes."""
    return "train" in _places(Path(folder).expanduser())[0].values()


def _places(folder: Path) -> tuple[dict[str, str], str]:
    """Where each part's class folders lie, relative to ``folder``, and what was decided."""
    inside = folders(folder)
    # A class may be called "train": only a train folder that holds folders means a split
    if "train" not in inside or not folders(folder / "train"):
        return {"train": ""}, ""
    others = [name for name in inside if name not in ("train", "test", *_VALIDATION)]
    if others:
        raise GoproError(
            f"{folder} holds the folder 'train' and also {others[0]!r}: wanted either class "
            "folders, or train, val and test folders of them; move the others elsewhere"
        )
    val = next((name for name in _VALIDATION if name in inside), None)
    if "test" in inside:
        return {"train": "train", "test": "test"} | ({"val": val} if val else {}), ""
    if val:
        return {"train": "train", "test": val}, f"no test folder: tested on {val}"
    return {"train": "train"}, ""


def _classes(folder: Path, place: str) -> dict[str, list[str]]:
    """The pictures of each class folder, as sorted keys relative to ``folder``."""
    classes: dict[str, list[str]] = {}
    for name in folders(folder / place):
        files = tree(folder / place / name)
        keys = [file.relative_to(folder).as_posix() for file in files if is_picture(file.name)]
        if not keys:
            raise GoproError(
                f"class folder {folder / place / name} has no pictures; add some or remove it"
            )
        classes[name] = sorted(keys)
    return classes


def _names(folder: Path, found: Mapping[str, Mapping[str, object]]) -> tuple[str, ...]:
    """Class names in the order of their labels, checked across the parts."""
    names = tuple(sorted(found["train"]))
    if len(names) < 2:
        got = f"only the class {names[0]!r}" if names else "no sub-folders"
        raise GoproError(
            f"{folder} has {got}: wanted a sub-folder of pictures for each of at least two classes"
        )
    check_class_names(names, f"folder {folder}")
    for part, classes in found.items():
        extra = sorted(set(classes) - set(names))
        absent = sorted(set(names) - set(classes)) if part == "test" else []
        if extra or absent:
            which, where, missing = (
                (extra[0], part, "train") if extra else (absent[0], "train", part)
            )
            raise GoproError(
                f"{folder}: class {which!r} has pictures for {where} and none for {missing}; "
                "wanted the same classes in both"
            )
    return names


def _items(classes: Mapping[str, list[str]], names: tuple[str, ...]) -> tuple[Item, ...]:
    labels = {name: label for label, name in enumerate(names)}
    return tuple(Item(key, labels[name]) for name in sorted(classes) for key in classes[name])


def _refuse_single(classes: Mapping[str, list[str]], folder: Path) -> None:
    for name, keys in classes.items():
        if len(keys) < 2:
            raise GoproError(
                f"class folder {name!r} of {folder} has 1 picture; wanted at least 2, one to "
                "train and one to test on"
            )
