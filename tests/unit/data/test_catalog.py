"""Data sets by name."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from gopro import data
from gopro.common.errors import GoproError
from gopro.data.catalog import KNOWN
from gopro.data.dataset import Item


def test_reads_the_benchmarks_layout(caltech_like: Path) -> None:
    read = data.load("caltech101", caltech_like)
    assert read.name == "caltech101"
    assert read.class_names == ("face", "leopard", "anchor")
    assert [len(part) for part in (read.train, read.val, read.test)] == [9, 3, 6]
    assert read.train[0] == Item("Faces/0.png", 0)
    assert read.open(read.train[0]).size == (8, 6)


def test_root_from_the_environment_or_the_current_folder(
    caltech_like: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GOPRO_DATA", str(caltech_like))
    assert data.load("caltech101").name == "caltech101"
    monkeypatch.delenv("GOPRO_DATA")
    assert data.default_root() == Path("data")


def test_the_message_names_the_missing_file(caltech_like: Path) -> None:
    with pytest.raises(GoproError, match=r"no folder .*nowhere/caltech-101: wanted .*--root"):
        data.load("caltech101", caltech_like / "nowhere")
    home = caltech_like / "caltech-101"
    (home / "split_zhou_Caltech101.json").rename(home / "other.json")
    with pytest.raises(GoproError, match="has no split_zhou_Caltech101"):
        data.load("caltech101", caltech_like)
    (home / "101_ObjectCategories").rename(home / "other")
    with pytest.raises(GoproError, match="has no 101_ObjectCategories"):
        data.load("caltech101", caltech_like)


def test_missing_picture(caltech_like: Path) -> None:
    (caltech_like / "caltech-101" / "101_ObjectCategories" / "anchor" / "2.png").unlink()
    with pytest.raises(GoproError, match=r"1 of the 18 pictures .* the first is anchor/2\.png"):
        data.load("caltech101", caltech_like)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("caltech", "did you mean caltech101"),
        ("zzz", "see `gopro data list`, or folder:PATH"),
        ("folder:", "without a path"),
        ("folder:/not/there", "no folder /not/there"),
        ("", "unknown data set ''"),
    ],
)
def test_unknown_names(name: str, message: str) -> None:
    with pytest.raises(GoproError, match=message):
        data.load(name)


def test_folder_by_name(
    tmp_path: Path, make_folder: Callable[[Path, Mapping[str, int]], Path]
) -> None:
    folder = make_folder(tmp_path / "my pets", {"cat": 4, "dog": 4})
    read = data.load(f"folder:{folder}", seed=5)
    assert read.name == "folder:my pets"
    assert "seed 5" in read.notes[0]


def test_every_name_has_a_description() -> None:
    listed = dict(data.names())
    assert {"caltech101", "world", "folder:PATH"} <= set(listed)
    assert all(about and "\n" not in about for about in listed.values())


def test_no_heavy_import() -> None:
    code = "import sys, gopro.data, gopro.data.tasks; print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_real_caltech101(caltech_root: Path) -> None:
    read = data.load("caltech101", caltech_root)
    assert [len(part) for part in (read.train, read.val, read.test)] == [4128, 1649, 2465]
    assert len(read.class_names) == 100
    assert read.class_names[:3] == ("face", "leopard", "motorbike")
    for item in read.test[::400]:
        image = read.open(item)
        assert image.mode == "RGB"
        assert min(image.size) == 112


def test_notes_fewer_pictures_than_published(caltech_like: Path) -> None:
    assert data.load("caltech101", caltech_like).notes == (
        "18 pictures are here, 8,242 were published",
    )


def test_present_sets(tmp_path: Path) -> None:
    for name in ("domain_net", "dtd", "caltech-101"):
        (tmp_path / name).mkdir()
    assert data.present(tmp_path) == ["caltech101", "dtd", "domainnet"]
    assert data.present(tmp_path / "gone") == []


def test_class_folders_as_a_set_of_the_catalog(
    tmp_path: Path, make_folder: Callable[[Path, Mapping[str, int]], Path]
) -> None:
    land = ("field", "forest", "grass", "industry", "parking_lot", "residential_area")
    home = make_folder(tmp_path / "RSSCN7", dict.fromkeys(land, 4))
    with pytest.raises(GoproError, match="has 6 class folders and 7 were wanted"):
        data.load("rsscn7", tmp_path)
    make_folder(home, {"river_or_lake": 4})
    read = data.load("rsscn7", tmp_path)
    assert read.name == "rsscn7" and read.class_names == (*land, "river_or_lake")
    assert [len(part) for part in (read.train, read.val, read.test)] == [14, 7, 7]
    assert read.notes[0] == "split generated 50/20/30 a class with seed 1"
    assert data.load("rsscn7", tmp_path, seed=2).train == read.train  # one split for all seeds


def test_every_entry_is_complete() -> None:
    assert len(KNOWN) == 23
    for name, known in KNOWN.items():
        assert known.size.classes > 1
        assert len(known.size.counts) in (1, 3)
        assert name == "world" or (known.licence and known.size.megabytes and known.folders)
        assert name == "world" or known.source.startswith("http")
        assert {*known.variants, *known.taken_from} <= set(KNOWN)
    folders = [folder.casefold() for known in KNOWN.values() for folder in set(known.folders)]
    assert len(set(folders)) == len(folders) - 3  # PACS, VLCS and RSSCN7 in two spellings


def test_docs_name_the_folder_of_every_set() -> None:
    page = Path(__file__).parents[3] / "docs" / "datasets.md"
    text = page.read_text(encoding="utf-8")
    for name, known in KNOWN.items():
        for part in (name, *known.folders):
            assert f"`{part}`" in text
        reader = getattr(known.read, "keywords", {})
        for part in (reader.get("split"), reader.get("images"), *reader.get("domains", ())):
            assert part in (None, "", ".") or part in text
