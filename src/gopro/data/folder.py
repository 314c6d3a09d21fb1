"""The user's own images: a folder of class folders, or of train, val and test folders of those."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from gopro.common.errors import GoproError
from gopro.data.dataset import Dataset, Item, check_class_names
from gopro.data.listing import folders, is_picture, tree
from gopro.data.random_splits import complete

_VALIDATION = ("val", "valid", "validation")


def read_folder(folder: str | Path, seed: int = 1, *, hold_out: bool = True) -> Dataset:
    """Read a folder of class folders as a data set.

    Hidden files and files without an image's suffix are ignored; a class folder may have
    sub-folders. Without a ``test`` folder, ``val`` is the test split; without both, each class is
    split 50/20/30 into train, val and test, as in the CoOp benchmark.

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
    folder = Path(folder).expanduser()
    if not folder.is_dir():
        raise GoproError(f"no folder {folder}: wanted one sub-folder of pictures for each class")
    part_folders, note = _part_folders(folder)
    keys = {part: _class_keys(folder, inside) for part, inside in part_folders.items()}
    names = _class_names(folder, keys)
    if "test" in keys:
        parts = {part: _items(classes, names) for part, classes in keys.items()}
    elif not hold_out:
        parts = {"train": _items(keys["train"], names)}
    else:
        _refuse_single(keys["train"], folder)
        parts, note = complete({"all": _items(keys["train"], names)}, seed)
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
    """Whether the folder has a ``train`` folder of class folders."""
    return "train" in _part_folders(Path(folder).expanduser())[0].values()


def _part_folders(folder: Path) -> tuple[dict[str, str], str]:
    """Part -> its folder of class folders, relative to ``folder``; and a note, if any."""
    names = folders(folder)
    # "train" may also be the name of a class; then it has no sub-folders
    if "train" not in names or not folders(folder / "train"):
        return {"train": ""}, ""
    others = [name for name in names if name not in ("train", "test", *_VALIDATION)]
    if others:
        raise GoproError(
            f"{folder} has the folder 'train' and also {others[0]!r}: wanted either class "
            "folders, or train, val and test folders of them; move the others elsewhere"
        )
    val = next((name for name in _VALIDATION if name in names), None)
    if "test" in names:
        return {"train": "train", "test": "test"} | ({"val": val} if val else {}), ""
    if val:
        return {"train": "train", "test": val}, f"no test folder: tested on {val}"
    return {"train": "train"}, ""


def _class_keys(folder: Path, part: str) -> dict[str, list[str]]:
    """Class name -> sorted paths of its images, relative to ``folder``."""
    classes: dict[str, list[str]] = {}
    for name in folders(folder / part):
        files = tree(folder / part / name)
        keys = [file.relative_to(folder).as_posix() for file in files if is_picture(file.name)]
        if not keys:
            raise GoproError(
                f"class folder {folder / part / name} has no pictures; add some or remove it"
            )
        classes[name] = sorted(keys)
    return classes


def _class_names(folder: Path, keys: Mapping[str, Mapping[str, object]]) -> tuple[str, ...]:
    """Class names by label; checks that the parts have the same classes."""
    names = tuple(sorted(keys["train"]))
    if len(names) < 2:
        got = f"only the class {names[0]!r}" if names else "no sub-folders"
        raise GoproError(
            f"{folder} has {got}: wanted a sub-folder of pictures for each of at least two classes"
        )
    check_class_names(names, f"folder {folder}")
    for part, classes in keys.items():
        extra = sorted(set(classes) - set(names))
        absent = sorted(set(names) - set(classes)) if part == "test" else []
        if extra or absent:
            name, present_in, missing_in = (
                (extra[0], part, "train") if extra else (absent[0], "train", part)
            )
            raise GoproError(
                f"{folder}: class {name!r} has pictures in {present_in}, but none in {missing_in}; "
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
