"""Class folders: ``gopro predict --sort-into``, and the names of the folders."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from gopro.classifier.answers import answer as answer_module
from gopro.classifier.answers import make as make_module
from gopro.classifier.answers.folders import ClassFolders
from gopro.common.errors import GoproError
from tiny_classifier import Given, Make
from tiny_run import CLASSES, Cli, write_photos
from written import files, rows


def test_sorted_into_class_folders(predict: Any, photos: Path, tmp_path: Path, sure: None) -> None:
    out = tmp_path / "sorted"
    for again in range(2):  # a second time nothing is copied
        table = tmp_path / f"{again}.csv"
        assert predict(photos, "--sort-into", "sorted", "--csv", table.name).code == 0
        copies = files(out)
        assert len(copies) == 48
        for row in rows(table):
            source, copy = Path(row["picture"]), tmp_path / row["sorted_to"]
            assert copy.read_bytes() == source.read_bytes()
            assert copy.stat().st_mtime == source.stat().st_mtime
            folder = "_unsure" if row["unsure"] == "yes" else row["name"]
            assert copy.parent == out / folder
        assert len([name for name in copies if name.startswith("_unsure/")]) == 4
    assert any(re.search(r" \([0-9a-f]{8}\)\.png$", name) for name in copies)


def test_none_of_these_and_unsure_answers_are_sorted_apart(
    cli: Cli, make: Make, given: Given, photos: Path, tmp_path: Path
) -> None:
    strange = write_photos(tmp_path / "strange", ["x", "y"], count=4, seed=9)
    others = sorted(strange.rglob("*.png"))
    model = make(folds=3).fit(*given).with_others(others).save(tmp_path / "model")
    paths = ("predict", model, photos / "ant", strange, "--device", "cpu", "--workers", 1)
    asked = ("--confidence", 0.3, "--sets", 0.9)
    out, table = tmp_path / "sorted", tmp_path / "a.csv"
    assert cli(*paths, *asked, "--sort-into", out, "--csv", table).code == 0
    printed = [json.loads(line) for line in cli(*paths, *asked, "--json").out.splitlines()]
    assert len(printed) == 20
    for row, one in zip(rows(table), printed, strict=True):
        assert row["picture"] == one["picture"]
        assert row["name"] == one["answers"][0]["name"]
        assert [row["unknown"], row["unsure"]] == [
            "yes" if one[name] else "no" for name in ("unknown", "unsure")
        ]
        assert row["set"] == ", ".join(one["set"])
        apart = one["unknown"] or one["unsure"]
        assert Path(row["sorted_to"]).parent == out / ("_unsure" if apart else row["name"])
    assert any(one["unknown"] for one in printed) and (out / "_unsure").is_dir()
    only_known = tmp_path / "only known"
    assert cli(*paths, "--sort-into", only_known).code == 0
    apart = [name for name in files(only_known) if name.startswith("_unsure/")]
    assert len(apart) == sum(one["unknown"] for one in printed)


def test_nothing_is_overwritten(predict: Any, photos: Path, tmp_path: Path, sure: None) -> None:
    for name in CLASSES:
        (tmp_path / "sorted" / name).mkdir(parents=True)
        (tmp_path / "sorted" / name / "01.png").write_bytes(b"mine")
    assert predict(photos / "ant" / "01.png", "--sort-into", "sorted").code == 0
    found = files(tmp_path / "sorted")
    assert [found[f"{name}/01.png"] for name in CLASSES] == [b"mine"] * 4
    (copy,) = (data for name, data in found.items() if re.search(r"01 \(.{8}\)", name))
    assert copy == (photos / "ant" / "01.png").read_bytes()


def test_other_pictures_later_make_no_second_copies(
    predict: Any, photos: Path, tmp_path: Path, sure: None
) -> None:
    order = [photos / name / "01.png" for name in CLASSES]
    for given in (order[1:], order, order[::-1]):
        assert predict(*given, "--sort-into", "sorted").code == 0
    copies = sorted(files(tmp_path / "sorted").values())
    assert copies == sorted(path.read_bytes() for path in order)


@pytest.mark.parametrize("link", [[], ["--link"]])
def test_a_better_model_says_which_pictures_are_in_two_folders(
    predict: Any,
    photos: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    link: list[str],
) -> None:
    real, moved = answer_module.answer_each, {"00.png": "bee"}

    def answer_each(*arguments: Any) -> Iterator[answer_module.Answer]:
        for one in real(*arguments):
            file = Path(one.picture).name
            mark = "unsure" if earlier and file == "02.png" else ""
            name = "ant" if earlier else moved.get(file, "ant")
            yield replace(one, ranked=((name, 1.0),), mark=mark)

    monkeypatch.setattr(make_module, "answer_each", answer_each)
    given = [photos / "ant" / f"0{number}.png" for number in range(3)]
    for earlier in (True, False):
        answer = predict(*given, "--sort-into", "sorted", *link)
        assert answer.code == 0
        assert ("stayed in another folder" in answer.err) == (not earlier)
    assert "2 images of an earlier command stayed in another folder of sorted" in answer.err
    found = sorted(files(tmp_path / "sorted"))
    assert found == ["_unsure/02.png", "ant/00.png", "ant/01.png", "ant/02.png", "bee/00.png"]


def test_links(predict: Any, photos: Path, tmp_path: Path, sure: None) -> None:
    for _ in range(2):
        assert predict(photos / "ant", "--sort-into", "sorted", "--link").code == 0
        links = [path for path in (tmp_path / "sorted").rglob("*.png") if path.is_symlink()]
        assert {link.resolve() for link in links} == set((photos / "ant").iterdir())
        assert len(links) == 12


@pytest.mark.parametrize(
    ("names", "folders"),
    [(["a/b", "c.", "..", "x:y"], ["a_b", "c", "_", "x_y"]), (["кот", "sea dog"], None)],
)
def test_class_names_that_are_no_folder_names(
    photos: Path, tmp_path: Path, names: list[str], folders: list[str] | None
) -> None:
    sorter = ClassFolders(tmp_path / "sorted", names)
    picture = str(photos / "ant" / "00.png")
    answers = [answer_module.Answer(picture, ((name, 1.0),)) for name in names]
    places = [Path(one.sorted_to) for one in sorter.sort_each(answers)]
    assert [place.parent.name for place in places] == (folders or names)
    assert {place.parent.parent for place in places} == {tmp_path / "sorted"}


@pytest.mark.parametrize("names", [["a/b", "a:b"], ["_unsure", "x"]])
def test_class_names_that_would_share_a_folder(tmp_path: Path, names: list[str]) -> None:
    with pytest.raises(GoproError, match="would share the folder"):
        ClassFolders(tmp_path, names)
