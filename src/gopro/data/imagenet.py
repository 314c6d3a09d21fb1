"""ImageNet and its variants: folders of WordNet numbers (or of 0 to 999), ``classnames.txt``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from gopro.common.errors import GoproError
from gopro.data.dataset import Dataset, Item, check_class_names, readable
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

    Labels are the sorted WordNet numbers of the class folders, so a variant that holds some of
    ImageNet's classes is told apart among those alone.

    Args:
        name: The data set's name.
        home: Its folder. ``classnames.txt`` lies there, or in ``imagenet`` beside it.
        classes: Class folders that have to be there.
        images: The folder inside that keys are relative to.
        parts: ``train`` and ``test`` -> the folder of class folders inside ``images``.
        numbered: Class folders are named by their row in ``classnames.txt`` instead, from 0.

    Raises:
        GoproError: When class folders are missing, empty or unknown, or the names can't be read.
    """
    root = home / images
    if not root.is_dir():
        raise GoproError(f"folder {home} has no {images}; unpack {name} there, whole")
    source = _names_file(home)
    names = _read_names(source)
    found = {part: folders(root / place) for part, place in parts.items()}
    wnids = {
        part: _numbered(inside, list(names), root) if numbered else inside
        for part, inside in found.items()
    }
    for part, place in parts.items():
        _check(root / place, wnids[part], names, source, classes)
    order = sorted(wnids["test"])
    if any(sorted(inside) != order for inside in wnids.values()):
        raise GoproError(f"{root}: train and test hold different classes; unpack them again")
    labels = {wnid: label for label, wnid in enumerate(order)}
    items = {
        part: _items(root, place, list(zip(found[part], wnids[part], strict=True)), labels)
        for part, place in parts.items()
    }
    class_names = tuple(names[wnid] for wnid in order)
    # Identical names are the benchmark's own, and are kept: see _repeated
    check_class_names(list({readable(n).casefold(): n for n in class_names}.values()), str(source))
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
    """WordNet number -> class name, in the file's order."""
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


def _numbered(inside: Sequence[str], wnids: Sequence[str], root: Path) -> list[str]:
    for folder in inside:
        if not folder.isdecimal() or int(folder) >= len(wnids):
            raise GoproError(
                f"{root}: wanted class folders 0 to {len(wnids) - 1}, got {folder!r}; move it away"
            )
    return [wnids[int(folder)] for folder in inside]


def _check(
    where: Path, wnids: Sequence[str], names: Mapping[str, str], source: Path, classes: int
) -> None:
    unknown = next((wnid for wnid in wnids if wnid not in names), None)
    if unknown is not None:
        raise GoproError(f"{where} holds the folder {unknown!r}, which {source} doesn't name")
    if len(set(wnids)) != classes:
        raise GoproError(
            f"{where} has {len(set(wnids))} class folders and {classes} were wanted; unpack the "
            "set again, whole, each picture in its class's folder (for a part of it: folder:PATH)"
        )


def _items(
    root: Path, place: str, classes: Sequence[tuple[str, str]], labels: Mapping[str, int]
) -> tuple[Item, ...]:
    items: list[Item] = []
    for folder, wnid in sorted(classes, key=lambda pair: labels[pair[1]]):
        path = f"{place}/{folder}" if place else folder
        inside = pictures(root / path)
        if not inside:
            raise GoproError(f"class folder {root / path} has no pictures; unpack the set again")
        label = labels[wnid]
        items += [Item(f"{path}/{file}", label) for file in inside]
    return tuple(items)


def _repeated(class_names: Sequence[str], wnids: Sequence[str]) -> str:
    """A note about classes of one name.

    The benchmark calls two pairs of ImageNet's classes alike (missile, sunglasses). Published
    figures were measured so: no prompt tells such classes apart, and renaming one would measure
    something else.
    """
    same: dict[str, list[str]] = {}
    for name, wnid in zip(class_names, wnids, strict=True):
        same.setdefault(readable(name).casefold(), []).append(wnid)
    pairs = [f"{name} ({', '.join(found)})" for name, found in same.items() if len(found) > 1]
    if not pairs:
        return ""
    return f"classes of one name, kept as the benchmark has them: {'; '.join(pairs)}"
