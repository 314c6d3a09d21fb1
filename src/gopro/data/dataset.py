"""``Dataset``: class names, three splits of labelled images, and how to open an image."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from PIL import Image

from gopro.common.errors import GoproError
from gopro.common.text import name_key
from gopro.data.images import open_image


@dataclass(frozen=True, slots=True)
class Item:
    """One labelled image.

    Attributes:
        key: The image's path relative to the data set's folder, with ``/`` as separator. For a
            data set without a folder, what its ``draw`` takes (``seed1/photo/012/0003``).
        label: Index into the class names of the data set or task.
        domain: The image's style or source; empty when the data set has only one.
    """

    key: str
    label: int
    domain: str = ""


@dataclass(frozen=True)
class Dataset:
    """Class names and three splits of labelled images.

    Attributes:
        name: Its name in results, for example ``caltech101``.
        root: The folder that the items' keys are relative to; None for a set without one.
        class_names: One name per label, as the data set spells it (see ``common.text``).
        train: The split that few-shot samples are drawn from.
        val: Held-out training data for choosing settings; may be empty.
        test: Used for testing only.
        notes: Decisions made while reading, for example that the split was generated.
        draw: Returns the image of a key when ``root`` is None.
        drawn_by: Stands for what ``draw`` draws: equal only where equal keys give equal images.
            Empty if nothing is known about that.
        source: Tells sets without a folder apart that have the same name.
    """

    name: str
    root: Path | None
    class_names: tuple[str, ...]
    train: tuple[Item, ...]
    val: tuple[Item, ...]
    test: tuple[Item, ...]
    notes: tuple[str, ...] = ()
    draw: Callable[[str], Image.Image] | None = field(default=None, repr=False, compare=False)
    drawn_by: str = ""
    source: str = ""

    def open(self, item: Item, reduced_to: int | None = None) -> Image.Image:
        """Open the item's image as upright RGB.

        Args:
            item: An item of this set; only its key is used, so its label may have changed.
            reduced_to: See ``Preprocessing.reduced_to``; by default every pixel is decoded.

        Raises:
            GoproError: When the image is missing or can't be read.
        """
        if self.draw is not None:
            return self.draw(item.key)
        if self.root is None:
            raise GoproError(
                f"data set {self.name} has neither a folder nor a function that draws {item}"
            )
        return open_image(self.root / item.key, reduced_to)

    def identity(self, items: Sequence[Item]) -> str | None:
        """SHA-256 (hex) that tells images apart without opening them.

        It is made of the path, size and time of change of each file, or of the keys and
        ``drawn_by``. An image that was replaced by another one of the same size and time isn't
        noticed. None if a file is missing, or if it isn't known what is drawn.

        Args:
            items: Images of this set, in order.
        """
        if self.draw is not None:
            known: list[object] = [self.drawn_by, *(item.key for item in items)]
            return _sha256(known) if self.drawn_by else None
        root = str((self.root or Path()).absolute())
        known = [root]
        for item in items:
            try:
                # quicker than a Path; a key may be absolute
                stat = os.stat(os.path.join(root, item.key))  # noqa: PTH116, PTH118
            except (OSError, ValueError):
                return None
            known += [item.key, stat.st_size, stat.st_mtime_ns]
        return _sha256(known)

    def fingerprint(self) -> str:
        """SHA-256 (hex) of class names and splits: equal if and only if these are equal.

        It depends neither on the data set's location nor on the order of the items.
        """
        splits = [
            sorted((item.key, item.label, item.domain) for item in items)
            for items in (self.train, self.val, self.test)
        ]
        return _sha256([self.class_names, splits])


def _sha256(values: object) -> str:
    return hashlib.sha256(json.dumps(values).encode("ascii")).hexdigest()


def check_class_names(names: Sequence[str], source: str) -> None:
    """Reject class names that are unusable in a prompt or have the same prompt as another.

    Args:
        names: One name per label.
        source: Where the names come from, for the message.

    Raises:
        GoproError: When a name is empty or not printable, or is the name of another class
            too (``name_key``).
    """
    seen: dict[str, str] = {}
    for name in names:
        key = name_key(name)
        if not key:
            raise GoproError(f"{source}: the class name {name!r} has no letters; give it a name")
        if not name.isprintable():
            raise GoproError(
                f"{source}: the class name {name!r} has characters that can't be printed; "
                "rename the class"
            )
        other = seen.get(key)
        if other is not None:
            raise GoproError(
                f"{source}: two classes are named {other!r} and {name!r}, which read the same in "
                "a prompt; rename one or merge them"
            )
        seen[key] = name
