"""Fuzzes the reader of settings files; see ``harness.py``."""

from __future__ import annotations

from pathlib import Path

import atheris
from harness import fuzz

with atheris.instrument_imports(include=["gopro", "yaml"]):
    from gopro.cli import train
    from gopro.methods import configs

PARSER = train.parser()
FILES = configs.files()


def read(path: Path) -> None:
    """Read as ``gopro train world --config FILE`` does."""
    values, settings = train.read(lambda methods: PARSER, ["world", "--config", str(path)])
    train.options_of(settings.method, values)


if __name__ == "__main__":
    fuzz("settings", read, [file.read_bytes() for file in FILES])
