"""Answers and limits of a served classifier."""

from __future__ import annotations

import csv
import dataclasses
import io
import json
import threading
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from gopro import GoproError, PromptClassifier
from gopro.classifier.app.rows import Row, as_csv, as_json
from gopro.classifier.app.service import Limits, Service, Upload
from gopro.classifier.explain.explanation import Answer
from tiny_classifier import Given, Make


@pytest.fixture(scope="session")
def classifier(make: Make, given: Given) -> PromptClassifier:
    return make(examples=8).fit(*given)


@pytest.fixture
def service(classifier: PromptClassifier) -> Service:
    return Service(classifier)


@pytest.fixture
def uploads(given: Given) -> list[Upload]:
    return [_upload(path.name, path.read_bytes()) for path in given[0][:10]]


def _upload(name: str, contents: bytes) -> Upload:
    return Upload(name, lambda most: contents[:most])


def test_answers_are_the_classifiers(
    service: Service, classifier: PromptClassifier, given: Given, uploads: list[Upload]
) -> None:
    rows = service.answer(uploads, service.own)
    expected = classifier.predict_proba(given[0][:10])
    zero = classifier.zero_shot().predict_proba(given[0][:10])
    for row, ours, plain in zip(rows, expected, zero, strict=True):
        assert row.answers[0].probability == pytest.approx(ours.max(), abs=1e-6)
        assert row.answers[0].zero_shot == pytest.approx(plain[ours.argmax()], abs=1e-6)


def test_unreadable_pictures_get_a_row_with_the_error(
    service: Service, uploads: list[Upload]
) -> None:
    bad = {"text.jpg": b"not a picture", "none.png": b"", "cut.png": uploads[0].read(60)}
    rows = service.answer([*(_upload(*one) for one in bad.items()), uploads[0]], service.own)
    assert [bool(row.error) for row in rows] == [True, True, True, False]
    assert "text.jpg" in rows[0].error


def test_limits(classifier: PromptClassifier, uploads: list[Upload]) -> None:
    limits = Limits(bytes=3000, pixels=500, pictures=2, names=3, letters=5)
    service = Service(classifier, limits)
    assert "million" not in service.answer(uploads[:1], service.own)[0].error
    assert "at most 500 pixels" in service.answer(uploads[:1], service.own)[0].error
    large = service.answer([_upload("a.png", b"x" * 5000)], service.own)[0].error
    assert "a.png is larger than 0.003 MB" in large
    with pytest.raises(GoproError, match="at most 2 are allowed"):
        service.answer(uploads[:3], service.own)
    with pytest.raises(GoproError, match="at most 3"):
        service.names("a,b,c,d")
    with pytest.raises(GoproError, match="longer than 5"):
        service.names("abcdef")
    with pytest.raises(GoproError, match="too long"):
        Service(classifier, Limits(seconds=-1e-9, at_once=1)).answer(uploads[:1], service.own)


def test_the_names_that_the_page_shows_are_the_models_own(
    make: Make, photos: Path, uploads: list[Upload]
) -> None:
    images = sorted(photos.rglob("*.png"))
    labels = [f"{path.parent.name}, a kind of animal" for path in images]
    classifier = make(examples=0).fit(images, labels)
    service = Service(classifier, Limits(names=2, letters=5))
    assert service.own_text == ", ".join(classifier.class_names_[:2])
    for text in (None, "", service.own_text, f"{service.own_text}\n"):
        assert service.names(text) == tuple(classifier.class_names_)
    assert service.answer(uploads[:1], service.names(service.own_text))[0].answers
    assert service.names("yak; emu") == ("yak", "emu")


def test_busy(classifier: PromptClassifier, uploads: list[Upload]) -> None:
    service = Service(classifier, Limits(seconds=0.05, at_once=1))
    with service._slot(), pytest.raises(GoproError, match="too many requests"):
        service.answer(uploads[:1], service.own)


def test_nothing_is_read_before_a_request_has_its_turn(classifier: PromptClassifier) -> None:
    """Requests that wait, or have too many pictures, hold no pictures in memory."""
    read: list[int] = []

    def one(most: int) -> bytes:
        read.append(most)
        return b"no picture"

    service = Service(classifier, Limits(bytes=50, pictures=2, seconds=0.05, at_once=1))
    with pytest.raises(GoproError, match="at most 2 are allowed"):
        service.answer([Upload("a.png", one)] * 3, service.own)
    with service._slot():
        for ask in (
            lambda: service.answer([Upload("a.png", one)], service.own),
            lambda: service.explain(Upload("a.png", one), service.own),
        ):
            with pytest.raises(GoproError, match="too many requests"):
                ask()
    assert not read
    assert service.answer([Upload("a.png", one)], service.own)[0].error
    assert read == [51]


def test_classifiers_with_other_names_are_cached(service: Service, uploads: list[Upload]) -> None:
    assert service.names(" a, b\nc ;; ") == ("a", "b", "c")
    assert service.names("") == service.own
    for number in range(20):
        (row,) = service.answer(uploads[:1], (f"thing {number}", "other"))
        assert {answer.name for answer in row.answers} == {f"thing {number}", "other"}
    assert service._renamed.cache_info().currsize == 8
    with pytest.raises(GoproError):
        service.answer(uploads[:1], ("same", "same"))


def test_explanation_and_views(service: Service, uploads: list[Upload]) -> None:
    result, drawn = service.explain(uploads[0], service.own)
    assert result.similar
    assert min(drawn.size) > 300
    views = service.views(uploads[0], service.own)
    assert len(views) == 7
    assert np.asarray(views[0][0]).shape == (224, 224, 3)
    assert views[0][1].startswith("unchanged: ")
    with pytest.raises(GoproError):
        service.explain(_upload("a.jpg", b"no"), service.own)


def test_many_clients_at_once(service: Service, uploads: list[Upload]) -> None:
    expected = service.answer(uploads, service.own)
    seen: list[list[Row]] = []

    def ask() -> None:
        seen.append(service.answer(uploads, service.own))

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [as_json(rows) for rows in seen] == [as_json(expected)] * 8


def test_files() -> None:
    answer = Answer("=cmd()", 0.75, 0.5)
    rows = [
        Row("+a.jpg", (answer, dataclasses.replace(answer, name="b")), unknown=True),
        Row("c", error="no"),
        Row("\nd", error="-5"),
    ]
    table = list(csv.reader(io.StringIO(as_csv(rows))))
    assert table[1] == ["'+a.jpg", "1", "'=cmd()", "0.750000", "0.500000", "none of these", ""]
    assert table[3] == ["c", "", "", "", "", "", "no"]
    assert table[4] == ["'\nd", "", "", "", "", "", "-5"]  # a number stays one
    assert json.loads(as_json(rows))["answers"][1] == {"picture": "c", "error": "no"}


def test_large_picture_is_refused_before_it_is_decoded(classifier: PromptClassifier) -> None:
    file = io.BytesIO()
    Image.new("1", (9000, 9000)).save(file, format="PNG")
    (row,) = Service(classifier).answer([_upload("bomb.png", file.getvalue())], ("a", "b"))
    assert "too large" in row.error
