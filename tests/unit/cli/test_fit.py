"""``gopro fit``: from a folder to a classifier, and what it refuses before any work."""

from __future__ import annotations

import json
import re
import shlex
import shutil
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from gopro import PromptClassifier
from tiny_run import CLASSES, Cli, write_photos

Fit = Any


def test_from_a_folder_to_a_classifier(fit: Fit, photos: Path, tmp_path: Path) -> None:
    answer = fit(photos, tmp_path / "model", "--coop.n_ctx", 2)
    assert answer.code == 0, answer.err
    assert "48 images of 4 classes, 12 per class" in answer.out
    assert "train on 32 images for 2 epochs, then measure it on the 16 others" in answer.out
    assert re.search(r"the training takes about \d+ s\n", answer.out)
    assert "zero-shot CLIP" in answer.out
    classifier = PromptClassifier.load(tmp_path / "model", device="cpu")
    assert classifier.classes_.tolist() == sorted(CLASSES)
    assert classifier.options["n_ctx"] == 2  # type: ignore[index]
    about = json.loads((tmp_path / "model" / "classifier.json").read_text())
    assert about["measured"]["pictures"] == 16
    assert sum(about["training"]["pictures"].values()) == 32
    assert (
        "on 16 pictures that weren't trained on" in (tmp_path / "model" / "README.md").read_text()
    )


def test_a_method_without_epochs(cli: Cli, tiny: list[str], photos: Path, tmp_path: Path) -> None:
    options = ("--method", "linear_probe", "--folds", 0, "--workers", 1)
    answer = cli("fit", photos, "--out", tmp_path / "model", *tiny, *options)
    assert "train on 32 images, then measure it on the 16 others" in answer.out


def test_every_picture_when_asked(fit: Fit, tmp_path: Path) -> None:
    photos = write_photos(tmp_path / "few", count=1)
    answer = fit(photos, tmp_path / "model", "--all", "true")
    assert answer.code == 2  # a switch takes no value
    answer = fit(photos, tmp_path / "model", "--all")
    assert answer.code == 0, answer.err
    assert "train on 4 images for 2 epochs, no measurement" in answer.out
    assert "Nothing was measured" in (tmp_path / "model" / "README.md").read_text()


def test_a_folder_that_is_split_already(fit: Fit, tmp_path: Path) -> None:
    for part, count in (("train", 3), ("val", 2), ("test", 4)):
        write_photos(tmp_path / "set" / part, count=count, seed=count)
    answer = fit(tmp_path / "set", tmp_path / "model", "--select", "best")
    assert "train on 12 images for 2 epochs, then measure it on the 16 others" in answer.out
    history = json.loads((tmp_path / "model" / "classifier.json").read_text())["history"]
    assert "val_accuracy" in history[0]


def test_pictures_of_every_kind_and_other_files(fit: Fit, tmp_path: Path) -> None:
    folder = write_photos(tmp_path / "мои фото 写真", ["кот", "sea dog"], count=3)
    image = Image.open(folder / "кот" / "00.png")
    image.convert("CMYK").save(folder / "кот" / "cmyk.jpg")
    image.convert("L").save(folder / "кот" / "grey.png")
    image.convert("I").point(lambda value: value * 257).convert("I;16").save(
        folder / "кот" / "deep 16.png"
    )
    image.convert("RGBA").save(folder / "sea dog" / "clear.png")
    image.save(folder / "sea dog" / "moving.gif", save_all=True, append_images=[image])
    exif = Image.Exif()
    exif[0x0112] = 6
    image.save(folder / "sea dog" / "turned.jpg", exif=exif)
    (folder / "notes.txt").write_text("mine")
    (folder / "кот" / "new.MOV").touch()
    answer = fit(folder, tmp_path / "model")
    assert answer.code == 0, answer.err
    assert "12 images of 2 classes, 6 per class" in answer.out
    assert "ignored, no supported image format: 1 .txt, 1 .mov" in answer.out


