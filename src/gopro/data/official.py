"""Official annotations, for data sets without the benchmark's split file.

Each reader takes the set's folder and returns class names and the parts that
``random_splits.complete`` completes. Keys are the same as in the benchmark's split file.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Any

from gopro.common.errors import GoproError
from gopro.data.dataset import Item
from gopro.data.listing import folders, pictures
from gopro.data.random_splits import Parts

Lists = tuple[tuple[str, ...], Parts]
"""Class names; and part -> items."""


def class_folders(
    home: Path, images: str, renamed: Mapping[str, str] | None = None, ignored: Collection[str] = ()
) -> Lists:
    """Class folders in ``images``: labels follow the sorted names; the only part is ``all``."""
    classes = [name for name in folders(home / images) if name not in ignored]
    items = [
        Item(f"{folder}/{file}", label)
        for label, folder in enumerate(classes)
        for file in pictures(home / images / folder)
    ]
    names = tuple((renamed or {}).get(folder, folder) for folder in classes)
    return names, {"all": tuple(items)}


def oxford_pets(home: Path) -> Lists:
    """``annotations/trainval.txt`` and ``test.txt``: rows of image, class number from 1, two more.

    The class name is the start of its image names, in lower case.
    """
    names: dict[int, str] = {}

    def items(file: str) -> tuple[Item, ...]:
        rows = []
        for row in _rows(home / "annotations" / file, 4):
            label = _label_from_one(row[1], home / "annotations" / file)
            names[label] = row[0].rpartition("_")[0].lower()
            rows.append(Item(f"{row[0]}.jpg", label))
        return tuple(rows)

    parts = {"trainval": items("trainval.txt"), "test": items("test.txt")}
    return _in_order(names, home / "annotations"), parts


def sun397(home: Path) -> Lists:
    """``ClassName.txt``, and the first partition: image paths that start with ``/``.

    The class ``/a/apartment_building/outdoor`` is named ``outdoor apartment_building``.
    """
    class_paths = [row[0].lstrip("/") for row in _rows(home / "ClassName.txt", 1)]
    labels = {folder: label for label, folder in enumerate(class_paths)}

    def items(file: str) -> tuple[Item, ...]:
        keys = [row[0].lstrip("/") for row in _rows(home / file, 1)]
        return tuple(
            Item(key, _label_of(labels, key.rpartition("/")[0], home / file)) for key in keys
        )

    names = tuple(" ".join(reversed(folder.split("/")[1:])) for folder in class_paths)
    return names, {"trainval": items("Training_01.txt"), "test": items("Testing_01.txt")}


def ucf101(home: Path) -> Lists:
    """The first of the three splits in ``ucfTrainTestlist``; each image is a video's middle frame.

    The class ``ApplyLipstick`` is named ``Apply_Lipstick``, and so is its folder of images.
    """
    lists = home / "ucfTrainTestlist"
    labels = {
        row[1]: _label_from_one(row[0], lists / "classInd.txt")
        for row in _rows(lists / "classInd.txt", 2)
    }
    renamed = {action: "_".join(re.findall("[A-Z][^A-Z]*", action)) for action in labels}

    def items(file: str) -> tuple[Item, ...]:
        frames = []
        for row in _rows(lists / file, 1):
            action, _, video = row[0].partition("/")
            label = _label_of(labels, action, lists / file)
            frames.append(Item(f"{renamed[action]}/{video.removesuffix('.avi')}.jpg", label))
        return tuple(frames)

    names = {label: renamed[action] for action, label in labels.items()}
    parts = {"trainval": items("trainlist01.txt"), "test": items("testlist01.txt")}
    return _in_order(names, lists / "classInd.txt"), parts


def fgvc_aircraft(home: Path) -> Lists:
    """``variants.txt``, and a list per part: rows of image and variant."""
    names = [" ".join(row) for row in _rows(home / "variants.txt", 1)]
    labels = {name: label for label, name in enumerate(names)}

    def items(part: str) -> tuple[Item, ...]:
        path = home / f"images_variant_{part}.txt"
        return tuple(
            Item(f"{row[0]}.jpg", _label_of(labels, " ".join(row[1:]), path))
            for row in _rows(path, 2)
        )

    return tuple(names), {part: items(part) for part in ("train", "val", "test")}


def oxford_flowers(home: Path) -> Lists:
    """``imagelabels.mat`` (a class number from 1 per image) and ``cat_to_name.json``."""
    names_file = home / "cat_to_name.json"
    try:
        raw = json.loads(names_file.read_bytes())
        names = {int(number) - 1: str(name) for number, name in raw.items()}
    except (OSError, ValueError, AttributeError) as error:
        raise _damaged(names_file, error) from error
    labels = _matlab(home / "imagelabels.mat", lambda file: [int(n) for n in file["labels"][0]])
    items = [Item(f"image_{i:05d}.jpg", label - 1) for i, label in enumerate(labels, start=1)]
    return _in_order(names, names_file), {"all": tuple(items)}


def stanford_cars(home: Path) -> Lists:
    """The MATLAB files of the devkit: an image name and a class number from 1 per image.

    The class ``Audi TTS Coupe 2012`` is named ``2012 Audi TTS Coupe``.
    """

    def name(text: str) -> str:
        rest, _, year = text.rpartition(" ")
        return f"{year} {rest}"

    def items(folder: str, path: Path) -> tuple[Item, ...]:
        rows = _matlab(
            path,
            lambda file: [
                (str(row["fname"][0]), int(row["class"][0, 0])) for row in file["annotations"][0]
            ],
        )
        return tuple(Item(f"{folder}/{fname}", label - 1) for fname, label in rows)

    kit = home / "devkit"
    names = _matlab(
        kit / "cars_meta.mat", lambda file: [name(str(n[0])) for n in file["class_names"][0]]
    )
    parts = {
        "trainval": items("cars_train", kit / "cars_train_annos.mat"),
        "test": items("cars_test", home / "cars_test_annos_withlabels.mat"),
    }
    return tuple(names), parts


def _rows(path: Path, min_words: int) -> list[list[str]]:
    """The words of each line, without empty lines and comments; each has ``min_words`` or more."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise _damaged(path, error) from error
    rows = [line.split() for line in lines if line.strip() and not line.startswith("#")]
    for row in rows:
        if len(row) < min_words:
            raise _damaged(path, f"row {' '.join(row)[:40]!r} is too short")
    return rows


