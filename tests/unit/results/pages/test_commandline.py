"""Commands as they are typed into a shell."""

from __future__ import annotations

import os

import pytest

from gopro.results.pages.commandline import command_line


@pytest.mark.parametrize(
    ("system", "command"),
    [
        ("posix", r"gopro fit 'C:\my photos' --out 'C:\model' --shots 4"),
        ("nt", r'gopro fit "C:\my photos" --out C:\model --shots 4'),
    ],
)
def test_paths_are_quoted_for_the_shell_of_the_system(
    monkeypatch: pytest.MonkeyPatch, system: str, command: str
) -> None:
    words = ["gopro", "fit", r"C:\my photos", "--out", r"C:\model"]
    with monkeypatch.context() as here:
        here.setattr(os, "name", system)
        line = command_line(words, {"shots": 4})
    assert line == command
