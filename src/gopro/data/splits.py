"""Split files of the CoOp benchmark: ``{"train": [[path, label, name], ...], "val", "test"}``."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gopro.common.errors import GoproError
from gopro.data.dataset import Item, check_class_names


@dataclass(frozen=True)
class Split:
    """The contents of a split file: one name per label, and the items of each part."""

    class_names: tuple[str, ...]
    train: tuple[Item, ...]
    val: tuple[Item, ...]
    test: tuple[Item, ...]


def read_split(path: str | Path, folder: str | Path | None = None) -> Split:
    """Read and check a split file.

    Args:
        path: The JSON file. ``val`` may be absent; ``train`` and ``test`` may not.
        folder: The folder that the paths are relative to; each image must exist. None checks the
            file only.

    Raises:
        GoproError: When the file is missing or malformed, labels have gaps, a label has two names
            or a name two labels, an image is listed twice, a path leaves the folder, or an image
            is missing.
    """
    path = Path(path)
    raw = _read_json(path)
    names: dict[int, str] = {}
    parts = {part: _read_part(path, part, raw, names) for part in ("train", "val", "test")}
    if sorted(names) != list(range(len(names))):
        absent = next(label for label in range(len(names)) if label not in names)
        raise GoproError(
            f"split {path} has {len(names)} classes up to label {max(names)} but none with label "
            f"{absent}; wanted labels 0, 1, 2, ... without gaps"
        )
    class_names = tuple(names[label] for label in range(len(names)))
    check_class_names(class_names, f"split {path}")
    _refuse_repeats(path, parts)
    if folder is not None:
        refuse_missing(f"split {path}", Path(folder), [i for p in parts.values() for i in p])
    return Split(class_names, parts["train"], parts["val"], parts["test"])


def check_key(key: object, source: str) -> str:
    """Return ``key`` if it is a relative path that stays in its folder.

    Raises:
        GoproError: When it isn't text, is empty or absolute, or leaves the folder on any operating
            system.
    """
    if not isinstance(key, str) or not key or not key.isprintable():
        raise GoproError(f"{source}: {key!r} is no path; wanted text like 'class/image.jpg'")
    parts = key.split("/")
    drive = len(parts[0]) >= 2 and parts[0][1] == ":"
    if "\\" in key or drive or any(part in ("", ".", "..") for part in parts):
        raise GoproError(
            f"{source}: the path {key!r} doesn't stay inside the folder in a plain way; wanted "
            "a relative path with '/' like 'class/image.jpg'"
        )
    return key


def refuse_missing(source: str, folder: Path, items: Sequence[Item]) -> None:
    """Check that every item's image exists.

    Args:
        source: Where the items were read from, for the message.
        folder: The folder that their keys are relative to.
        items: The items of all parts.

    Raises:
        GoproError: When an image is missing.
    """
    # list each folder once; a look-up per image is slow on network disks
    present: dict[str, set[str]] = {}
    missing = []
    for item in items:
        parent, _, name = item.key.rpartition("/")
        if parent not in present:
            try:
                present[parent] = {entry.name for entry in os.scandir(folder / parent)}
            except OSError:
                present[parent] = set()
        if name not in present[parent]:
            missing.append(item.key)
    if missing:
        raise GoproError(
            f"{len(missing)} of the {len(items)} pictures of {source} aren't in {folder}, the "
            f"first is {missing[0]}; unpack the complete set again"
        )


def _read_json(path: Path) -> dict[str, Any]:
    try:
        raw = json.loads(path.read_bytes())
    except OSError as error:
        raise GoproError(
            f"can't read split {path} ({error.strerror or error}); "
            "wanted the data set's split_zhou_*.json"
        ) from error
    # RecursionError: lists nested thousands deep
    except (ValueError, RecursionError) as error:
        raise GoproError(
            f"split {path} isn't JSON ({error}); fetch it again or restore it"
        ) from error
    if not isinstance(raw, dict) or not {"train", "test"} <= raw.keys():
        raise GoproError(
            f"split {path} isn't a split; wanted an object with lists 'train', 'val' and 'test'"
        )
    return raw


def _read_part(
    path: Path, part: str, raw: Mapping[str, Any], names: dict[int, str]
) -> tuple[Item, ...]:
    """Read the items of one part, and add their class names to ``names``."""
    rows = raw.get(part, [])
    if not isinstance(rows, list) or (not rows and part != "val"):
        raise GoproError(f"split {path}: {part!r} is no list of pictures; wanted at least one")
    items = []
    for number, row in enumerate(rows):
        source = f"split {path}, {part} row {number}"
        if not isinstance(row, list) or len(row) != 3:
            raise GoproError(f"{source}: wanted [path, label, class name], got {_short(row)}")
        key, label, name = row
        # isinstance would accept True as label 1
        if type(label) is not int or label < 0:
            raise GoproError(f"{source}: wanted a label 0, 1, 2, ..., got {_short(label)}")
        if not isinstance(name, str):
            raise GoproError(f"{source}: wanted a class name, got {_short(name)}")
        first = names.setdefault(label, name)
        if first != name:
            raise GoproError(
                f"{source}: label {label} is named {name!r} here and {first!r} before; "
                "wanted one name per label"
            )
        items.append(Item(check_key(key, source), label))
    return tuple(items)


def _refuse_repeats(path: Path, parts: Mapping[str, Iterable[Item]]) -> None:
    seen: dict[str, str] = {}
    for part, items in parts.items():
        for item in items:
            other = seen.get(item.key)
            if other == part:
                raise GoproError(f"split {path}: {item.key} is listed twice in {part!r}; keep one")
            if other is not None:
                raise GoproError(
                    f"split {path}: {item.key} is in {other!r} and in {part!r}; a picture may be "
                    "in one part only, or results would be measured on training pictures"
                )
            seen[item.key] = part


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."
