"""Places of class names among the training classes."""

from __future__ import annotations

from collections.abc import Sequence

from gopro.common.errors import GoproError
from gopro.common.text import numbered


def class_places(names: Sequence[str], trained: Sequence[str]) -> list[int | None]:
    """The index of each class among the training classes; None for any other class.

    Names are compared by ``name_key``. Where several training classes have the same name, as in
    ImageNet, the first of ``names`` is the first of them, the second the second.

    Args:
        names: Class names.
        trained: Names of the training classes.
    """
    indices = {one: index for index, one in enumerate(numbered(trained))}
    return [indices.get((key, count), indices.get((key, 0))) for key, count in numbered(names)]


def class_indices(names: Sequence[str], trained: Sequence[str], what: str) -> list[int]:
    """``class_places`` of training classes, for parameters learned per class.

    Args:
        names: Class names.
        trained: Names of the training classes.
        what: The parameters of a class, for the message.

    Raises:
        GoproError: For a name that is not a training class.
    """
    indices = []
    for name, place in zip(names, class_places(names, trained), strict=True):
        if place is None:
            raise GoproError(
                f"there is {what} for each training class and none for {name!r}; use it on the "
                "classes it was trained on (as the task few-shot does), or train a method that "
                "takes other names, such as gopro"
            )
        indices.append(place)
    return indices
