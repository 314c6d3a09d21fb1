"""``gopro evaluate``: accuracy, class by class, beside zero-shot CLIP."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from gopro import PromptClassifier
from tiny_classifier import Given, Make
from tiny_run import CLASSES, Answer, Cli, write_photos


@pytest.fixture
def evaluate(cli: Cli, model: Path) -> Any:
    """Run ``gopro evaluate`` on the saved model."""

    def run(*arguments: object) -> Answer:
        return cli("evaluate", model, *arguments, "--device", "cpu", "--workers", 1)

    return run


def test_the_table(evaluate: Any, photos: Path) -> None:
    answer = evaluate(photos)
    assert answer.code == 0, answer.err
    assert "model on animals" in answer.out
    for name in (*CLASSES, "all", "zero-shot CLIP"):
        assert name in answer.out


def test_the_numbers(evaluate: Any, photos: Path, model: Path) -> None:
    found = json.loads(evaluate(photos, "--include_fitted", "--json").out)
    classifier = PromptClassifier.load(model, device="cpu")
    assert found["accuracy"] == pytest.approx(100 * classifier.score(photos))
    assert found["zero_shot"] == pytest.approx(100 * classifier.zero_shot().score(photos))
    assert [row["name"] for row in found["classes"]] == sorted(CLASSES)
    assert found["pictures"] == sum(row["pictures"] for row in found["classes"]) == 48
    assert (found["left_out"], found["fitted_on"]) == (0, 24)


def test_pictures_it_was_fitted_on_are_left_out(
    evaluate: Any, photos: Path, model: Path, tmp_path: Path
) -> None:
    found = json.loads(evaluate(photos, "--json").out)
    assert (found["pictures"], found["left_out"], found["fitted_on"]) == (24, 24, 0)
    others = [path for path in sorted(photos.rglob("*.png")) if int(path.stem) >= 6]
    classifier = PromptClassifier.load(model, device="cpu")
    right = classifier.score(others, [path.parent.name for path in others])
    assert found["accuracy"] == pytest.approx(100 * right)
    title = " ".join(evaluate(photos).out.split())
    assert "model on animals: 24 images; 24 more left out, the classifier was fitted on" in title
    title = " ".join(evaluate(photos, "--include_fitted").out.split())
    assert "48 images, 24 OF THEM FITTED ON: no held-out figure" in title


def test_copies_under_other_names_are_recognised(
    evaluate: Any, photos: Path, tmp_path: Path
) -> None:
    for name in CLASSES:
        (tmp_path / "set" / name).mkdir(parents=True)
        image = Image.open(photos / name / "00.png")
        image.resize((64, 64)).save(tmp_path / "set" / name / "enlarged.bmp")
    line = evaluate(tmp_path / "set").line
    assert "was fitted on all 4 pictures, so they show nothing" in line
    assert "--include_fitted" in line


def test_a_model_that_does_not_know_its_pictures(
    cli: Cli, photos: Path, model: Path, tmp_path: Path
) -> None:
    copied = Path(shutil.copytree(model, tmp_path / "model"))
    (copied / "fitted.safetensors").unlink()
    answer = cli("evaluate", copied, photos, "--device", "cpu")
    title = " ".join(answer.out.split())
    assert "48 images; the classifier has no record of what it was fitted on" in title


@pytest.fixture(scope="session")
def calibrated(make: Make, given: Given, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a calibrated classifier."""
    return make(folds=3).fit(*given).save(tmp_path_factory.mktemp("calibrated") / "model")


def test_how_far_answers_can_be_trusted(
    cli: Cli, calibrated: Path, photos: Path, tmp_path: Path
) -> None:
    others = write_photos(tmp_path / "others", ["x", "y"], count=2, seed=3)
    asked = ["--confidence", 0.3, "--sets", 0.9, "--others", others, "--device", "cpu"]
    answer = cli("evaluate", calibrated, photos, *asked, "--page", tmp_path / "page.html")
    assert answer.code == 0, answer.err
    assert "How often answers of a confidence are right" in answer.out
    lines = answer.out.splitlines()[-4:]
    starts = (
        "calibration error 0.",
        "at confidence 0.3: answers ",
        "sets at 90 %: ",
        "4 images of",
    )
    assert all(line.startswith(start) for line, start in zip(lines, starts, strict=True))
    page = (tmp_path / "page.html").read_text()
    for words in ("<h2>Confidence</h2>", 'class="ideal"', "model on animals", lines[-1]):
        assert words in page
    assert f"gopro evaluate {calibrated} {photos} --confidence 0.3" in page
    found = json.loads(cli("evaluate", calibrated, photos, *asked, "--json").out)["confidence"]
    assert found["unknowns"]["pictures"] == 4
    assert found["sets"]["level"] == 0.9


