"""Labelled images from lists or from a folder, and the class names of their labels."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from gopro.common.errors import GoproError
from gopro.common.text import counted, name_key
from gopro.data.dataset import Dataset, Item, check_class_names
from gopro.data.fewshot import sample
from gopro.data.folder import read_folder
from gopro.data.pictures import Picture, list_pictures

Folder: TypeAlias = "str | os.PathLike[str]"
Names: TypeAlias = "Mapping[Any, str] | Sequence[str]"

_MISSING = ("none", "nan", "<na>", "nat")  # of Python, NumPy and pandas, as text
_SEVERAL_KINDS = "the labels are of several kinds; wanted all text or all numbers"


@dataclass(frozen=True)
class Labelled:
    """Images, and one label per image."""

    pictures: list[Picture]
    labels: npt.NDArray[Any]


def read(
    images: Iterable[Picture] | Folder, labels: Iterable[Any] | None, part: str = "train"
) -> Labelled:
    """Labelled images from two lists, or from a folder of class folders.

    Args:
        images: Images, or a folder.
        labels: One label per image; None when ``images`` is a folder, whose labels are its class
            names.
        part: The part of the folder to read, "train" or "test". Without a split, both are all
            images of the folder.

    Raises:
        GoproError: When images and labels don't match, labels are missing or of several kinds, or
            the folder can't be read.
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
    # iterating over a table of pandas would give the names of its columns
    is_array = isinstance(labels, np.ndarray) or hasattr(labels, "to_numpy")
    given = [] if is_array else list(labels)
    label_array = np.asarray(labels if is_array else given)
    if is_array and label_array.shape[1:] == (1,):
        label_array = label_array[:, 0]
    if label_array.ndim != 1 or len(label_array) != len(pictures):
        raise GoproError(
            f"got {len(pictures)} pictures and labels of shape {list(label_array.shape)}; "
            "wanted one label for each picture"
        )
    # an array of a list with texts has the numbers in it as texts, and NaN as "nan"
    _check_labels(label_array.tolist() if is_array else given)
    return Labelled(pictures, label_array)


def _check_labels(labels: Sequence[Any]) -> None:
    texts = [isinstance(label, str) for label in labels]
    others = [label for label, text in zip(labels, texts, strict=True) if not text]
    if missing := sum(str(label).casefold() in _MISSING for label in others):
        raise GoproError(
            f"{missing:,} of {counted(len(labels), 'label')} are missing (NaN or None); give the "
            "pictures labels, or leave these pictures out"
        )
    if any(texts) and others:
        raise GoproError(_SEVERAL_KINDS)


def read_validation(
    images: Iterable[Picture] | Folder,
    labels: Iterable[Any] | None,
    validation: tuple[Iterable[Picture], Iterable[Any]] | Folder | None,
) -> Labelled | None:
    """Validation images: ``validation``, else the ``val`` part of the training folder, else None.

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
    """Items of a data set with a folder: their paths, labelled with their class names."""
    assert dataset.root is not None
    items = list(items)
    names = [dataset.class_names[item.label] for item in items]
    return Labelled([dataset.root / item.key for item in items], np.asarray(names))


def classes_of(labelled: Labelled) -> tuple[npt.NDArray[Any], list[int]]:
    """The sorted distinct labels, and the index of each image's label in them.

    Raises:
        GoproError: When there is only one distinct label, or they can't be sorted.
    """
    try:
        classes, indices = np.unique(labelled.labels, return_inverse=True)
    except TypeError as error:
        raise GoproError(_SEVERAL_KINDS) from error
    if len(classes) < 2:
        raise GoproError(
            f"all {len(labelled.labels)} pictures have the label {classes[0]!s}; wanted at "
            "least two classes"
        )
    return classes, indices.tolist()


def names_of(classes: npt.NDArray[Any], class_names: Names | None) -> tuple[str, ...]:
    """The name of each class, for prompts.

    Args:
        classes: The distinct labels.
        class_names: Label -> name; None when the labels are the names.

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
    """The names as a tuple, after ``check_class_names``.

    Raises:
        GoproError: When there are no names, a name isn't text, or the check fails.
    """
    if isinstance(names, str):
        raise GoproError(f"{source}: got the text {names!r}; wanted a list of names")
    names = tuple(names)
    wrong = [name for name in names if not isinstance(name, str)]
    if wrong or not names:
        got = repr(wrong[0]) if wrong else "none"
        raise GoproError(f"{source}: got {got}; wanted a list of names, each a text")
    check_class_names(names, source)
    return tuple(str(name) for name in names)


def draw(
    labelled: Labelled, indices: Sequence[int], shots: int, seed: int, names: Sequence[str]
) -> tuple[Labelled, list[int]]:
    """A few-shot sample: ``shots`` images per class, in the original order.

    Args:
        labelled: The images to draw from.
        indices: Class index of each image.
        shots: Images per class.
        seed: Any integer; another seed gives another sample.
        names: Class names, for error messages.

    Returns:
        The drawn images, and the class index of each.

    Raises:
        GoproError: When a class has fewer images.
    """
    items = [Item(str(number), index) for number, index in enumerate(indices)]
    drawn = sorted(int(item.key) for item in sample(items, shots, seed, class_names=names))
    pictures = [labelled.pictures[number] for number in drawn]
    return Labelled(pictures, labelled.labels[drawn]), [indices[number] for number in drawn]


def places_among(labels: npt.NDArray[Any], classes: npt.NDArray[Any]) -> list[int]:
    """The index of each label in ``classes``; names match by ``name_key``.

    Raises:
        GoproError: For a label that isn't in ``classes``.
    """
    index_of = {_normalized(label): index for index, label in enumerate(classes.tolist())}
    unknown = sorted(
        {str(label) for label in labels.tolist() if _normalized(label) not in index_of}
    )
    if unknown:
        raise GoproError(
            f"the classifier doesn't know the class {unknown[0]!r}"
            + (f" and {len(unknown) - 1} more" if len(unknown) > 1 else "")
            + "; leave these pictures out, or let it choose among other names: --own_classes (the "
            "folder's) or --classes on the command line, with_classes in Python"
        )
    return [index_of[_normalized(label)] for label in labels.tolist()]


def _normalized(label: Any) -> Any:
    return name_key(label) if isinstance(label, str) else label
