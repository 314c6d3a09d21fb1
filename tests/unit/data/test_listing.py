"""Which entries of a folder count as sub-folders and images."""

from __future__ import annotations

from pathlib import Path

import pytest

from gopro.common.errors import GoproError
from gopro.data.listing import folders, pictures, pictures_in, relative_files


def test_ignores_hidden_and_other_files(tmp_path: Path) -> None:
    for name in ("b", "a", ".git"):
        (tmp_path / name).mkdir()
    for name in ("2.JPG", "10.png", "._1.jpg", "notes.txt", ".jpg", "x.JPEG"):
        (tmp_path / name).touch()
    assert folders(tmp_path) == ["a", "b"]
    assert pictures(tmp_path) == ["10.png", "2.JPG", "x.JPEG"]


def test_links_to_folders_are_followed(tmp_path: Path) -> None:
    inside, elsewhere = tmp_path / "photos" / "a", tmp_path / "elsewhere"
    for path in (inside / "real", elsewhere / "deep"):
        path.mkdir(parents=True)
        (path / "1.png").touch()
    (inside / "linked").symlink_to(elsewhere)
    (inside / "again").symlink_to(inside / "real")  # has a path without links
    (inside / "twice").symlink_to(elsewhere / "deep")
    for place in (inside, elsewhere / "deep"):  # loops
        (place / "loop").symlink_to(tmp_path)
        (place / "self").symlink_to(place)
    assert sorted(relative_files(inside)) == ["linked/deep/1.png", "real/1.png"]
    (tmp_path / "b").symlink_to(inside)  # a class folder may be a link itself
    assert sorted(relative_files(tmp_path / "b")) == ["linked/deep/1.png", "real/1.png"]
    (tmp_path / "only").mkdir()
    (tmp_path / "only" / "x").symlink_to(elsewhere)
    assert pictures_in(tmp_path / "only") == [tmp_path / "only" / "x" / "deep" / "1.png"]


def test_the_first_of_several_links_counts(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "1.png").touch()
    for name in ("z", "c", "m"):
        (tmp_path / "a" / name).mkdir(parents=True)
        (tmp_path / "a" / name / "link").symlink_to(tmp_path / "elsewhere")
    assert relative_files(tmp_path / "a") == ["c/link/1.png"]


def test_no_folder(tmp_path: Path) -> None:
    for look in (folders, pictures):
        with pytest.raises(GoproError, match=r"can't read folder .*gone \(No such file"):
            look(tmp_path / "gone")
