"""The benchmark of many pictures: every one is answered, and a figure printed."""

from __future__ import annotations

from pathlib import Path

import pytest
from benchmarks import many


def test_memory(
    model: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(words: list[str], log: Path, answers: int) -> int:
        assert (words[0], log.name, answers) == ("predict", "a.csv.unfinished", 6)
        return 6

    monkeypatch.setattr(many, "killed", killed)  # it starts another process
    many.main([str(model), "--count", "60"])
    said = capsys.readouterr().out
    assert said.startswith("killed after 6 pictures; the same command answered the other 54 in ")
    assert "the table has all 60; memory grew by " in said
