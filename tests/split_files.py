"""Writes split files, as the CoOp benchmark has them."""

from __future__ import annotations

import json
from pathlib import Path

from gopro.data.splits import Split


def write_split(path: Path, split: Split) -> None:
    """Write class names and items as a split file for ``read_split``."""
    parts = {"train": split.train, "val": split.val, "test": split.test}
    rows = {
        part: [[item.key, item.label, split.class_names[item.label]] for item in items]
        for part, items in parts.items()
    }
    path.write_text(json.dumps(rows, ensure_ascii=False), encoding="utf-8")
