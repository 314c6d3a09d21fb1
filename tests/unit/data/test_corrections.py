"""Corrections: labels of a person, put into a folder's data set and used by ``gopro fit``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from gopro import PromptClassifier
from gopro.cli import fitfolder
from gopro.common.errors import GoproError
from gopro.data import corrections
from gopro.data.folder import read_folder
from tiny_run import CLASSES, Cli, write_photos


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_photos(tmp_path / "photos", CLASSES[:2], count=4)


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    return write_photos(tmp_path / "outside", ["new"], count=4, seed=9) / "new"


def _table(path: Path, rows: list[tuple[object, str]]) -> Path:
    text = "".join(f'"{picture}","{label}"\r\n' for picture, label in rows)
    path.write_text(f"picture,label\r\n{text}", encoding="utf-8")
    return path


def _named(dataset: Any, items: Any) -> dict[str, str]:
    return {item.key: dataset.class_names[item.label] for item in items}


def test_labels_are_changed_added_and_left_out(folder: Path, outside: Path, tmp_path: Path) -> None:
    table = _table(
        tmp_path / "a.csv",
        [
            (folder / "ant" / "00.png", "Bee"),
            (folder / "ant" / "02.png", "ant"),
            ("photos/ant/01.png", ""),  # relative to the table
            (outside / "00.png", "ant"),
            (outside / "01.png", "wasp nest"),
            (outside / "02.png", ""),
            (outside / "03.png", "ant"),
        ],
    )
    later = _table(tmp_path / "b.csv", [(outside / "03.png", "bee")])
    before = read_folder(folder, hold_out=False)
    dataset = corrections.apply(before, corrections.read([table, later]))
    assert dataset.class_names == ("ant", "bee", "wasp nest")
    assert _named(dataset, dataset.train) == {
        **{f"ant/{number:02}.png": "ant" for number in (2, 3)},
        **{f"bee/{number:02}.png": "bee" for number in range(4)},
        "ant/00.png": "bee",
        (outside / "00.png").as_posix(): "ant",
        (outside / "01.png").as_posix(): "wasp nest",
        (outside / "03.png").as_posix(): "bee",
    }
    assert dataset.notes[-1] == (
        "corrections: 1 label corrected, 1 label confirmed, 1 picture left out, 3 pictures added, "
        "1 picture without a label not used"
    )


@pytest.mark.parametrize("opened", ["photos", "link"])
def test_pictures_are_recognised_through_links(folder: Path, tmp_path: Path, opened: str) -> None:
    (tmp_path / "link").symlink_to(folder)
    (tmp_path / "new.png").symlink_to(folder.parent / "other.png")
    (folder / "ant" / "00.png").rename(tmp_path / "other.png")
    (folder / "ant" / "00.png").symlink_to(tmp_path / "other.png")
    table = _table(
        tmp_path / "a.csv",
        [
            ("photos/ant/01.png", "ant"),
            ("link/ant/01.png", "bee"),  # the same picture
            ("link/ant/02.png", ""),
            ("new.png", "bee"),
        ],
    )
    dataset = corrections.apply(
        read_folder(tmp_path / opened, hold_out=False), corrections.read([table])
    )
    assert _named(dataset, dataset.train) == {
        "ant/00.png": "bee",
        "ant/01.png": "bee",
        "ant/03.png": "ant",
        **{f"bee/{number:02}.png": "bee" for number in range(4)},
    }
    assert dataset.notes[-1] == "corrections: 2 labels corrected, 1 picture left out"


def test_an_added_picture_keeps_its_path(folder: Path, outside: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(outside)
    shown = tmp_path / "link" / "00.png"
    rows: list[tuple[object, str]] = [(shown, "bee"), (folder / "ant" / "00.png", "bee")]
    table = _table(tmp_path / "a.csv", [*rows, ("link/01.png", "")])
    dataset = corrections.apply(read_folder(folder, hold_out=False), corrections.read([table]))
    assert dataset.train[-1].key == shown.as_posix()
    assert dataset.notes[-1] == (
        "corrections: 1 label corrected, 1 picture added, 1 picture without a label not used"
    )


def test_held_out_pictures_stay_held_out(folder: Path, tmp_path: Path) -> None:
    before = read_folder(folder)
    held_out = before.test[0]
    other = CLASSES[1 - held_out.label]
    table = _table(tmp_path / "a.csv", [(folder / held_out.key, other)])
    dataset = corrections.apply(before, corrections.read([table]))
    assert _named(dataset, dataset.test)[held_out.key] == other
    assert dataset.train == before.train


def test_a_fit_uses_them(
    cli: Cli, folder: Path, outside: Path, tiny: list[str], tmp_path: Path
) -> None:
    rows = [(outside / f"{number:02}.png", "wasp") for number in range(4)]
    table = _table(tmp_path / "a.csv", rows)
    usual = (*tiny, "--method", "coop", "--epochs", 1, "--all", "--out", tmp_path / "model")
    answer = cli("fit", folder, *usual, "--corrections", table)
    assert answer.code == 0, answer.err
    assert "note: corrections: 4 pictures added" in answer.out
    assert "12 images of 3 classes" in answer.out
    classifier = PromptClassifier.load(tmp_path / "model", device="cpu")
    assert classifier.class_names_ == ("ant", "bee", "wasp")
    assert "--corrections" in (tmp_path / "model" / "page.html").read_text(encoding="utf-8")


def test_a_class_must_keep_pictures_to_train_on(cli: Cli, tiny: list[str], tmp_path: Path) -> None:
    folder = write_photos(tmp_path / "photos", CLASSES[:3], count=4)
    before = read_folder(folder)
    rows: list[tuple[object, str]] = [
        (folder / item.key, "bee")
        for item in (*before.train, *before.val)
        if before.class_names[item.label] == "ant"
    ]
    table = _table(tmp_path / "a.csv", rows)
    usual = (*tiny, "--method", "coop", "--epochs", 1, "--out", tmp_path / "model")
    line = cli("fit", folder, *usual, "--corrections", table).line
    assert "class 'ant' no images to train on, and some to measure on; add images" in line
    assert not (tmp_path / "model" / "model.safetensors").exists()
    dataset = corrections.apply(before, corrections.read([table]))
    train, _, test = fitfolder.parts(dataset, folder, {"all": True, "select": "last"})
    assert set(train.labels) == {"ant", "bee", "cat"} and not test.pictures


def test_a_folder_must_keep_pictures(folder: Path, tmp_path: Path) -> None:
    table = _table(tmp_path / "a.csv", [(path, "") for path in folder.rglob("*.png")])
    with pytest.raises(GoproError, match="the corrections leave out all pictures"):
        corrections.apply(read_folder(folder), corrections.read([table]))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (None, "can't read the corrections"),
        ("path,name\na,b\n", "rows without picture and label"),
        ("picture,label\na.png\n", "rows without picture and label"),
        ("picture,label\nabsent.png,ant\n", "1 picture that can't be found"),
        (f"picture,label\n{'a' * 300}.png,ant\n", "1 picture that can't be found"),
        ("\udcff", "no CSV table"),
    ],
)
def test_tables_that_are_refused(tmp_path: Path, text: str | None, words: str) -> None:
    path = tmp_path / "a.csv"
    if text is not None:
        path.write_bytes(text.encode(errors="surrogateescape"))
    with pytest.raises(GoproError, match=words):
        corrections.read([path])


def test_labels_that_are_no_class_names(folder: Path, tmp_path: Path) -> None:
    table = _table(tmp_path / "a.csv", [(folder / "ant" / "00.png", "___")])
    with pytest.raises(GoproError, match="no letters"):
        corrections.apply(read_folder(folder), corrections.read([table]))


def test_a_class_typed_in_another_spelling_is_the_same(tmp_path: Path) -> None:
    folder = write_photos(tmp_path / "photos", ("Ka\u0308se", "sea_horse"), count=2)
    before = read_folder(folder, hold_out=False)
    pictures = [folder / item.key for item in before.train]
    typed = dict(zip(pictures, ["Sea Horse", "K\u00e4se"] * 2, strict=True))
    dataset = corrections.apply(before, typed)
    assert dataset.class_names == before.class_names
    assert [item.label for item in dataset.train] == [1, 0, 1, 0]