def test_measures_that_a_model_does_not_have(evaluate: Any, photos: Path, tmp_path: Path) -> None:
    assert "calibration error" in evaluate(photos).out
    assert "sets need a calibrated classifier" in evaluate(photos, "--sets", 0.9).line
    assert "found no images in" in evaluate(photos, "--others", tmp_path).line
    assert "need a calibrated classifier" in evaluate(photos, "--others", photos).line
    assert "wanted a share from 0 to 1" in evaluate(photos, "--confidence", 80).line


def test_the_test_part_counts(evaluate: Any, tmp_path: Path) -> None:
    for part, count in (("train", 1), ("test", 2)):
        write_photos(tmp_path / part, count=count, seed=1)
    assert json.loads(evaluate(tmp_path, "--json").out)["pictures"] == 8


def test_classes_never_trained_on(evaluate: Any, tmp_path: Path) -> None:
    write_photos(tmp_path / "other", ["Ant", "yak", "zebra"], count=2)
    line = evaluate(tmp_path / "other").line
    assert "doesn't know the class 'yak' and 1 more" in line
    assert "--own_classes (the folder's) or --classes" in line
    page = ("--page", tmp_path / "page.html")
    own = json.loads(evaluate(tmp_path / "other", "--own_classes", "--json", *page).out)
    text = " ".join(page[1].read_text().split())
    assert "Learn 4 classes from 6 pictures of each: ant, bee, cat, dog." in text
    assert "Here it chooses among 3 names: Ant, yak, zebra." in text
    named = json.loads(evaluate(tmp_path / "other", "--classes", "Ant,yak,zebra", "--json").out)
    assert own == named
    assert "give one of them" in evaluate(tmp_path, "--own_classes", "--classes", "a,b").line


def test_folders_that_do_not_fit(evaluate: Any, tmp_path: Path) -> None:
    assert "no sub-folders" in evaluate(tmp_path).line
    assert "no folder" in evaluate(tmp_path / "absent").line
    write_photos(tmp_path / "set", count=2)
    (tmp_path / "set" / "ant" / "00.png").write_bytes(b"GIF89a")
    assert "00.png" in evaluate(tmp_path / "set").line
    (tmp_path / "set" / "dog" / "01.png").write_bytes(b"")
    line = evaluate(tmp_path / "set").line
    assert "2 of 8 pictures can't be read" in line and "00.png" in line and "01.png" in line


def test_unreadable_pictures_can_be_left_out(evaluate: Any, tmp_path: Path) -> None:
    write_photos(tmp_path / "set", count=3, seed=4)
    whole = json.loads(evaluate(tmp_path / "set", "--json").out)
    for name in ("ant", "dog"):
        (tmp_path / "set" / name / "00 broken.png").write_bytes(b"GIF89a")
    answer = evaluate(tmp_path / "set", "--skip-bad", "--json", "--batch", 2)
    assert answer.code == 0
    lines = answer.err.splitlines()
    assert len(lines) == 2
    assert all(line.startswith("gopro: can't read picture") for line in lines)
    measured = json.loads(answer.out)
    errors = [one.pop("confidence")["calibration_error"] for one in (measured, whole)]
    assert measured == {**whole, "unreadable": 2}
    assert errors[0] == pytest.approx(errors[1], abs=1e-6)
    title = " ".join(evaluate(tmp_path / "set", "--skip-bad").out.split())
    assert "12 images; 2 unreadable ones left out" in title
    for path in (tmp_path / "set").rglob("*.png"):
        path.write_bytes(b"")
    answer = evaluate(tmp_path / "set", "--skip-bad")
    assert answer.code == 2
    lines = answer.err.splitlines()
    assert "14 of 14 pictures can't be read" in lines[-1] and "and 4 more" in lines[-1]
    assert len(lines) == 5  # these four, and the rest in one line