def _label_from_one(text: str, path: Path) -> int:
    if not text.isdecimal() or text.startswith("0"):
        raise _damaged(path, f"{text[:20]!r} is no class number")
    return int(text) - 1


def _label_of(labels: Mapping[str, int], name: str, path: Path) -> int:
    if name not in labels:
        raise _damaged(path, f"it names the class {name[:60]!r}, which the list of classes lacks")
    return labels[name]


def _in_order(names: Mapping[int, str], path: Path) -> tuple[str, ...]:
    """Names by label; the labels must have no gaps."""
    if sorted(names) != list(range(len(names))):
        raise _damaged(path, "its class numbers have gaps")
    return tuple(names[label] for label in range(len(names)))


def _matlab(path: Path, get: Callable[[Any], list[Any]]) -> list[Any]:
    # slow to import, and listing the data sets doesn't need it
    from scipy.io import loadmat

    if not path.is_file():
        raise _damaged(path, "it isn't there")
    try:
        return get(loadmat(str(path)))
    # the parser raises almost anything on damaged files (struct.error, IndexError, ...)
    except Exception as error:
        raise _damaged(path, error) from error


def _damaged(path: Path, problem: object) -> GoproError:
    reason = getattr(problem, "strerror", None) or str(problem) or type(problem).__name__
    return GoproError(f"can't read annotations {path} ({reason}); unpack the complete set again")
