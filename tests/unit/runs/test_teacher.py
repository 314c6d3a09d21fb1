"""Runs that learn from another run, on pictures without labels."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from gopro.common.tensors import load_tensors
from gopro.data import load
from gopro.results import results_json
from tiny_run import CLASSES, Cli, write_photos

MORE = ("--method", "promptkd", "--promptkd.teacher")


@pytest.fixture
def teacher(train: Cli, tmp_path: Path) -> Path:
    """A finished run of CoOp on base-to-new."""
    answer = train(tmp_path / "teacher")
    assert answer.code == 0, answer.err
    return tmp_path / "teacher"


def test_a_student_of_a_run(train: Cli, cli: Cli, teacher: Path, tmp_path: Path) -> None:
    """All 24 training pictures and all 4 names, whatever the sample."""
    out = tmp_path / "student"
    answer = train(out, *MORE, teacher)
    assert answer.code == 0, answer.err
    assert "2 epochs of 24 images without labels, then tests" in answer.out
    weights, _ = load_tensors(out / "model.safetensors")
    assert weights["taught_text"].shape == (len(CLASSES), 16)
    assert results_json.read(out)["test"].keys() == {"base", "new"}
    again = cli("test", out)
    assert again.code == 0 and "differ" not in again.out
    rows = [json.loads(line) for line in (out / "metrics.jsonl").read_text().splitlines()]
    assert all(row["kd"] > 0 and "ce" not in row for row in rows)


def test_a_folder_of_pictures(train: Cli, teacher: Path, tmp_path: Path) -> None:
    more = write_photos(tmp_path / "more", ["mixed"], count=7)
    answer = train(tmp_path / "one", *MORE, teacher, "--unlabelled", more)
    assert answer.code == 0, answer.err
    assert "2 epochs of 7 images without labels" in answer.out
    few = ("--unlabelled", more, "--promptkd.pictures", 4, "--estimate")
    assert (
        "2 epochs of 4 images without labels" in train(tmp_path / "two", *MORE, teacher, *few).out
    )


def test_what_is_refused(train: Cli, teacher: Path, tmp_path: Path) -> None:
    out, empty = tmp_path / "no", tmp_path / "empty"
    empty.mkdir()
    missing = train(out, "--method", "promptkd").line
    assert "promptkd learns from another model and got none; give --promptkd.teacher" in missing
    assert "holds no finished run" in train(out, *MORE, empty).line
    assert "has 0 pictures; wanted" in train(out, *MORE, teacher, "--unlabelled", empty).line
    refused = train(out, "--unlabelled", empty).line
    assert "coop learns from labelled pictures only; choose --method promptkd" in refused
    others = write_photos(tmp_path / "others", ("elk", "fox", "gnu", "hen"))
    stranger = train(out, *MORE, teacher, dataset=f"folder:{others}").line
    assert "trained on 'ant' and 1 other classes, and on none of these" in stranger
    alone = "PromptKD needs 2 or more images of a step in each process and gets 1; use more images"
    for few in (("--batch", 1), ("--batch", 8, "--processes", 8)):
        assert alone in train(out, *MORE, teacher, *few).line
    assert not out.exists()


def test_a_teacher_is_found_from_any_folder_and_in_a_new_place(
    train: Cli, cli: Cli, teacher: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    student, again = tmp_path / "student", tmp_path / "again"
    monkeypatch.chdir(tmp_path)
    answer = train(student, *MORE, "teacher", "--epochs", 1)
    assert answer.code == 0, answer.err
    monkeypatch.chdir(student)
    assert "differ" not in cli("test", student).out
    new = teacher.rename(tmp_path / "elsewhere")
    assert "holds no finished run" in cli("test", student).line
    answer = cli("test", student, "--teacher", new)
    assert answer.code == 0 and "differ" not in answer.out
    for _ in range(2):  # trained, then compared only
        answer = cli("rerun", student, "--teacher", new, "--out", again)
        assert answer.code == 0, answer.err
    line = cli("test", new, "--teacher", new).line
    assert "coop learns from no other model; leave it out" in line


def test_damaged_pictures_without_labels_are_named(
    train: Cli, teacher: Path, tmp_path: Path
) -> None:
    more = write_photos(tmp_path / "more", ["mixed"], count=7)
    (more / "mixed" / "03.png").write_bytes(b"no picture")
    student = (tmp_path / "student", *MORE, teacher, "--unlabelled", more)
    assert "03.png" in train(*student).line
    (more / "mixed" / "05.png").write_bytes(b"no picture")
    line = train(*student).line
    # 7 pictures, 8 to validate and 16 to test
    assert "2 of 31 pictures can't be read" in line and "03.png" in line and "05.png" in line


def test_a_damaged_picture_of_a_class_that_is_not_sampled(
    train: Cli, teacher: Path, photos: Path, tmp_path: Path
) -> None:
    """A student sees the training pictures of all classes, not only the sample's."""
    damaged = tmp_path / "animals"
    shutil.copytree(photos, damaged)
    data = f"folder:{damaged}"
    broken = [item.key for item in load(data).train if item.key.startswith("cat")][:2]
    for key in broken:
        (damaged / key).write_bytes(b"no picture")
    line = train(tmp_path / "student", *MORE, teacher, dataset=data).line
    # 24 to train on, 4 of the 8 to validate among them, and 16 to test
    assert "2 of 44 pictures can't be read" in line and all(key in line for key in broken)
