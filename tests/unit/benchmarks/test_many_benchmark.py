"""The benchmark of many pictures: every one is answered, and a figure printed."""

from __future__ import annotations

from pathlib import Path

import pytest
from benchmarks import many


def test_memory(model: Path, capsys: pytest.CaptureFixture[str]) -> None:
    many.main([str(model), "--count", "60"])
    said = capsys.readouterr().out
    assert said.startswith("60 pictures in ")
    assert "memory grew by " in said
