"""Which entries of a folder count as sub-folders and images."""

from __future__ import annotations

from pathlib import Path

import pytest

from gopro.common.errors import GoproError
from gopro.data.listing import folders, pictures


def test_ignores_hidden_and_other_files(tmp_path: Path) -> None:
    for name in ("b", "a", ".git"):
        (tmp_path / name).mkdir()
    for name in ("2.JPG", "10.png", "._1.jpg", "notes.txt", ".jpg", "x.JPEG"):
        (tmp_path / name).touch()
    assert folders(tmp_path) == ["a", "b"]
    assert pictures(tmp_path) == ["10.png", "2.JPG", "x.JPEG"]


def test_no_folder(tmp_path: Path) -> None:
    for look in (folders, pictures):
        with pytest.raises(GoproError, match=r"can't read folder .*gone \(No such file"):
            look(tmp_path / "gone")
