"""``gopro fit``: from a folder to a classifier, and what it refuses before any work."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from gopro import PromptClassifier
from tiny_run import CLASSES, Answer, Cli, write_photos

Fit = Any


@pytest.fixture
def fit(cli: Cli, tiny: list[str]) -> Fit:
    """Run ``gopro fit`` with CoOp for 2 epochs."""

    def run(folder: Path, out: Path, *more: object) -> Answer:
        usual = ["--method", "coop", "--epochs", 2, "--batch", 8, "--workers", 1]
        return cli("fit", folder, "--out", out, *tiny, *usual, *more)

    return run


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
        write_photos(tmp_path / "set" / part, count=count)
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
    (folder / "кот" / "new.HEIC").touch()
    answer = fit(folder, tmp_path / "model")
    assert answer.code == 0, answer.err
    assert "12 images of 2 classes, 6 per class" in answer.out
    assert "ignored, no supported image format: 1 .txt, 1 .heic" in answer.out


@pytest.mark.parametrize(
    ("build", "more", "words"),
    [
        (lambda folder: folder.mkdir(), [], "no sub-folders"),
        (lambda folder: write_photos(folder, ["ant"]), [], "only the class 'ant'"),
        (lambda folder: write_photos(folder, ["ant", "Ant"]), [], "read the same"),
        (lambda folder: write_photos(folder, ["ant", "___"]), [], "no letters"),
        (lambda folder: write_photos(folder, count=1), [], "at least 2"),
        (lambda folder: None, [], "no folder"),
        (write_photos, ["--epochs", -1], "epochs"),
        (write_photos, ["--method", "nonsense"], "no method 'nonsense'"),
        (write_photos, ["--coop.position", "top"], "position"),
        (write_photos, ["--backbone", "nonsense"], "no backbone"),
        (write_photos, ["--device", "cuda:99"], "device"),
        (write_photos, ["--ephocs", 3], "did you mean --epochs"),
        (write_photos, ["--shots", 99], "shots"),
    ],
)
def test_one_line_and_nothing_left(
    fit: Fit, tmp_path: Path, build: Any, more: list[object], words: str
) -> None:
    build(tmp_path / "set")
    assert words in fit(tmp_path / "set", tmp_path / "model", *more).line
    assert not (tmp_path / "model").exists()


def test_a_damaged_picture_is_named(fit: Fit, tmp_path: Path) -> None:
    folder = write_photos(tmp_path / "set", count=3)
    (folder / "ant" / "00.png").write_bytes(b"")
    assert "00.png is empty" in fit(folder, tmp_path / "model").line
    assert not (tmp_path / "model").exists()


def test_a_place_that_is_taken(
    cli: Cli, fit: Fit, photos: Path, model: Path, tmp_path: Path
) -> None:
    assert "holds a classifier already" in fit(photos, model).line
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "thesis.txt").touch()
    assert "holds other things" in fit(photos, tmp_path / "other").line
    assert "is a file" in fit(photos, tmp_path / "other" / "thesis.txt").line
    assert "can't write into" in fit(photos, tmp_path / "other" / "thesis.txt" / "x").line
    assert "got no --out; wanted a new folder" in cli("fit", photos).line


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_place_that_may_not_be_written(fit: Fit, photos: Path, tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    assert "can't write into" in fit(photos, tmp_path / "model").line


def test_what_a_killed_saving_left_is_in_nobodys_way(
    fit: Fit, photos: Path, tmp_path: Path
) -> None:
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / ".classifier.json.x1y2.tmp").write_text("{")
    assert fit(photos, tmp_path / "model").code == 0
    assert not list((tmp_path / "model").glob(".*"))


def test_a_training_that_stops_being_numbers(fit: Fit, photos: Path, tmp_path: Path) -> None:
    line = fit(photos, tmp_path / "model", "--lr", 1e38, "--precision", "bf16").line
    assert "is not finite" in line or "is nan" in line or "is inf" in line
    assert "in epoch 2, step " in line and ".png" in line
    assert line.endswith("; use --precision fp32 or a lower --lr: nothing was kept")
    assert not (tmp_path / "model").exists()
