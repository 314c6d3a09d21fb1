"""Accuracies, overall and per class."""

from __future__ import annotations

import dataclasses
import io
import json

import pytest
import torch
from rich.console import Console

from gopro.classifier.comparison import Comparison
from gopro.common.errors import GoproError


def test_counts() -> None:
    ours, plain = torch.tensor([0, 0, 1, 2, 2]), torch.tensor([0, 1, 0, 0, 2])
    result = Comparison.of(["ant", "[b]ee[/b]", "cat", "none"], [0, 0, 1, 2, 1], ours, plain)
    assert (result.pictures, result.accuracy, result.zero_shot) == (5, 80.0, 20.0)
    rows = [(row.name, row.pictures, row.accuracy, row.zero_shot) for row in result.classes]
    assert rows == [("ant", 2, 100, 50), ("[b]ee[/b]", 2, 50, 0), ("cat", 1, 100, 0)]
    assert json.loads(json.dumps(result.as_dict()))["classes"][0]["name"] == "ant"
    one = dataclasses.replace(result, unreadable=("a.jpg is empty",)).headline("title")
    assert one == "title: 5 images; 1 unreadable one left out"
    console = Console(file=io.StringIO(), width=100)
    console.print(result.table("title"))
    text = console.file.getvalue()  # type: ignore[attr-defined]
    assert "[b]ee[/b]" in text
    assert "80.0" in text


def test_nothing_to_measure_on() -> None:
    nothing = torch.tensor([])
    with pytest.raises(GoproError, match="no pictures"):
        Comparison.of(["a", "b"], [], nothing, nothing)
