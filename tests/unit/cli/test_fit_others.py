"""``gopro fit``: pictures of no known class, and what calibration needs."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from gopro import PromptClassifier
from tiny_run import Cli, write_photos

Fit = Any


def test_calibrated_with_pictures_of_no_class(fit: Fit, photos: Path, tmp_path: Path) -> None:
    others = write_photos(tmp_path / "others", ["x", "y"], count=3, seed=5)
    answer = fit(photos, tmp_path / "model", "--folds", 2, "--others", others)
    assert answer.code == 0, answer.err
    (line,) = [line for line in answer.out.splitlines() if line.startswith("shares calibrated on")]
    assert "shares calibrated on 32 images by cross-validation" in line
    assert "calibration error 0." in line
    assert f"--others {others}" in (tmp_path / "model" / "page.html").read_text(encoding="utf-8")
    calibration = PromptClassifier.load(tmp_path / "model", device="cpu").calibration_
    assert calibration is not None
    assert calibration.classes.count == 6
    assert "<h2>Confidence</h2>" in (tmp_path / "model" / "page.html").read_text()
    empty = tmp_path / "empty"
    empty.mkdir()
    assert "found no images in" in fit(photos, tmp_path / "new", "--others", empty).line


def test_others_that_cannot_be_used_are_told_before_the_training(
    fit: Fit, photos: Path, tmp_path: Path
) -> None:
    others = write_photos(tmp_path / "others", ["x"], count=3, seed=5)

    def refused(*more: object, folder: Path = photos) -> str:
        answer = fit(folder, tmp_path / "model", "--folds", 2, "--others", others, *more)
        assert "the training takes" not in answer.out
        assert not (tmp_path / "model").exists()
        return str(answer.line)

    assert "needs calibration, and there is none: --folds 0; change" in refused("--folds", 0)
    few = write_photos(tmp_path / "few", count=2)
    (few / "bee" / "01.png").unlink()
    assert "only one training picture of class 'bee'" in refused("--all", folder=few)
    assert "only one training picture of class 'ant', 'bee'" in refused("--shots", 1)
    kd = ("--method", "promptkd", "--promptkd.teacher", tmp_path)
    assert "there is none: the method learns without labels" in refused(*kd)
    (others / "x" / "00.png").write_bytes(b"")
    assert "1 of 3 images can't be read, all listed above" in refused()
    (others / "x" / "01.png").unlink()
    assert "got 1 readable image in --others; wanted at least 2" in refused("--skip-bad")
    shutil.copy(few / "cat" / "00.png", others / "x" / "04.png")
    line = refused("--skip-bad", "--all", folder=write_photos(tmp_path / "full", count=2))
    assert f"1 of 2 images in --others are also training images, such as {others / 'x'}" in line


def test_unreadable_others_are_left_out(fit: Fit, photos: Path, tmp_path: Path) -> None:
    others = write_photos(tmp_path / "others", ["x"], count=3, seed=5)
    (others / "x" / "00.png").write_bytes(b"")
    answer = fit(
        photos, tmp_path / "model", "--folds", 2, "--others", others, "--shots", 2, "--skip-bad"
    )
    assert answer.code == 0, answer.err
    assert "left out: 1 unreadable image of --others" in answer.out
    assert "set with 2 examples" in answer.out


def test_a_class_with_one_picture_is_named_before_the_training(
    fit: Fit, cli: Cli, tiny: list[str], tmp_path: Path
) -> None:
    photos = write_photos(tmp_path / "set", count=2)
    (photos / "bee" / "01.png").unlink()
    answer = fit(photos, tmp_path / "model", "--all", "--folds", 2)
    assert answer.code == 0, answer.err
    why = "only one training picture of class 'bee'"
    note = answer.out.index(f"note: {why}: shares won't be calibrated")
    assert note < answer.out.index("the training takes")
    assert f"shares are not calibrated ({why}), and no image" in answer.out
    words = ("--method", "auto", "--workers", 1, "--all")
    answer = cli("fit", photos, "--out", tmp_path / "auto", *tiny, *words)
    assert answer.code == 0, answer.err
    assert "keep zero-shot CLIP, uncompared, no measurement" in answer.out
    assert f"{why}, which leaves none to compare on" in answer.out
    assert "note:" not in fit(photos, tmp_path / "asked", "--all").out  # --folds 0
