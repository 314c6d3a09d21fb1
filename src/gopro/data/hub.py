"""Image-classification data sets of the Hugging Face hub, or of a folder in one of its layouts."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from PIL import Image

from gopro.common.errors import GoproError
from gopro.data.dataset import Dataset, Item, check_class_names
from gopro.data.images import convert_image
from gopro.data.partition import complete

_TEST, _VALIDATION = ("test",), ("validation", "val", "valid", "dev")
_LABELS = ("label", "labels")
"""Columns that are taken for the label where several could be."""


def read_hub(name: str, seed: int = 1) -> Dataset:
    """Read ``NAME`` (``owner/name`` on the hub, or a folder here) through the ``datasets`` library.

    Without a test split, the validation split is what is tested on; without either, each class is
    split 50/20/30. No code of the data set is run.

    Args:
        name: As ``datasets.load_dataset`` takes it.
        seed: Draws the split where there is none.

    Raises:
        GoproError: When the extra isn't installed, the set can't be had, or it isn't one of
            pictures with a class each.
    """
    try:
        import datasets
    except ImportError as error:
        raise GoproError("hf:NAME needs more: pip install 'gopro[hub]'") from error
    path = Path(name).expanduser()
    if name.startswith((".", "/", "~")) and not path.is_dir():
        raise GoproError(f"no folder {path}: wanted one that `datasets` can read")
    try:
        found: Any = datasets.load_dataset(  # nosec B615  # the newest is what a name asks for
            str(path) if path.is_dir() else name
        )
    except Exception as error:  # the library and the network fail in many ways
        line = (str(error).strip().splitlines() or [type(error).__name__])[0][:200]
        raise GoproError(
            f"can't read the Hugging Face data set {name} ({line}); check its name and the network"
        ) from error
    image, label, class_names, note = _columns(found, name, datasets)
    check_class_names(class_names, f"data set {name}")
    given = {split: _items(table, split, label, len(class_names)) for split, table in found.items()}
    parts, notes = _parts({split: items for split, items in given.items() if items}, name, seed)

    def draw(key: str) -> Image.Image:
        split, _, number = key.rpartition("/")
        return convert_image(found[split][int(number)][image], f"{name}, {key}")

    return Dataset(
        name=f"hf:{path.resolve().name if path.is_dir() else name}",
        root=None,
        class_names=class_names,
        train=parts.get("train", ()),
        val=parts.get("val", ()),
        test=parts.get("test", ()),
        notes=tuple(filter(None, (note, *notes))),
        draw=draw,
    )


def _columns(found: Any, name: str, datasets: Any) -> tuple[str, str, tuple[str, ...], str]:
    """The picture's column, the label's, the class names, and what was decided."""
    features = next(iter(found.values())).features
    images = [key for key, kind in features.items() if isinstance(kind, datasets.Image)]
    labels = [key for key, kind in features.items() if isinstance(kind, datasets.ClassLabel)]
    if not images or not labels:
        what = "pictures" if not images else "class labels"
        raise GoproError(
            f"the data set {name} has no column of {what} (it has {', '.join(features)}); wanted "
            "one for image classification"
        )
    label = next((key for key in _LABELS if key in labels), labels[0])
    note = f"labels from the column {label!r}" if len(labels) > 1 else ""
    return images[0], label, tuple(features[label].names), note


def _items(table: Any, split: str, label: str, classes: int) -> tuple[Item, ...]:
    """A split's items; none where its labels are kept secret (-1)."""
    values: Sequence[int | None] = table[label]
    items = [
        Item(f"{split}/{number}", value)
        for number, value in enumerate(values)
        if value is not None and 0 <= value < classes
    ]
    return tuple(sorted(items, key=lambda item: item.label))


def _parts(
    given: dict[str, tuple[Item, ...]], name: str, seed: int
) -> tuple[dict[str, tuple[Item, ...]], list[str]]:
    test = next((split for split in _TEST if split in given), None)
    val = next((split for split in _VALIDATION if split in given), None)
    train = (
        "train"
        if "train" in given
        else next((split for split in given if split not in (test, val)), None)
    )
    if train is None:
        raise GoproError(
            f"the data set {name} has no split to learn from (it has {', '.join(given) or 'none'})"
        )
    notes = [] if train == "train" else [f"learned from the split {train!r}"]
    if test is None and val is None:
        drawn, note = complete({"all": given[train]}, seed)
        return drawn, [*notes, note]
    if test is None:
        assert val is not None
        return {"train": given[train], "test": given[val]}, [
            *notes,
            f"no test split: tested on {val}",
        ]
    parts = {"train": given[train], "test": given[test]}
    return parts | ({"val": given[val]} if val else {}), notes
