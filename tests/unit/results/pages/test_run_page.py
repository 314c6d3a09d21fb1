"""The page of a run from its record."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from gopro.data import Dataset
from gopro.methods.zeroshot import ZeroShotSettings
from gopro.results.pages import run_page
from gopro.results.run_record import RunRecord
from gopro.training.config import TrainSettings
from many_runs import make

NAMES = ("ant", "bee")


@pytest.mark.parametrize("sentence", ["a photo of a {}.", "a drawing of a {}."])
def test_zero_shot_with_other_sentences_is_compared(tmp_path: Path, sentence: str) -> None:
    results = make("zeroshot", settings={}, templates={"base": sentence})
    results["zeroshot"]["templates"] = {"base": "a photo of a {}."}
    answers = {"labels": [0, 1], "predicted": [0, 1], "zeroshot": [1, 1], "keys": ["1", "2"]}
    record = RunRecord(tmp_path, results, {"base": {"class_names": list(NAMES), **answers}}, [])
    method: Any = SimpleNamespace(loss_weights={})
    sets = {"base": Dataset("dtd", None, NAMES, (), (), ())}
    settings = TrainSettings(dataset="dtd", method="zeroshot")
    text = run_page.write(record, sets, method, settings, ZeroShotSettings(sentence)).read_text()
    assert ("Accuracy by class" in text) == ("drawing" in sentence)
    assert ("zeroshot corrected" in text) == ("drawing" in sentence)  # it wasn't trained
