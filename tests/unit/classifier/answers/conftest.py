"""Fixtures of the commands with files to make."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from gopro.classifier.answers import answer as answer_module
from gopro.classifier.answers import make as make_module
from tiny_run import Answer, Cli


@pytest.fixture
def predict(cli: Cli, model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Run ``gopro predict`` on the saved model, in a new folder."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments: object) -> Answer:
        return cli("predict", model, *arguments, "--device", "cpu", "--workers", 1)

    return run


@pytest.fixture
def sure(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every answer is sure but those to ``00.png``."""
    ranked = answer_module.answer_each

    def answer_each(*arguments: Any) -> Iterator[answer_module.Answer]:
        for one in ranked(*arguments):
            unsure = Path(one.picture).name == "00.png"
            yield replace(one, unsure=unsure, mark="unsure" if unsure else "")

    monkeypatch.setattr(make_module, "answer_each", answer_each)
