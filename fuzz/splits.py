"""Fuzzes the reader of split files; see ``harness.py``."""

from __future__ import annotations

import json

import atheris
from harness import fuzz

with atheris.instrument_imports(include=["gopro"]):
    from gopro.data.splits import read_split

VALID = {
    "train": [["a/1.jpg", 0, "ant"], ["b/1.jpg", 1, "bee"]],
    "val": [["b/2.jpg", 1, "bee"]],
    "test": [["a/3.jpg", 0, "ant"]],
}

if __name__ == "__main__":
    fuzz("splits", read_split, [json.dumps(VALID).encode()])
