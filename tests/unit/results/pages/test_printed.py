"""What the terminal shows of a run: names come out as they are."""

from __future__ import annotations

import pytest

from gopro.results.pages.printed import print_run
from many_runs import make


def test_a_name_between_colons_is_no_emoji(capsys: pytest.CaptureFixture[str]) -> None:
    note = "folder:cat: split generated"
    results = make("coop", 1, dataset="folder:dog:", ours={"base": 70.0, "new": 60.0}, notes=[note])
    print_run(results)
    printed = capsys.readouterr().out
    assert f"note: {note}" in printed
    assert "folder:dog:" in " ".join(printed.split())
