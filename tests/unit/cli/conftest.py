"""A fixture of the tests of ``gopro fit``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tiny_run import Answer, Cli


@pytest.fixture
def fit(cli: Cli, tiny: list[str]) -> Any:
    """Run ``gopro fit`` with CoOp for 2 epochs, without calibration."""

    def run(folder: Path, out: Path, *more: object) -> Answer:
        usual = ["--method", "coop", "--epochs", 2, "--batch", 8, "--workers", 1, "--folds", 0]
        return cli("fit", folder, "--out", out, *tiny, *usual, *more)

    return run
