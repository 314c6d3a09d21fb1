"""Every notebook runs, with one epoch on ``mini``; the nightly test runs it as it is."""

from __future__ import annotations

from pathlib import Path

import pytest

from run_notebook import NOTEBOOKS, run

BRIEFLY = """
from gopro import PromptClassifier

fit = PromptClassifier.fit
PromptClassifier.fit = lambda self, *given: fit(
    self.set_params(epochs=1, folds=2, backbone="mini"), *given
)
"""
"""The code is tested here, not the accuracy."""


@pytest.mark.parametrize("path", NOTEBOOKS, ids=[path.stem for path in NOTEBOOKS])
def test_notebook(path: Path, tmp_path: Path) -> None:
    run(path, tmp_path, BRIEFLY)
