"""``gopro predict``: whatever names pictures is answered, and the rest doesn't stop it."""

from __future__ import annotations

import io
import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from gopro import PromptClassifier
from tiny_classifier import Given, Make
from tiny_run import CLASSES, Answer, Cli


@pytest.fixture
def predict(cli: Cli, model: Path) -> Any:
    """Run ``gopro predict`` on the saved model."""

    def run(*arguments: object) -> Answer:
        return cli("predict", model, *arguments, "--device", "cpu", "--workers", 1)

    return run


def rows(answer: Answer) -> list[dict[str, Any]]:
    return [json.loads(line) for line in answer.out.splitlines()]


def test_one_picture(predict: Any, photos: Path) -> None:
    path = photos / "ant" / "00.png"
    answer = predict(path)
    assert (answer.code, answer.err) == (0, "")
    name, _, shares = answer.out.rstrip().rpartition(": ")
    assert name == str(path)
    assert len(shares.split(", ")) == 4
    assert {part.split()[0] for part in shares.split(", ")} == set(CLASSES)


def test_files_folders_and_patterns(predict: Any, photos: Path, model: Path) -> None:
    found = rows(predict(photos / "bee", photos / "*" / "01.png", "--json", "--batch", 5))
    wanted = [photos / "bee" / f"{number:02}.png" for number in range(12)]
    wanted += [photos / name / "01.png" for name in CLASSES]
    assert [row["picture"] for row in found] == [str(path) for path in wanted]
    classifier = PromptClassifier.load(model, device="cpu")
    assert [row["answers"][0]["name"] for row in found] == classifier.predict(wanted).tolist()
    for row in found:
        shares = [one["probability"] for one in row["answers"]]
        assert shares == sorted(shares, reverse=True)
        assert sum(shares) == pytest.approx(1, abs=1e-5)


def test_other_classes_and_fewer_answers(predict: Any, photos: Path) -> None:
    row = rows(
        predict(photos / "ant" / "00.png", "--json", "--classes", "yak, zebra,emu", "--top", 2)
    )[0]
    assert len(row["answers"]) == 2
    assert {one["name"] for one in row["answers"]} < {"yak", "zebra", "emu"}


def test_a_list_on_standard_input(
    predict: Any, photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    odd = tmp_path / "мой кот 猫.png"
    shutil.copy(photos / "ant" / "00.png", odd)
    text = f"{photos / 'ant' / '01.png'}\n\n{odd}\n"
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(text.encode())))
    found = rows(predict("-", "--json"))
    assert [row["picture"] for row in found] == [str(photos / "ant" / "01.png"), str(odd)]


def test_unreadable_pictures_are_named_and_the_others_answered(
    predict: Any, photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "empty.png").touch()
    (tmp_path / "text.jpg").write_text("no picture")
    Image.new("RGB", (300, 200)).save(tmp_path / "huge.png")
    monkeypatch.setattr("gopro.data.images.MAX_PIXELS", 50_000)
    good = photos / "ant" / "00.png"
    answer = predict(tmp_path, good, tmp_path / "absent.png", "--batch", 2)
    assert answer.code == 2
    lines = answer.err.splitlines()
    for line, words in zip(
        lines, ["is empty", "too large", "not a picture", "isn't there", "4 of 5"], strict=True
    ):
        assert line.startswith("gopro: ")
        assert words in line
    assert answer.out.startswith(f"{good}: ")
    assert len(answer.out.splitlines()) == 1
    found = rows(predict(tmp_path / "empty.png", good, "--json"))
    assert "is empty" in found[0]["error"]
    assert found[1]["answers"]


def test_unsure_answers_and_sets(
    predict: Any, cli: Cli, make: Make, given: Given, photos: Path, tmp_path: Path
) -> None:
    path = photos / "ant" / "07.png"
    assert ": unsure (" in predict(path, "--confidence", 1).out
    assert ": unsure (" not in predict(path, "--confidence", 0).out
    assert rows(predict(path, "--confidence", 1, "--json"))[0]["unsure"] is True
    assert "sets need a calibrated classifier" in predict(path, "--sets", 0.9).line
    folder = make(folds=3).fit(*given).save(tmp_path / "model")
    answer = cli("predict", folder, photos, "--sets", 0.9, "--json", "--device", "cpu")
    classifier = PromptClassifier.load(folder, device="cpu")
    paths = [row["picture"] for row in rows(answer)]
    unknown = classifier.is_unknown(paths).tolist()
    assert [row["unknown"] for row in rows(answer)] == unknown
    assert [set(row["set"]) for row in rows(answer)] == [
        set(names) for names in classifier.predict_sets(paths, 0.9)
    ]
    said = cli("predict", folder, photos, "--device", "cpu").out.splitlines()
    assert [": none of these (" in line for line in said] == unknown


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--classes", "yak,,emu"], "no letters"),
        (["--classes", "yak,Yak"], "read the same"),
        (["--top", 0], "--top 0"),
        (["--page", "p.html"], "got --page without --review"),
        (["--batch", 0], "--batch 0"),
        (["--confidence", 80], "wanted a share from 0 to 1"),
        (["--topp", 3], "did you mean --top"),
        (["--precision", "fp8"], "precision"),
    ],
)
def test_bad_options(predict: Any, photos: Path, arguments: list[object], words: str) -> None:
    assert words in predict(photos / "ant" / "00.png", *arguments).line


def test_no_model(cli: Cli, tmp_path: Path) -> None:
    assert "is no model" in cli("predict", tmp_path, "a.png").line


def test_files_that_are_left_out_are_told(predict: Any, photos: Path, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").touch()
    for name in ("a.mov", "b.MOV"):
        (tmp_path / name).touch()
    shutil.copy(photos / "ant" / "00.png", tmp_path / "ant.png")
    for given in (tmp_path, tmp_path / "*"):
        answer = predict(given)
        assert answer.code == 0
        assert answer.err == "gopro: left out, no supported image format: 2 .mov, 1 .txt\n"
        assert len(answer.out.splitlines()) == 1


def test_patterns_without_files_are_told(predict: Any, photos: Path, tmp_path: Path) -> None:
    answer = predict(tmp_path / "gone [1].png", photos / "ant" / "00.png", tmp_path / "none*.png")
    assert len(answer.out.splitlines()) == 1
    assert answer.err == "".join(
        f"gopro: found no files in {tmp_path / name}\n" for name in ("gone [1].png", "none*.png")
    )


def test_lists_end_at_line_breaks_alone(
    predict: Any, photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a\u2028b\x0c.png"
    shutil.copy(photos / "ant" / "00.png", path)
    lines = f"{path}\r\n\n{photos / 'ant' / '01.png'}".encode()
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(lines)))
    answer = predict("-")
    assert answer.code == 0 and answer.out.count(": ") == 2, answer.err


def test_the_exit_code_says_when_nothing_was_answered(predict: Any, tmp_path: Path) -> None:
    answer = predict(tmp_path / "*.png")
    assert answer.code == 3 and "found no images" in answer.err
    (tmp_path / "notes.txt").touch()
    answer = predict(tmp_path)
    assert answer.code == 3
    assert "1 .txt" in answer.err and "found no images" in answer.err
    (tmp_path / "empty.png").touch()
    answer = predict(tmp_path)
    assert answer.code == 3 and "1 of 1 image couldn't be read" in answer.err