@pytest.mark.parametrize(
    ("build", "more", "words"),
    [
        (lambda folder: folder.mkdir(), [], "no sub-folders"),
        (lambda folder: write_photos(folder, ["ant"]), [], "only the class 'ant'"),
        (lambda folder: write_photos(folder, ["ant", "Ant"]), [], "read the same"),
        (lambda folder: write_photos(folder, ["ant", "___"]), [], "no letters"),
        (lambda folder: write_photos(folder, count=1), [], "`gopro fit --all`"),
        (lambda folder: None, [], "no folder"),
        (write_photos, ["--epochs", -1], "epochs"),
        (write_photos, ["--method", "nonsense"], "no method 'nonsense'"),
        (write_photos, ["--coop.position", "top"], "position"),
        (write_photos, ["--backbone", "nonsense"], "no backbone"),
        (write_photos, ["--device", "cuda:99"], "device"),
        (write_photos, ["--ephocs", 3], "did you mean --epochs"),
        (write_photos, ["--shots", 99], "shots"),
        (write_photos, ["--workers", -1], "got --workers -1"),
    ],
)
def test_one_line_and_nothing_left(
    fit: Fit, tmp_path: Path, build: Any, more: list[object], words: str
) -> None:
    build(tmp_path / "set")
    assert words in fit(tmp_path / "set", tmp_path / "model", *more).line
    assert not (tmp_path / "model").exists()


def test_damaged_pictures_are_all_named_before_the_training(fit: Fit, tmp_path: Path) -> None:
    for part, count in (("train", 3), ("test", 2)):
        write_photos(tmp_path / "set" / part, count=count, seed=count)
    bad = [tmp_path / "set" / name for name in ("train/ant/00.png", "test/bee/01.png")]
    for path in bad:
        path.write_bytes(path.read_bytes()[:300])
    answer = fit(tmp_path / "set", tmp_path / "model")
    assert "2 of 20 images can't be read, all listed above" in answer.line
    assert "add --skip-bad" in answer.line
    assert all(f"can't read picture {path}" in answer.out for path in bad)
    assert "the training takes" not in answer.out
    assert not (tmp_path / "model").exists()
    answer = fit(tmp_path / "set", tmp_path / "model", "--skip-bad")
    assert answer.code == 0, answer.err
    assert "left out: 2 unreadable images" in answer.out
    assert "train on 11 images for 2 epochs, then measure it on the 7 others" in answer.out
    assert "--skip-bad" in (tmp_path / "model" / "page.html").read_text(encoding="utf-8")
    (tmp_path / "set" / "test" / "bee" / "00.png").write_bytes(b"")
    line = fit(tmp_path / "set", tmp_path / "other", "--skip-bad").line
    assert "class 'bee' has no readable images to test" in line


@pytest.mark.parametrize(
    ("more", "words"),
    [
        (["--backbone", "ViT-B-99"], "there is no backbone 'ViT-B-99'; did you mean ViT-B-"),
        (["--seed", 20240101123456], "got --seed 20240101123456; it must be at most 1000000000000"),
    ],
)
def test_wrong_settings_are_told_before_the_pictures_are_read(
    fit: Fit, tmp_path: Path, more: list[object], words: str
) -> None:
    photos = write_photos(tmp_path / "set")
    (photos / "ant" / "00.png").write_bytes(b"")
    answer = fit(photos, tmp_path / "model", *more)
    assert words in answer.line
    assert answer.out == ""


def test_the_line_before_the_training_counts_the_shots(fit: Fit, tmp_path: Path) -> None:
    answer = fit(write_photos(tmp_path / "set"), tmp_path / "model", "--shots", 2, "--folds", 0)
    assert "train on 8 of 32 images, 2 per class, for 2 epochs, then measure it" in answer.out


def test_a_train_folder_alone_is_used_completely(fit: Fit, tmp_path: Path) -> None:
    write_photos(tmp_path / "set" / "Training", count=10)
    answer = fit(tmp_path / "set", tmp_path / "model")
    assert "train on 28 images for 2 epochs, then measure it on the 12 others" in answer.out
    answer = fit(tmp_path / "set", tmp_path / "best", "--select", "best")
    assert "train on 20 images for 2 epochs, then measure it on the 12 others" in answer.out


