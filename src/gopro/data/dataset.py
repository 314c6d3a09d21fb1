"""What a data set is to the rest of the program: class names, three splits, and how to open one."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from PIL import Image

from gopro.common.errors import GoproError
from gopro.data.images import open_image


@dataclass(frozen=True, slots=True)
class Item:
    """One labelled picture.

    Attributes:
        key: The path relative to the data set's folder with ``/`` between its parts, or, for a
            data set that is drawn, what has to be drawn (``seed1/photo/012/0003``).
        label: Index into the class names that go with the item.
        domain: The style or source the picture comes from; empty where a set has only one.
    """

    key: str
    label: int
    domain: str = ""


@dataclass(frozen=True)
class Dataset:
    """Class names and three splits of labelled pictures.

    Attributes:
        name: How results call it, for example ``caltech101``.
        root: The folder the items' keys are relative to; None for a set that is drawn.
        class_names: One name a label, as the data set spells it (see ``readable``).
        train: Where few-shot samples are drawn from.
        val: Part of the training data kept for choosing settings; may be empty.
        test: What is measured on, and nothing else.
        notes: What was decided while reading, for example that the split was generated.
        draw: Makes the picture of a key where ``root`` is None.
    """

    name: str
    root: Path | None
    class_names: tuple[str, ...]
    train: tuple[Item, ...]
    val: tuple[Item, ...]
    test: tuple[Item, ...]
    notes: tuple[str, ...] = ()
    draw: Callable[[str], Image.Image] | None = field(default=None, repr=False, compare=False)

    def open(self, item: Item, size: int | None = None) -> Image.Image:
        """Give the item's picture, RGB and upright.

        Args:
            item: An item of this set, relabelled or not: only its key is used.
            size: The shorter side the picture is going to be resized to. Lets large JPEGs be
                decoded at a reduced scale, at least twice this size.

        Raises:
            GoproError: When the picture is missing or can't be read.
        """
        if self.draw is not None:
            return self.draw(item.key)
        if self.root is None:
            raise GoproError(f"data set {self.name} has neither a folder nor a way to draw {item}")
        return open_image(self.root / item.key, size)

    def fingerprint(self) -> str:
        """SHA-256 (hex) of class names and splits: equal exactly where the split is the same.

        It doesn't depend on where the data set lies, nor on the order of the items.
        """
        splits = [
            sorted((item.key, item.label, item.domain) for item in items)
            for items in (self.train, self.val, self.test)
        ]
        text = json.dumps([self.class_names, splits])
        return hashlib.sha256(text.encode("ascii")).hexdigest()


def readable(name: str) -> str:
    """The class name as words of a sentence: ``sea_horse`` becomes ``sea horse``."""
    return " ".join(name.replace("_", " ").split())


def check_class_names(names: Sequence[str], source: str) -> None:
    """Refuse names that no prompt can tell apart, or that no prompt can hold.

    Args:
        names: One name a label.
        source: Where they were found; goes into the message.

    Raises:
        GoproError: When a name is empty, can't be printed, or reads like another one
            (underscores and capitals don't count).
    """
    seen: dict[str, str] = {}
    for name in names:
        words = readable(name)
        if not words:
            raise GoproError(f"{source}: the class name {name!r} has no letters; give it a name")
        if not name.isprintable():
            raise GoproError(
                f"{source}: the class name {name!r} holds characters that can't be printed; "
                "rename the class"
            )
        other = seen.setdefault(words.casefold(), name)
        if other is not name:
            raise GoproError(
                f"{source}: two classes are named {other!r} and {name!r}, which read the same in "
                "a prompt; rename one or merge them"
            )
