"""ImageNet and its variants: class folders named by WordNet ID or 0 to 999."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from gopro.common.errors import GoproError
from gopro.common.text import name_key
from gopro.data.dataset import Dataset, Item, check_class_names
from gopro.data.listing import folders, pictures

NAMES = "classnames.txt"


def read_imagenet(
    name: str,
    home: Path,
    classes: int,
    *,
    images: str,
    parts: Mapping[str, str],
    numbered: bool = False,
) -> Dataset:
    """Read ImageNet or one of its variants.

    Labels follow the sorted WordNet IDs of the class folders. So a variant with some of ImageNet's
    classes has labels for these classes only.

    Args:
        name: The data set's name.
        home: Its folder. ``classnames.txt`` is there, or in the folder ``imagenet`` beside it.
        classes: Expected number of class folders.
        images: The folder in ``home`` that keys are relative to.
        parts: ``train`` and ``test`` -> the folder of class folders in ``images``.
        numbered: Class folders are named by their row in ``classnames.txt``, from 0.

    Raises:
        GoproError: When class folders are missing, empty or unknown, or the names can't be read.
    """
    root = home / images
    if not root.is_dir():
        raise GoproError(f"folder {home} has no {images}; unpack the complete {name} there")
    source = _names_file(home)
    names = _read_names(source)
    class_folders = {part: folders(root / path) for part, path in parts.items()}
    wnids = {
        part: _wnids(in_part, list(names), root) if numbered else in_part
        for part, in_part in class_folders.items()
    }
    for part, path in parts.items():
        _check(root / path, wnids[part], names, source, classes)
    order = sorted(wnids["test"])
    if any(sorted(in_part) != order for in_part in wnids.values()):
        raise GoproError(f"{root}: train and test have different classes; unpack them again")
    labels = {wnid: label for label, wnid in enumerate(order)}
    items = {
        part: _items(root, path, list(zip(class_folders[part], wnids[part], strict=True)), labels)
        for part, path in parts.items()
    }
    class_names = tuple(names[wnid] for wnid in order)
    # repeated names are allowed here: see _repeated
    check_class_names(list({name_key(n): n for n in class_names}.values()), str(source))
    repeated = _repeated(class_names, order)
    return Dataset(
        name=name,
        root=root,
        class_names=class_names,
        train=items.get("train", ()),
        val=(),
        test=items["test"],
        notes=(repeated,) if repeated else (),
    )


def _names_file(home: Path) -> Path:
    for path in (home / NAMES, home.parent / "imagenet" / NAMES):
        if path.is_file():
            return path
    raise GoproError(
        f"folder {home} has no {NAMES}: wanted the CoOp benchmark's list of ImageNet's class "
        "names, a row such as 'n01440764 tench' for each; its page about data sets links it"
    )


def _read_names(path: Path) -> dict[str, str]:
    """WordNet ID -> class name, in the file's order."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise GoproError(f"can't read {path} ({error}); put the benchmark's list there") from error
    names: dict[str, str] = {}
    for line in lines:
        wnid, _, name = line.strip().partition(" ")
        if line.strip() and (not name.strip() or wnid in names):
            raise GoproError(
                f"{path}: wanted rows such as 'n01440764 tench', each number once, got {line!r}"
            )
        if wnid:
            names[wnid] = name.strip()
    return names


def _wnids(numbers: Sequence[str], wnids: Sequence[str], root: Path) -> list[str]:
    """WordNet IDs of class folders that are named 0 to 999."""
    for folder in numbers:
        if not folder.isdecimal() or int(folder) >= len(wnids):
            raise GoproError(
                f"{root}: wanted class folders 0 to {len(wnids) - 1}, got {folder!r}; move it away"
            )
    return [wnids[int(folder)] for folder in numbers]


def _check(
    folder: Path, wnids: Sequence[str], names: Mapping[str, str], source: Path, classes: int
) -> None:
    unknown = next((wnid for wnid in wnids if wnid not in names), None)
    if unknown is not None:
        raise GoproError(f"{folder} has the folder {unknown!r}, which {source} doesn't name")
    if len(set(wnids)) != classes:
        raise GoproError(
            f"{folder} has {len(set(wnids))} class folders and {classes} were wanted; unpack the "
            "complete set again, each picture in its class's folder (for a part of it: folder:PATH)"
        )


def _items(
    root: Path, part: str, classes: Sequence[tuple[str, str]], labels: Mapping[str, int]
) -> tuple[Item, ...]:
    items: list[Item] = []
    for folder, wnid in sorted(classes, key=lambda pair: labels[pair[1]]):
        path = f"{part}/{folder}" if part else folder
        files = pictures(root / path)
        if not files:
            raise GoproError(f"class folder {root / path} has no pictures; unpack the set again")
        label = labels[wnid]
        items += [Item(f"{path}/{file}", label) for file in files]
    return tuple(items)


def _repeated(class_names: Sequence[str], wnids: Sequence[str]) -> str:
    """A note on classes that share a name; empty when there are none.

    The benchmark gives two pairs of ImageNet's classes the same name (missile, sunglasses). No
    prompt can separate such a pair, but published results have it; renaming would change them.
    """
    by_name: dict[str, list[str]] = {}
    for name, wnid in zip(class_names, wnids, strict=True):
        by_name.setdefault(name_key(name), []).append(wnid)
    pairs = [f"{name} ({', '.join(ids)})" for name, ids in by_name.items() if len(ids) > 1]
    if not pairs:
        return ""
    return f"classes with the same name, as in the benchmark: {'; '.join(pairs)}"
