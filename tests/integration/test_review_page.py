"""The page for review in a real browser: clicked through, saved, and used by the next fit."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import browser
from gopro.classifier.answers import review
from gopro.classifier.answers.answer import Answer
from gopro.data import corrections
from gopro.data.folder import read_folder
from tiny_run import CLASSES


@pytest.fixture
def written(photos: Path, tmp_path: Path) -> Path:
    """The page of four pictures, one of each class, whose names have shares in another order."""
    answers = [
        Answer(
            str(photos / name / "00.png"),
            tuple((CLASSES[(place + shift) % 4], 0.4 - 0.1 * shift) for shift in range(4)),
        )
        for place, name in enumerate(CLASSES)
    ]
    path = tmp_path / "review.html"
    review.write(path, answers, CLASSES, "What is in these pictures?")
    return path


@pytest.fixture
def page(written: Path) -> Iterator[Any]:
    with browser.opened(written.as_uri()) as opened:
        yield opened


def test_clicked_through_and_saved(page: Any, photos: Path, tmp_path: Path) -> None:
    def place() -> str:
        return page.locator("#place").inner_text()

    assert place() == "Picture 1 of 4"
    assert page.locator("#save").is_disabled() and page.locator("#back").is_disabled()
    assert page.locator("#names button").all_inner_texts()[0].split() == ["ant", "40", "%"]
    page.locator("#names button", has_text="cat").click()
    assert place() == "Picture 2 of 4"
    page.keyboard.press("1")  # bee
    page.locator("#text").fill("sea horse")
    page.get_by_role("button", name="Use").click()
    page.get_by_role("button", name="None of these").click()
    assert place() == "Picture 4 of 4"
    assert page.locator("#count").inner_text() == "4 of 4 labelled"

    def remembered() -> bool:
        page.reload()
        return page.locator("[aria-pressed=true]").count() == 1

    # Chromium stores it a moment later, on a busy machine after the first reload
    assert any(remembered() for _ in range(20))
    assert place() == "Picture 1 of 4"
    assert page.locator("[aria-pressed=true]").inner_text().split()[0] == "cat"
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    assert page.locator("#text").input_value() == "sea horse"
    assert page.evaluate("document.documentElement.scrollWidth") <= browser.WIDTH
    with page.expect_download() as download:
        page.locator("#save").click()
    saved = tmp_path / "corrections.csv"
    download.value.save_as(saved)
    assert download.value.suggested_filename == "corrections.csv"
    labels = corrections.read([saved])
    wanted = {"ant": "cat", "bee": "bee", "cat": "sea horse", "dog": ""}
    assert labels == {photos / name / "00.png": label for name, label in wanted.items()}
    dataset = corrections.apply(read_folder(photos, hold_out=False), labels)
    assert dataset.class_names == (*CLASSES, "sea horse")
    assert len(dataset.train) == 47
