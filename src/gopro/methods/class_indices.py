"""Places of class names among the training classes."""

from __future__ import annotations

from collections.abc import Sequence

from gopro.common.errors import GoproError


def class_indices(names: Sequence[str], trained: Sequence[str], what: str) -> list[int]:
    """Indices of class names among the training classes, for parameters learned per class.

    Args:
        names: Class names.
        trained: Names of the training classes.
        what: The parameters of a class, for the message.

    Raises:
        GoproError: For a name that is not a training class.
    """
    indices = {name: index for index, name in enumerate(trained)}
    unknown = [name for name in names if name not in indices]
    if unknown:
        raise GoproError(
            f"there is {what} for each training class and none for {unknown[0]!r}; use it on the "
            "classes it was trained on, as the task few-shot does"
        )
    return [indices[name] for name in names]
