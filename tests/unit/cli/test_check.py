"""``gopro check``: everything wrong with a folder, in one go."""

from __future__ import annotations

import csv
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageFilter

from tiny_run import Cli


def _picture(seed: int, side: int = 96) -> Image.Image:
    """A random picture with shapes of several sizes and sharp edges."""
    rng = np.random.default_rng(seed)
    pixels = np.zeros((side, side, 3))
    for cells in (4, 8, 16):
        block = rng.integers(0, 85, (cells, cells, 3))
        pixels += np.kron(block, np.ones((side // cells, side // cells, 1)))
    return Image.fromarray(pixels.astype(np.uint8))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """10 good pictures of each of two classes."""
    root = tmp_path / "photos"
    for label, name in enumerate(("cat", "dog")):
        (root / name).mkdir(parents=True)
        for number in range(10):
            _picture(100 * label + number).save(root / name / f"{number}.png")
    return root


def _rows(out: Path) -> dict[str, list[dict[str, str]]]:
    rows: dict[str, list[dict[str, str]]] = {}
    with (out / "check.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            rows.setdefault(row["finding"], []).append(row)
    return rows


def test_nothing_is_found_in_a_good_folder(cli: Cli, folder: Path, tmp_path: Path) -> None:
    answer = cli("check", folder, "--out", tmp_path / "out", "--skip-labels")
    assert answer.code == 0, answer.err
    assert "20 images of 2 classes, 6 of them to measure on\nnothing was found" in answer.out
    assert _rows(tmp_path / "out") == {}
    assert "Nothing was found." in (tmp_path / "out" / "check.html").read_text(encoding="utf-8")


def test_every_kind_of_finding(cli: Cli, folder: Path, tmp_path: Path) -> None:
    cat, dog = folder / "cat", folder / "dog"
    whole = (cat / "0.png").read_bytes()
    (cat / "truncated.png").write_bytes(whole[: len(whole) // 2])
    (dog / "empty.jpg").touch()
    _picture(1).save(dog / "cat 1.jpg", quality=60)  # cat/1.png
    _picture(102).resize((64, 64)).save(dog / "2 again.png")
    _picture(103).save(dog / "3 again.png")
    Image.new("RGB", (96, 96), "white").save(cat / "blank.png")
    coloured = np.full((96, 96, 3), (120, 240, 240), dtype=np.uint8)  # in grey it were blank
    coloured[::8, :, :] = coloured[:, ::8, :] = (240, 185, 220)
    Image.fromarray(coloured).save(dog / "coloured.png")
    _picture(50).point(lambda value: value // 8).save(cat / "dark.png")
    _picture(51).filter(ImageFilter.GaussianBlur(4)).save(cat / "blurred.png")
    _picture(52, 32).save(cat / "tiny.png")
    (folder / "007").mkdir()
    _picture(53).save(folder / "007" / "a.png")
    _picture(54).save(folder / "stray.png")
    (cat / "new.MOV").touch()
    (cat / "notes.txt").touch()
    before = sorted(folder.rglob("*"))
    answer = cli("check", folder, "--out", tmp_path / "out", "--skip-labels")
    assert answer.code == 0, answer.err
    rows = _rows(tmp_path / "out")
    pictures = {kind: sorted(row["picture"] for row in found) for kind, found in rows.items()}
    copies = pictures.pop("copies", []) + pictures.pop("held out", [])
    assert sorted(copies) == ["dog/2 again.png", "dog/2.png", "dog/3 again.png", "dog/3.png"]
    assert pictures == {
        "unreadable": ["cat/truncated.png", "dog/empty.jpg"],
        "several classes": ["cat/1.png", "dog/cat 1.jpg"],
        "blank": ["cat/blank.png"],
        "dark": ["cat/dark.png"],
        "blurred": ["cat/blurred.png"],
        "tiny": ["cat/tiny.png"],
        "few": [""],
        "unbalanced": [""],
        "numbers": [""],
        "beside": ["stray.png"],
        "other files": ["", ""],
    }
    assert rows["several classes"][0]["others"] == "dog/cat 1.jpg"
    assert {row["detail"] for row in rows["other files"]} == {"1 .mov", "1 .txt"}
    page = (tmp_path / "out" / "check.html").read_text(encoding="utf-8")
    for words in ("The same picture in several classes", "truncated.png", "data:image/jpeg"):
        assert words in page
    assert "Unreadable pictures" in answer.out and "check.csv" in answer.out
    assert sorted(folder.rglob("*")) == before
    assert (
        cli("check", folder, "--out", tmp_path / "out", "--skip-labels").code == 0
    )  # replaces its own files


def test_pictures_beside_the_class_folders_of_a_part(
    cli: Cli, folder: Path, tmp_path: Path
) -> None:
    inside = folder / "train" / "train"  # as some archives are packed
    inside.mkdir(parents=True)
    for name in ("cat", "dog"):
        shutil.move(folder / name, inside / name)
        (folder / "test" / name).mkdir(parents=True)
        for number in (8, 9):
            (inside / name / f"{number}.png").rename(folder / "test" / name / f"{number}.png")
    lost = ["stray.png", "test/lost.png", "train/lost.png", "train/train/lost.png"]
    for number, key in enumerate(lost):
        _picture(60 + number).save(folder / key)
    answer = cli("check", folder, "--out", tmp_path / "out", "--skip-labels")
    assert answer.code == 0, answer.err
    assert [row["picture"] for row in _rows(tmp_path / "out")["beside"]] == lost


def test_names_are_no_markup(cli: Cli, folder: Path, tmp_path: Path) -> None:
    _picture(70, 32).save(folder / "cat" / "IMG_1 [edited].jpg")
    (folder / "dog").rename(folder / "dog [old]")
    (folder / "dog [old]" / "[").mkdir()
    (folder / "dog [old]" / "[" / "x].jpg").touch()  # the key has [/x]
    answer = cli("check", folder, "--out", tmp_path / "out", "--skip-labels")
    assert answer.code == 0, answer.err
    assert "cat/IMG_1 [edited].jpg" in answer.out
    assert "dog [old]/[/x].jpg" in answer.out


def test_copies_across_the_line(cli: Cli, folder: Path, tmp_path: Path) -> None:
    for name in ("cat", "dog"):
        (folder / "train").mkdir(exist_ok=True)
        (folder / name).rename(folder / "train" / name)
        (folder / "test" / name).mkdir(parents=True)
        Image.open(folder / "train" / name / "4.png").save(folder / "test" / name / "x.bmp")
    assert cli("check", folder, "--out", tmp_path / "out", "--skip-labels").code == 0
    rows = _rows(tmp_path / "out")
    assert {row["picture"] for row in rows.pop("held out")} == {
        *("test/cat/x.bmp", "train/cat/4.png", "test/dog/x.bmp", "train/dog/4.png")
    }
    assert rows == {}


def test_places_that_are_refused(cli: Cli, folder: Path, tmp_path: Path) -> None:
    assert "is inside the photographs" in cli("check", folder, "--out", folder / "x").line
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").touch()
    assert "holds other things" in cli("check", folder, "--out", tmp_path / "mine").line
    assert "no folder" in cli("check", tmp_path / "absent").line
