"""Labels that a person gave to single pictures, as the page of ``gopro predict --review`` saves."""

from __future__ import annotations

import csv
import os
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from gopro.common.errors import GoproError
from gopro.common.files import expanded
from gopro.common.text import counted, listed, name_key
from gopro.data.dataset import Dataset, Item, check_class_names

COLUMNS = ("picture", "label")


def read(files: Iterable[Path]) -> dict[Path, str]:
    """The label of each picture; empty for a picture that shows none of the classes.

    Args:
        files: CSV tables with the columns ``COLUMNS``. Paths of pictures are relative to the
            table's folder or absolute. Of two labels for the same picture, also under another
            path, the later one counts.

    Raises:
        GoproError: When a table can't be read, or names pictures that aren't there.
    """
    labels: dict[str, tuple[Path, str]] = {}
    missing: dict[str, None] = {}
    for path in map(expanded, files):
        try:
            with path.open(encoding="utf-8-sig", newline="") as file:
                rows = list(csv.DictReader(file))
        except (OSError, UnicodeDecodeError, csv.Error) as error:
            reason = getattr(error, "strerror", None) or "no CSV table in UTF-8"
            raise GoproError(f"can't read the corrections {path} ({reason})") from error
        if any(row.get(column) is None for row in rows for column in COLUMNS):
            raise GoproError(f"{path} has rows without {' and '.join(COLUMNS)}; wanted both")
        for row in rows:
            picture = os.path.abspath(path.parent / row["picture"])  # noqa: PTH100 - keeps links
            if os.path.isfile(picture):  # noqa: PTH113 - a Path raises for names that are too long
                labels[os.path.realpath(picture)] = Path(picture), row["label"].strip()
            else:
                missing[picture] = None
    if missing:
        raise GoproError(
            f"the corrections name {counted(len(missing), 'picture')} that can't be found: "
            f"{listed([*missing], 3)}; put them back, or remove their rows"
        )
    return dict(labels.values())


def apply(dataset: Dataset, labels: Mapping[Path, str]) -> Dataset:
    """A folder's data set with the labels of a person.

    A picture of the folder keeps its part and gets its new label, or is left out if that is empty.
    Any other picture is added to the training images. A label that is no class yet becomes one.
    A picture is recognised under any path that leads to it through links.

    Args:
        dataset: With a folder.
        labels: As ``read`` returns them.

    Raises:
        GoproError: For a label that can't be a class name, or when no picture is left.
    """
    root = dataset.root
    assert root is not None
    label_of = {name_key(name): index for index, name in enumerate(dataset.class_names)}
    names = list(dataset.class_names)
    for label in dict.fromkeys(labels.values()):
        if label and name_key(label) not in label_of:
            label_of[name_key(label)] = len(names)
            names.append(label)
    check_class_names(names, "corrections")
    given = {
        os.path.realpath(picture): (
            picture,
            label_of[name_key(label)] if label else None,
        )
        for picture, label in labels.items()
    }
    inside: set[str] = set()
    changed: Counter[str] = Counter()

    def corrected(items: Sequence[Item]) -> tuple[Item, ...]:
        found = []
        for item in items:
            real = os.path.realpath(root / item.key)
            inside.add(real)
            _, label = given.get(real, (None, item.label))
            if real in given:
                same = "confirmed" if label == item.label else "corrected"
                changed["left out" if label is None else same] += 1
            if label is not None:
                found.append(replace(item, label=label))
        return tuple(found)

    parts = [corrected(items) for items in (dataset.train, dataset.val, dataset.test)]
    added = tuple(
        Item(picture.as_posix(), label)
        for real, (picture, label) in given.items()
        if label is not None and real not in inside
    )
    if not any((*parts, added)):
        raise GoproError("the corrections leave out all pictures; give some of them a label")
    unused = sum(real not in inside for real in given) - len(added)
    told = [
        (changed["corrected"], "label", "corrected"),
        (changed["confirmed"], "label", "confirmed"),
        (changed["left out"], "picture", "left out"),
        (len(added), "picture", "added"),
        (unused, "picture", "without a label not used"),
    ]
    texts = [f"{counted(number, word)} {what}" for number, word, what in told if number]
    note = ", ".join(texts) or "none"
    return replace(
        dataset,
        class_names=tuple(names),
        train=(*parts[0], *added),
        val=parts[1],
        test=parts[2],
        notes=(*dataset.notes, f"corrections: {note}"),
    )
