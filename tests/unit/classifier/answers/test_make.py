"""``gopro predict`` with files to make: a table, class folders, a page; stopped and continued."""

from __future__ import annotations

import csv
import json
import re
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from gopro import PromptClassifier
from gopro.classifier.answers import answer as answer_module
from gopro.classifier.answers import make as make_module
from gopro.classifier.answers.folders import ClassFolders
from gopro.common.errors import GoproError
from tiny_classifier import Given, Make
from tiny_run import CLASSES, Answer, Cli, write_photos


@pytest.fixture
def predict(cli: Cli, model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Run ``gopro predict`` on the saved model, in a new folder."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments: object) -> Answer:
        return cli("predict", model, *arguments, "--device", "cpu", "--workers", 1)

    return run


@pytest.fixture
def sure(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every answer is sure but those to ``00.png``."""
    ranked = answer_module.answer_each

    def answer_each(*arguments: Any) -> Iterator[answer_module.Answer]:
        for one in ranked(*arguments):
            unsure = Path(one.picture).name == "00.png"
            yield replace(one, unsure=unsure, mark="unsure" if unsure else "")

    monkeypatch.setattr(make_module, "answer_each", answer_each)


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def files(folder: Path) -> dict[str, bytes]:
    found = [path for path in folder.rglob("*") if path.is_file()]
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in found}


def test_the_table(predict: Any, photos: Path, model: Path, tmp_path: Path) -> None:
    (tmp_path / "empty.png").touch()
    answer = predict(photos, "empty.png", "--csv", "a.csv", "--top", 2, "--confidence", 0.3)
    assert answer.code == 2 and "1 of 49 images couldn't be read" in answer.err
    assert "the table is a.csv" in answer.out and "unreadable" in answer.out
    *good, bad = rows(tmp_path / "a.csv")
    assert list(bad) == [
        *("picture", "name", "probability", "unknown", "unsure", "set"),
        *("name_2", "probability_2", "sorted_to", "error"),
    ]
    classifier = PromptClassifier.load(model, device="cpu")
    paths = [row["picture"] for row in good]
    assert paths == [str(path) for path in sorted(photos.rglob("*.png"))]
    shares = classifier.predict_proba(paths)
    assert [row["name"] for row in good] == classifier.predict(paths).tolist()
    for row, share in zip(good, shares, strict=True):
        assert float(row["probability"]) == pytest.approx(share.max(), abs=1e-6)
        assert float(row["probability_2"]) == pytest.approx(sorted(share)[-2], abs=1e-6)
        assert row["unsure"] == ("yes" if share.max() < 0.3 else "no")
    assert (bad["picture"], bad["name"], bad["unsure"]) == ("empty.png", "", "")
    assert "is empty" in bad["error"]
    assert not list(tmp_path.glob("*.unfinished*"))
    assert "a.csv is there already" in predict(photos, "--csv", "a.csv").line


def test_a_stopped_command_is_not_continued_by_another(
    predict: Any, photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ranked = answer_module.answer_each

    def stop(*arguments: Any) -> Iterator[answer_module.Answer]:
        for number, one in enumerate(ranked(*arguments)):
            if number == 3:
                raise KeyboardInterrupt
            yield one

    given = (photos / "ant", "--csv", "a.csv")
    with monkeypatch.context() as stopping:
        stopping.setattr(make_module, "answer_each", stop)
        assert predict(*given).code == 130
    line = predict(*given, "--sort-into", "s").line
    assert "holds the answers of another model or with other options" in line
    others = sorted((photos / "ant").iterdir())[2:]
    answer = predict(*others, photos / "bee", "--csv", "a.csv")
    assert answer.code == 0, answer.err
    pictures = [row["picture"] for row in rows(tmp_path / "a.csv")]
    assert sorted(pictures) == sorted(map(str, [*others, *(photos / "bee").iterdir()]))


def test_a_folder_that_has_the_pictures_is_refused(
    predict: Any, photos: Path, tmp_path: Path, sure: None
) -> None:
    assert predict(photos / "ant", "--sort-into", "sorted").code == 0
    (tmp_path / "given").mkdir()
    (tmp_path / "given" / "link").symlink_to(tmp_path / "sorted")
    assert "sorted has some of the pictures" in predict("given", "--sort-into", "sorted").line


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


def test_a_stopped_command_continues(
    predict: Any, photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sure: None
) -> None:
    outputs = ("--csv", "a.csv", "--sort-into", "sorted", "--review", 2, "--top", 2)
    real, answered = make_module.answer_each, []

    def stopping(classifier: Any, paths: Any, asked: Any) -> Iterator[Any]:
        for one in real(classifier, paths, asked):
            if len(answered) == 20:
                raise KeyboardInterrupt
            answered.append(one.picture)
            yield one

    monkeypatch.setattr(make_module, "answer_each", stopping)
    stopped = predict(photos, *outputs)
    assert stopped.code == 130 and "the same command continues" in stopped.err
    assert len(files(tmp_path / "sorted")) == 20
    assert not (tmp_path / "a.csv").exists() and not (tmp_path / "review.html").exists()
    log = tmp_path / "a.csv.unfinished"
    with log.open("ab") as file:
        file.write(b'{"picture": "half a li')  # as a killed process leaves it
    line = predict(photos, *outputs, "--exact", "--classes", "yak,emu").line
    assert "answers of another model or with other options" in line
    remaining: list[str] = []

    def noting(classifier: Any, paths: Any, asked: Any) -> Iterator[Any]:
        remaining.extend(paths)
        return real(classifier, paths, asked)

    monkeypatch.setattr(make_module, "answer_each", noting)
    assert predict(photos, *outputs).code == 0
    everything = [str(path) for path in sorted(photos.rglob("*.png"))]
    assert remaining == [path for path in everything if path not in answered]
    assert len(remaining) == 28
    assert [row["picture"] for row in rows(tmp_path / "a.csv")] == everything
    assert len(files(tmp_path / "sorted")) == 48
    assert not log.exists()
    log.write_text(json.dumps({"model": "another"}) + "\n{}\n")
    assert "remove the file to start again" in predict(photos, *outputs).line


def test_a_command_that_failed_before_any_answer_leaves_nothing(
    predict: Any, photos: Path, tmp_path: Path
) -> None:
    line = predict(photos, "--csv", "a.csv", "--sets", 0.9).line
    assert "need a calibrated classifier" in line
    line = predict(photos, "--csv", "a.csv", "--sort-into", "s", "--classes", "a/b,a:b").line
    assert "would share the folder" in line
    assert not list(tmp_path.glob("a.csv*"))
    # one that was killed
    (tmp_path / "a.csv.unfinished").write_text(json.dumps({"model": "another"}) + '\n{"pictu')
    assert predict(photos / "ant", "--csv", "a.csv").code == 0
    assert len(rows(tmp_path / "a.csv")) == 12


def test_a_page_of_another_command_is_not_overwritten(
    predict: Any, photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = make_module.answer_each

    def stop(*arguments: Any) -> Iterator[answer_module.Answer]:
        yield next(real(*arguments))
        raise KeyboardInterrupt

    page = tmp_path / "review.html"
    page.write_text("mine")
    log = tmp_path / "a.csv.unfinished"
    log.write_text("{}\n")
    review = (photos / "ant", "--csv", "a.csv", "--review", 2)
    assert "review.html is there already" in predict(*review).line  # the log has no answers
    with monkeypatch.context() as stopping:
        stopping.setattr(make_module, "answer_each", stop)
        assert predict(photos / "ant", "--csv", "a.csv").code == 130
    assert "with other options" in predict(*review).line
    head, *answers = log.read_text().splitlines(keepends=True)
    about = {name: value for name, value in json.loads(head).items() if name != "review"}
    log.write_text("".join([json.dumps(about) + "\n", *answers]))
    assert "of an older gopro" in predict(*review).line
    assert page.read_text() == "mine"


def test_places_that_are_refused(predict: Any, photos: Path, tmp_path: Path) -> None:
    mine = shutil.copytree(photos, tmp_path / "mine")
    assert "inside the pictures" in predict(mine, "--sort-into", mine / "sorted").line
    assert "inside the pictures" in predict(mine, "--sort-into", mine).line
    (tmp_path / "file").touch()
    assert "is a file" in predict(mine, "--sort-into", "file").line
    line = predict(mine, "--csv", "file/answers.csv").line
    assert "answers.csv" in line and "file is a file, not a folder" in line
    assert "--link without --sort-into" in predict(mine, "--link").line
    assert "give one of them" in predict(mine, "--csv", "a.csv", "--json").line
    assert "--review 0" in predict(mine, "--review", 0).line


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
