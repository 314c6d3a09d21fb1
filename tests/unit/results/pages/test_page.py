"""The page: one file that loads nothing, where nothing a user wrote acts as markup."""

from __future__ import annotations

import dataclasses
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from PIL import Image

from gopro.backbones.vocabulary import Near
from gopro.common.errors import GoproError
from gopro.results.confidence import Answered, Bin, Confidence
from gopro.results.pages.answers import Answers
from gopro.results.pages.page import Page, curves, render, write
from gopro.results.pages.tokens import Token

HARD = ["<script>alert(1)</script>", 'a" onload="x', "猫_と_犬", "{{ 7*7 }}"]


def _picture(number: int, size: int) -> Image.Image:
    if number == 0:
        raise GoproError("it isn't there")
    return Image.new("RGB", (size, size), (200, 10 * number, 0))


PART = Answers("held & out", HARD, [0, 1, 2, 3], [0, 0, 2, 3], [1, 1, 2, 2], _picture)
ROWS = [
    {"epoch": 1, "lr": 0.1, "loss": 3.0, "ce": 2.0, "val_accuracy": 10.0},
    {"epoch": 2, "lr": 0.1, "loss": 1.0, "ce": float("nan"), "val_accuracy": 30.0},
]
PAGE = Page(
    title="<b>title</b>",
    description="asked",
    tests=[PART],
    curves=curves(ROWS, {"ce": 0.5}),
    tokens=[Token(1, "photo", [Near("picture", 0.83)])],
    command="gopro fit 'a <b>'",
    settings={"lr": "0.1"},
    environment={"torch": "2.6"},
    method="gopro",
    notes=["a note <i>"],
    summary=("average", 50.0, 25.0),
    confidence=Confidence(
        (Bin(3, 0.5, 0.6), Bin(1, 0.9, 1.0)),
        (Bin(4, 0.99, 0.75),),
        Answered(0.8, 0.25, 1.0),
    ),
)


class _Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.seen: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attrs)))


def _tags(text: str) -> list[tuple[str, dict[str, str | None]]]:
    parser = _Tags()
    parser.feed(text)
    return parser.seen


def test_nothing_is_loaded_or_run() -> None:
    tags = _tags(render(PAGE))
    names = {tag for tag, _ in tags}
    assert not names & {"script", "link", "iframe", "object", "b onload"}
    for _, attributes in tags:
        assert not any(name.startswith("on") for name in attributes)
        for name in ("src", "href"):
            assert (attributes.get(name) or "data:image/jpeg;base64,").startswith("data:image/jpeg")
    assert "url(" not in render(PAGE)


def test_what_it_says() -> None:
    text = re.sub(r"\s+", " ", render(PAGE))
    for words in (
        *("&lt;b&gt;title&lt;/b&gt;", "75.0 %", "+25.0 points", ">2</span> of", ">1</span>."),
        *("&lt;script&gt;alert(1)", "猫 と 犬", "{{ 7*7 }}", "held &amp; out", "picture"),
        *("Cross-entropy", "weight 0.5", "gopro fit &#39;a &lt;b&gt;&#39;", ">missing</div>"),
        *("average", "a note &lt;i&gt;", "torch"),
    ):
        assert words in text, words


def test_without_tests_or_learning() -> None:
    bare = dataclasses.replace(PAGE, tests=[], curves=[], tokens=[], summary=None, environment={})
    text = render(bare)
    assert "Nothing was measured" in text
    assert "The learned context" not in text
    assert " points</span>" not in render(dataclasses.replace(PAGE, compared=False, summary=None))


def test_curves_leave_out_what_is_not_finite() -> None:
    found = {curve.name: curve.points for curve in PAGE.curves}
    assert list(found) == ["Validation accuracy in %", "Total loss", "Cross-entropy"]
    assert found["Cross-entropy"] == ((1, 2.0),)


def test_written_whole(tmp_path: Path) -> None:
    assert write(PAGE, tmp_path / "page.html").read_text(encoding="utf-8") == render(PAGE)
    with pytest.raises(GoproError, match="can't write"):
        write(PAGE, tmp_path / "page.html" / "page.html")


def test_images_that_were_used_for_training() -> None:
    words = "None of them was used for training."
    assert words in render(PAGE)
    assert words not in render(dataclasses.replace(PAGE, unseen=False))


def test_the_reliability_figure() -> None:
    text = render(PAGE)
    assert "<b>0.100</b>" in text
    assert "0.240 uncalibrated" in text
    assert "at confidence 0.8: answers 25.0 % of the images, 100.0 % right of those" in text
    assert "3 images with confidence 50 %: 60 % right" in text
    assert "4 images with confidence 99 %: 75 % right" in text
    assert "<h2>Confidence</h2>" not in render(dataclasses.replace(PAGE, confidence=None))
    alone = dataclasses.replace(PAGE, confidence=Confidence((Bin(2, 0.5, 0.5),)))
    assert "not calibrated" in render(alone)