def test_copies_of_training_pictures_are_not_measured_on(fit: Fit, tmp_path: Path) -> None:
    for part, count in (("train", 3), ("test", 2)):
        write_photos(tmp_path / "set" / part, count=count, seed=count)
    source = Image.open(tmp_path / "set" / "train" / "ant" / "00.png")
    source.resize((64, 64)).save(tmp_path / "set" / "test" / "ant" / "copy.png")
    answer = fit(tmp_path / "set", tmp_path / "model")
    assert answer.code == 0, answer.err
    assert "found: 1 both learned from and held out, 20 tiny; `gopro check" in answer.out
    title = " ".join(answer.out.split())
    assert "set, held out: 8 images; 1 more left out, the classifier was fitted on" in title
    measured = json.loads((tmp_path / "model" / "classifier.json").read_text())["measured"]
    assert (measured["pictures"], measured["left_out"]) == (8, 1)


def test_what_was_found_is_shown_by_the_command_that_is_named(
    cli: Cli, fit: Fit, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = write_photos(tmp_path / "my photos", count=10, side=64)
    shutil.copy(folder / "ant" / "00.png", tmp_path / "more.png")
    (tmp_path / "labels.csv").write_text("picture,label\nmore.png,yak\n")
    words = ("--seed", 7, "--corrections", tmp_path / "labels.csv")
    answer = fit(folder, tmp_path / "model", *words)
    assert answer.code == 0, answer.err
    named = re.search(r"found: 1 in several classes, 1 of the cl.*; `(.+)` shows them", answer.out)
    assert named is not None
    monkeypatch.chdir(tmp_path)
    answer = cli(*shlex.split(named[1])[1:], "--skip-labels")
    assert answer.code == 0, answer.err
    assert "41 images of 5 classes" in answer.out
    assert "The same picture in several classes │      1" in answer.out
    assert "Classes with few pictures" in answer.out
    assert "--seed 7" in named[1]


def test_help_is_short_and_complete(cli: Cli) -> None:
    for command, few, more in (
        ("fit", "--skip-bad", "--gopro.n_ctx"),
        ("train", "--seeds", "--views.crop_scale"),
        ("ablate", "--parts", "--gopro.n_ctx"),
        ("bench", "--methods", "--gopro.n_ctx"),
    ):
        short, everything = cli(command, "--help").out, cli(command, "--help-all").out
        assert few in short and more not in short and f"gopro {command} --help-all" in short
        assert few in everything and more in everything
        assert len(short.splitlines()) < 90


def test_a_student_learns_from_pictures_without_labels(
    fit: Fit, photos: Path, tmp_path: Path
) -> None:
    teacher, more = tmp_path / "teacher", write_photos(tmp_path / "more", ["mixed"], count=9)
    assert fit(photos, teacher).code == 0
    asked = ("--method", "promptkd", "--promptkd.teacher", teacher)
    answer = fit(photos, tmp_path / "model", *asked, "--unlabelled", more)
    assert answer.code == 0, answer.err
    assert "train on 9 images without their labels for" in answer.out
    classifier = PromptClassifier.load(tmp_path / "model", device="cpu")
    assert classifier.classes_.tolist() == sorted(CLASSES)
    assert classifier.predict([photos / "ant" / "00.png"])[0] in CLASSES
    assert f"--unlabelled {more}" in (tmp_path / "model" / "page.html").read_text()


def test_pictures_without_labels_that_cannot_be_used(
    fit: Fit, photos: Path, tmp_path: Path
) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    out, kd = tmp_path / "model", ("--method", "promptkd")
    answer = fit(photos, out, "--unlabelled", empty)
    assert "coop learns from labelled ones only; choose --method promptkd" in answer.line
    assert "learns from another classifier and got none" in fit(photos, out, *kd).line
    assert "has 0 pictures; wanted" in fit(photos, out, *kd, "--unlabelled", empty).line
