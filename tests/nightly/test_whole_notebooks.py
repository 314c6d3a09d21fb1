"""Every notebook as it is, in the time that it promises a reader, and some more."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from run_notebook import NOTEBOOKS, run

pytestmark = pytest.mark.nightly


@pytest.mark.parametrize("path", NOTEBOOKS, ids=[path.stem for path in NOTEBOOKS])
def test_notebook(path: Path, tmp_path: Path) -> None:
    started = time.monotonic()
    run(path, tmp_path)
    assert time.monotonic() - started < 240
