"""Progress bars appear on terminals only."""

from __future__ import annotations

import pytest

from gopro.common.progress import bar


def test_prints_nothing_without_a_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    with bar("training", 3) as advance:
        advance("loss 1")
        advance("loss 2", 2)
    assert capsys.readouterr() == ("", "")


def test_shows_title_count_and_note_on_stderr(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {"FORCE_COLOR": "1", "COLUMNS": "120", "TERM": "xterm"}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("NO_COLOR", raising=False)
    with bar("training", 30, done=10) as advance:
        advance("epoch 2/3  ce 0.5", 5)
    out, err = capsys.readouterr()
    assert out == ""
    assert "training" in err and "15/30" in err and "ce 0.5" in err


def test_accepts_zero_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    with bar("nothing", 0) as advance:
        advance("")
