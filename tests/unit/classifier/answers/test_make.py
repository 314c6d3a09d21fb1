"""``gopro predict`` with files to make: a table, class folders, a page; stopped and continued."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gopro import PromptClassifier
from gopro.classifier.answers import answer as answer_module
from gopro.classifier.answers import make as make_module
from written import files, rows


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
