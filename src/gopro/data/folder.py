"""The user's own images: a folder of class folders, or of train, val and test folders of those."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from gopro.common.errors import GoproError
from gopro.common.files import expanded
from gopro.common.text import listed, printable
from gopro.data.dataset import Dataset, Item, check_class_names
from gopro.data.listing import folders, is_picture, other_kinds, relative_files
from gopro.data.parts import layout
from gopro.data.random_splits import complete


def read_folder(folder: str | Path, seed: int = 1, *, hold_out: bool = True) -> Dataset:
    """Read a folder of class folders as a data set.

    Hidden files, folders that systems add (``__MACOSX``) and files without an image's suffix are
    ignored; a class folder may have sub-folders. Folders named like ``train``, ``val`` and
    ``test`` are parts, see ``layout``. Without a ``test`` part, ``val`` is the test split; without
    both, each class is split 50/20/30 into train, val and test, as in the CoOp benchmark.

    Args:
        folder: The folder.
        seed: Seed of the split, when the folder has none.
        hold_out: Whether to split a folder without a split. False: all images are training
            images; val and test are empty.

    Raises:
        GoproError: When the folder is missing or has fewer than two classes, a class has too few
            images, two class names are the same in a prompt, or train and test have different
            classes.
    """
    folder = expanded(folder)
    if not folder.is_dir():
        raise GoproError(f"no folder {folder}: wanted one sub-folder of pictures for each class")
    found = layout(folder)
    notes = found.notes
    keys = {part: _class_keys(folder, inside) for part, inside in found.parts.items()}
    names = _class_names(folder, keys)
    if "test" in keys:
        parts = {part: _items(classes, names) for part, classes in keys.items()}
    elif not hold_out:
        parts = {"train": _items(keys["train"], names)}
    else:
        _refuse_single(keys["train"], folder)
        parts, note = complete({"all": _items(keys["train"], names)}, seed)
        notes += (note,)
    return Dataset(
        name=f"folder:{printable(folder.resolve().name)}",
        root=folder,
        class_names=names,
        train=parts["train"],
        val=parts.get("val", ()),
        test=parts.get("test", ()),
        notes=notes,
    )


def read_class_folders(name: str, home: Path, classes: int) -> Dataset:
    """Read a data set of the catalog whose only annotations are its class folders.

    Args:
        name: The data set's name.
        home: Its folder.
        classes: Expected number of classes.

    Raises:
        GoproError: When classes are missing, or as for ``read_folder``.
    """
    dataset = read_folder(home)
    if len(dataset.class_names) != classes:
        raise GoproError(
            f"{home} has {len(dataset.class_names)} class folders and {classes} were wanted; "
            "unpack the complete set again (for a part of it: folder:PATH)"
        )
    return replace(dataset, name=name)


def _class_keys(folder: Path, part: str) -> dict[str, list[str]]:
    """Class name -> sorted paths of its images, relative to ``folder``."""
    classes: dict[str, list[str]] = {}
    left_out: list[Path] = []
    for name in folders(folder / part):
        prefix = Path(part, name).as_posix()
        # a link to another class, or to the test part, would mix them
        files = relative_files(folder / part / name, whole=folder)
        pictures = [file for file in files if is_picture(file.rpartition("/")[2])]
        classes[name] = sorted(f"{prefix}/{picture}" for picture in pictures)
        left_out += [] if pictures else map(Path, files)
    empty = [name for name, keys in classes.items() if not keys]
    if empty:
        kinds = ", ".join(other_kinds(left_out))
        raise GoproError(
            f"{folder / part} has class folders without pictures: {listed(empty)}; add some or "
            f"remove them{kinds and f'; they hold files of no supported image format: {kinds}'}"
        )
    return classes


def _class_names(folder: Path, keys: Mapping[str, Mapping[str, object]]) -> tuple[str, ...]:
    """Class names by label; checks that the parts have the same classes."""
    names = tuple(sorted(keys["train"]))
    if len(names) < 2:
        got = f"only the class {names[0]!r}" if names else "no sub-folders"
        inside = folder / names[0] if names else folder
        hint = f"; did you mean {inside}?" if names and len(folders(inside)) > 1 else ""
        raise GoproError(
            f"{folder} has {got}: wanted a sub-folder of pictures for each of at least two "
            f"classes{hint}"
        )
    check_class_names(names, f"folder {folder}")
    for part, classes in keys.items():
        extra = sorted(set(classes) - set(names))
        absent = sorted(set(names) - set(classes)) if part == "test" else []
        if extra or absent:
            wrong, present_in, missing_in = (
                (extra, part, "train") if extra else (absent, "train", part)
            )
            raise GoproError(
                f"{folder}: class {listed(wrong)} has pictures in {present_in}, but none in "
                f"{missing_in}; wanted the same classes in both"
            )
    return names


def _items(classes: Mapping[str, list[str]], names: tuple[str, ...]) -> tuple[Item, ...]:
    labels = {name: label for label, name in enumerate(names)}
    return tuple(Item(key, labels[name]) for name in sorted(classes) for key in classes[name])


def _refuse_single(classes: Mapping[str, list[str]], folder: Path) -> None:
    single = [name for name, keys in classes.items() if len(keys) < 2]
    if single:
        raise GoproError(
            f"{folder} has classes with 1 picture: {listed(single)}; wanted at least 2 of each, "
            "one to train and one to test on: add pictures, or use all of them for training "
            "with `gopro fit --all`"
        )
