"""Which sub-folders of a folder are parts of a data set (train, val, test), by their names."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from gopro.common.errors import GoproError
from gopro.common.text import listed
from gopro.data.listing import UNSURE, folders

Part = Literal["train", "val", "test", "unlabelled"]

_WORDS: dict[str, Part] = {
    **dict.fromkeys(("train", "training", "trainset", "traindata", "trainval"), "train"),
    **dict.fromkeys(("val", "valid", "validation", "validate", "valset", "dev", "eval"), "val"),
    **dict.fromkeys(("test", "testing", "tests", "testset", "testdata", "holdout"), "test"),
    **dict.fromkeys(("pred", "predict", "prediction", "unlabeled", "unlabelled"), "unlabelled"),
}
_FILLERS = frozenset(
    (
        *("set", "data", "dataset", "image", "images", "img", "imgs", "pictures", "photos"),
        *("seg", "split", "part"),
    )
)


@dataclass(frozen=True)
class Layout:
    """The parts of a folder.

    Attributes:
        parts: ``train``, and where there are such folders ``val`` and ``test`` -> the folder of
            class folders, relative to the whole; ``{"train": ""}`` for plain class folders.
        notes: Decisions, such as which folder isn't used.
    """

    parts: dict[str, str]
    notes: tuple[str, ...] = ()


def part_of(name: str) -> Part | None:
    """The part that a folder's name stands for: ``seg_train``, ``Training set`` are ``train``."""
    words = re.findall(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|[^\W\d_]+", name)
    words = [word.lower() for word in words if word.lower() not in _FILLERS]
    return _WORDS.get(words[0]) if len(words) == 1 else None


def layout(folder: Path) -> Layout:
    """Find the parts of a folder.

    Without a part's name among its sub-folders, all of them are class folders. A class may be
    called train if it has no sub-folders and isn't alone with other parts.

    Raises:
        GoproError: When parts and classes are mixed, a part is there twice, or there are parts
            but no train part with class folders.
    """
    names = folders(folder)
    notes = [f"the folder {UNSURE} is no class: not used"] if (folder / UNSURE).is_dir() else []
    kinds = {name: part for name in names if (part := part_of(name))}
    holders = {name: path for name in kinds if (path := _class_folders(folder, name)) is not None}
    classes = [name for name in names if name not in kinds]
    train = [name for name in holders if kinds[name] == "train"]
    if not train:
        _refuse_without_train(folder, classes, kinds, holders)
        return Layout({"train": ""}, tuple(notes))
    if classes:
        raise GoproError(
            f"{folder} has the folder {train[0]!r} and also {listed(classes)}: wanted either class "
            "folders, or train, val and test folders of them; move the others elsewhere"
        )
    parts: dict[str, str] = {}
    for name, part in kinds.items():
        if name not in holders or part == "unlabelled":
            why = "is unlabelled" if part == "unlabelled" else "has no class folders"
            notes.append(f"the folder {name} {why}: not used")
        elif part in parts:
            twice = [name for name in holders if kinds[name] == part]
            raise GoproError(
                f"{folder} has {listed(twice)}, which are both its {part} part; wanted one "
                "folder for each part: merge them or move one elsewhere"
            )
        else:
            parts[part] = holders[name]
    if "test" not in parts and "val" in parts:
        parts["test"] = parts.pop("val")
        notes.append(f"no test folder: tested on {parts['test']}")
    return Layout(parts, tuple(notes))


def _class_folders(folder: Path, name: str) -> str | None:
    """The folder of class folders in a part: itself, or ``seg_train/seg_train``; else None."""
    inside = folders(folder / name)
    if len(inside) == 1 and part_of(inside[0]) == part_of(name):
        inner = f"{name}/{inside[0]}"
        return inner if folders(folder / inner) else None
    return name if inside else None


def _refuse_without_train(
    folder: Path, classes: list[str], kinds: dict[str, Part], holders: dict[str, str]
) -> None:
    """Refuse parts that would be read as classes."""
    if len(kinds) > 1 and not classes:
        wanted = (
            "class folders inside each of them"
            if not holders
            else "a train folder of class folders too"
        )
        raise GoproError(
            f"{folder} has only {listed(list(kinds))}, which are names of the parts of a data "
            f"set; wanted {wanted}"
        )
    known = {name.casefold() for name in classes}
    for name, part in kinds.items():
        if not classes or (part == "train" and name not in holders):
            continue  # a class of vehicles, for example
        inside = folders(folder / holders[name]) if name in holders else []
        if not inside or known & {inner.casefold() for inner in inside}:
            raise GoproError(
                f"{folder} has class folders ({listed(classes)}) and also {name!r}, the name of a "
                f"part of a data set; put the class folders into a folder 'train', move {name!r} "
                "elsewhere, or rename it if it is a class"
            )
