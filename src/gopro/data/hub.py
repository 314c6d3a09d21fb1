"""Image-classification data sets of the Hugging Face hub, or of a local folder in its layout."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from PIL import Image

from gopro.common.errors import GoproError
from gopro.common.files import expanded
from gopro.data.dataset import Dataset, Item, check_class_names
from gopro.data.images import convert_image, one_line_errors
from gopro.data.random_splits import complete

_VALIDATION = ("validation", "val", "valid", "dev")
_LABELS = ("label", "labels")
"""Preferred label columns when there are several."""


def read_hub(name: str, seed: int = 1) -> Dataset:
    """Read ``owner/name`` of the hub, or a local folder, with the ``datasets`` library.

    Without a test split, the validation split is the test split; without both, each class is split
    50/20/30. No code of the data set is run.

    Args:
        name: As ``datasets.load_dataset`` takes it.
        seed: Seed of the split, when the data set has none.

    Raises:
        GoproError: When ``datasets`` isn't installed, the data set can't be read, or it has no
            column of images or of class labels.
    """
    try:
        import datasets
    except ImportError as error:
        raise GoproError("hf:NAME needs more: pip install 'gopro-clip[hub]'") from error
    path = expanded(name)
    if name.startswith((".", "/", "~")) and not path.is_dir():
        raise GoproError(f"no folder {path}: wanted one that `datasets` can read")
    try:
        tables: Any = datasets.load_dataset(  # nosec B615  # a name means its newest revision
            str(path) if path.is_dir() else name
        )
    except Exception as error:  # the library and the network raise almost anything
        line = (str(error).strip().splitlines() or [type(error).__name__])[0][:200]
        raise GoproError(
            f"can't read the Hugging Face data set {name} ({line}); check its name and the network"
        ) from error
    image, label, class_names, note = _columns(tables, name, datasets)
    check_class_names(class_names, f"data set {name}")
    items = {
        split: _items(table, split, label, len(class_names)) for split, table in tables.items()
    }
    parts, notes = _parts({split: rows for split, rows in items.items() if rows}, name, seed)

    def draw(key: str) -> Image.Image:
        split, _, number = key.rpartition("/")
        with one_line_errors(f"{name}, {key}"):  # the library decodes it
            picture = tables[split][int(number)][image]
        return convert_image(picture, f"{name}, {key}")

    return Dataset(
        name=f"hf:{path.resolve().name if path.is_dir() else name}",
        root=None,
        class_names=class_names,
        train=parts.get("train", ()),
        val=parts.get("val", ()),
        test=parts.get("test", ()),
        notes=tuple(filter(None, (note, *notes))),
        draw=draw,
        source=str(path.resolve()) if path.is_dir() else "",
    )


def _columns(tables: Any, name: str, datasets: Any) -> tuple[str, str, tuple[str, ...], str]:
    """Image column, label column, class names, and a note on the label column, if any."""
    features = next(iter(tables.values())).features
    images = [key for key, kind in features.items() if isinstance(kind, datasets.Image)]
    labels = [key for key, kind in features.items() if isinstance(kind, datasets.ClassLabel)]
    if not images or not labels:
        missing = "pictures" if not images else "class labels"
        raise GoproError(
            f"the data set {name} has no column of {missing} (it has {', '.join(features)}); "
            "wanted one for image classification"
        )
    label = next((key for key in _LABELS if key in labels), labels[0])
    note = f"labels from the column {label!r}" if len(labels) > 1 else ""
    return images[0], label, tuple(features[label].names), note


def _items(table: Any, split: str, label: str, classes: int) -> tuple[Item, ...]:
    """A split's items; empty when its labels aren't published (-1)."""
    values: Sequence[int | None] = table[label]
    items = [
        Item(f"{split}/{number}", value)
        for number, value in enumerate(values)
        if value is not None and 0 <= value < classes
    ]
    return tuple(sorted(items, key=lambda item: item.label))


def _parts(
    items: dict[str, tuple[Item, ...]], name: str, seed: int
) -> tuple[dict[str, tuple[Item, ...]], list[str]]:
    """Train, val and test items, and notes on how they were chosen."""
    test = "test" if "test" in items else None
    val = next((split for split in _VALIDATION if split in items), None)
    others = [split for split in items if split not in (test, val)]
    train = "train" if "train" in items else next(iter(others), None)
    if train is None:
        raise GoproError(
            f"the data set {name} has no split to learn from (it has {', '.join(items) or 'none'})"
        )
    notes = [] if train == "train" else [f"trained on the split {train!r}"]
    if test is None and val is None:
        drawn, note = complete({"all": items[train]}, seed)
        return drawn, [*notes, note]
    if test is None:
        assert val is not None
        notes.append(f"no test split: tested on {val}")
        return {"train": items[train], "test": items[val]}, notes
    parts = {"train": items[train], "test": items[test]}
    return parts | ({"val": items[val]} if val else {}), notes
