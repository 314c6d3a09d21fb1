"""Pictures with labels, from lists or from a folder, and what the labels are called."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from gopro.common.errors import GoproError
from gopro.data.dataset import Dataset, Item, check_class_names, readable
from gopro.data.fewshot import sample
from gopro.data.folder import read_folder
from gopro.data.pictures import Picture, list_pictures

Folder: TypeAlias = "str | os.PathLike[str]"
Names: TypeAlias = "Mapping[Any, str] | Sequence[str]"


@dataclass(frozen=True)
class Labelled:
    """Pictures and a label for each."""

    pictures: list[Picture]
    labels: npt.NDArray[Any]


def read(
    images: Iterable[Picture] | Folder, labels: Iterable[Any] | None, part: str = "train"
) -> Labelled:
    """Pictures and labels as given, or those of a folder of class sub-folders.

    Args:
        images: Pictures, or a folder.
        labels: A label a picture; None where ``images`` is a folder, whose labels are its class
            names.
        part: Which of a folder's parts is wanted, "train" or "test". A folder that isn't split
            gives all its pictures for either.

    Raises:
        GoproError: When they don't fit together, or the folder can't be read.
    """
    if labels is None:
        if not isinstance(images, (str, os.PathLike)):
            raise GoproError(
                "got pictures without labels; give a label for each, or a folder of class "
                "sub-folders"
            )
        dataset = read_folder(os.fspath(images), hold_out=False)
        return of_items(dataset, (part == "test" and dataset.test) or dataset.train)
    if isinstance(images, (str, os.PathLike)):
        raise GoproError(
            f"got the folder {os.fspath(images)} and labels too; its sub-folders are the labels: "
            "leave the others out, or give a list of pictures"
        )
    pictures = list_pictures(images)
    known = np.asarray(labels if isinstance(labels, np.ndarray) else list(labels))
    if known.ndim != 1 or len(known) != len(pictures):
        raise GoproError(
            f"got {len(pictures)} pictures and labels of shape {list(known.shape)}; wanted one "
            "label for each picture"
        )
    return Labelled(pictures, known)


def read_validation(
    images: Iterable[Picture] | Folder,
    labels: Iterable[Any] | None,
    validation: tuple[Iterable[Picture], Iterable[Any]] | Folder | None,
) -> Labelled | None:
    """What to validate on: as given, else the ``val`` part of the training folder, else nothing.

    Raises:
        GoproError: As ``read``.
    """
    if validation is None:
        if labels is not None or not isinstance(images, (str, os.PathLike)):
            return None
        dataset = read_folder(os.fspath(images), hold_out=False)
        return of_items(dataset, dataset.val) if dataset.val else None
    if isinstance(validation, (str, os.PathLike)):
        return read(validation, None, "test")
    if not isinstance(validation, Sequence) or len(validation) != 2:
        raise GoproError("validation must be a pair (pictures, labels), or a folder")
    return read(*validation)


def of_items(dataset: Dataset, items: Iterable[Item]) -> Labelled:
    """Some items of a data set that lies in a folder, labelled with their class names."""
    assert dataset.root is not None
    chosen = list(items)
    names = [dataset.class_names[item.label] for item in chosen]
    return Labelled([dataset.root / item.key for item in chosen], np.asarray(names))


def classes_of(given: Labelled) -> tuple[npt.NDArray[Any], list[int]]:
    """The different labels, sorted, and the place of each picture's label among them.

    Raises:
        GoproError: When there is only one, or they can't be sorted.
    """
    try:
        classes, places = np.unique(given.labels, return_inverse=True)
    except TypeError as error:
        raise GoproError("the labels are of several kinds; wanted all text or all numbers") from (
            error
        )
    if len(classes) < 2:
        raise GoproError(
            f"all {len(given.labels)} pictures have the label {classes[0]!s}; wanted at least two "
            "classes"
        )
    return classes, places.tolist()


def names_of(classes: npt.NDArray[Any], class_names: Names | None) -> tuple[str, ...]:
    """What the classes are called in a prompt.

    Args:
        classes: The labels.
        class_names: Names by label; None where the labels are the names.

    Raises:
        GoproError: When a label has no name, or a name is empty or repeated.
    """
    labels = classes.tolist()
    if class_names is None:
        names = [str(label) for label in labels]
    else:
        try:
            names = [class_names[label] for label in labels]
        except (LookupError, TypeError) as error:
            raise GoproError(
                f"class_names has no name for each of the labels {labels[:5]}; wanted a mapping "
                "from label to name, or a list that the labels index"
            ) from error
    return checked_names(names, "class names")


def checked_names(names: Iterable[Any], source: str) -> tuple[str, ...]:
    """The names as a tuple.

    Raises:
        GoproError: When there are none, one is no text, or ``check_class_names`` refuses one.
    """
    if isinstance(names, str):
        raise GoproError(f"{source}: got the text {names!r}; wanted a list of names")
    found = tuple(names)
    wrong = [name for name in found if not isinstance(name, str)]
    if wrong or not found:
        got = repr(wrong[0]) if wrong else "none"
        raise GoproError(f"{source}: got {got}; wanted a list of names, each a text")
    check_class_names(found, source)
    return tuple(str(name) for name in found)


def draw(
    given: Labelled, places: Sequence[int], shots: int, seed: int, names: Sequence[str]
) -> tuple[Labelled, list[int]]:
    """``shots`` pictures of each class, drawn with the seed, in their order.

    Raises:
        GoproError: When a class has fewer.
    """
    items = [Item(str(number), label) for number, label in enumerate(places)]
    drawn = sorted(int(item.key) for item in sample(items, shots, seed, class_names=names))
    pictures = [given.pictures[number] for number in drawn]
    return Labelled(pictures, given.labels[drawn]), [places[number] for number in drawn]


def places_among(labels: npt.NDArray[Any], classes: npt.NDArray[Any]) -> list[int]:
    """The place of each label among the classes.

    Text is compared as it reads in a prompt: underscores and capitals don't count.

    Raises:
        GoproError: For a label that isn't one of them.
    """
    known = {_reads(label): place for place, label in enumerate(classes.tolist())}
    unknown = sorted({str(label) for label in labels.tolist() if _reads(label) not in known})
    if unknown:
        raise GoproError(
            f"the classifier doesn't know the class {unknown[0]!r}"
            + (f" and {len(unknown) - 1} more" if len(unknown) > 1 else "")
            + "; give it other names: with_classes in Python, --classes on the command line"
        )
    return [known[_reads(label)] for label in labels.tolist()]


def _reads(label: Any) -> Any:
    return readable(label).casefold() if isinstance(label, str) else label
