"""The choice of pictures that are worth a label, and the page's contents."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np

from gopro.classifier.answers import review
from gopro.classifier.answers.answer import Answer
from gopro.classifier.embedder import Embeddings


def _answer(picture: str, best: float) -> Answer:
    return Answer(picture, (("a", best), ("b", 1 - best)))


def _embed(angles: dict[str, float]) -> review.Callable[[list[str]], Embeddings]:
    def embed(pictures: list[str]) -> Embeddings:
        radians = np.array([angles[picture] for picture in pictures])
        return np.stack([np.cos(radians), np.sin(radians)], axis=1).astype(np.float32)

    return embed


def test_uncertain_pictures_unlike_each_other_are_chosen() -> None:
    angles = {"1": 0.0, "2": 0.01, "3": 1.5, "sure": 3.0}
    answers = [
        *(_answer("sure", 1.0), _answer("3", 0.6), _answer("1", 0.5), _answer("2", 0.51)),
        Answer("broken", error="can't be read"),
    ]
    chosen = review.choose(answers, 2, _embed(angles))
    assert [one.picture for one in chosen] == ["1", "3"]  # 2 is like 1
    chosen = review.choose(answers, 9, _embed(angles))
    assert [one.picture for one in chosen][:3] == ["1", "3", "2"]
    assert len(chosen) == 4


def test_only_the_most_uncertain_pictures_are_encoded() -> None:
    encoded: list[str] = []

    def embed(pictures: list[str]) -> Embeddings:
        encoded.extend(pictures)
        return np.eye(len(pictures), dtype=np.float32)

    answers = [_answer(str(number), 0.5 + number / 400) for number in reversed(range(100))]
    (chosen,) = review.choose(answers, 1, embed)
    assert encoded == [str(number) for number in range(10)]
    assert chosen.picture == "0"
    assert review.choose([], 3, embed) == []


def test_the_page_is_one_safe_file(photos: Path, tmp_path: Path) -> None:
    hostile = '</script><img src=x onerror="alert(1)">'
    answers = [
        Answer(str(photos / "ant" / "00.png"), ((hostile, 0.6), ("bee", 0.4))),
        Answer("gone.png", (("bee", 1.0),)),
    ]
    review.write(tmp_path / "review.html", answers, [hostile, "bee"], "A title")
    page = (tmp_path / "review.html").read_text(encoding="utf-8")
    assert page.count("<script") == 2 and "<img src=x" not in page
    assert "2 pictures, the most uncertain" in page
    found = re.search(r'id="data">(.*?)</script>', page)
    assert found is not None
    first, second = json.loads(found[1])["pictures"]
    assert first["ranked"][0] == {"name": hostile, "percent": 60}
    assert first["image"].startswith("data:image/jpeg") and second["image"] == ""
    assert second["picture"] == str(Path.cwd() / "gone.png")
