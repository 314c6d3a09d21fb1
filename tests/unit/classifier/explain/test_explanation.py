"""Explanations of a tiny classifier, as data, picture and text."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from matplotlib.axes import Axes
from PIL import Image

from gopro import GoproError, PromptClassifier
from gopro.classifier.explain import picture
from gopro.classifier.explain.text import lines
from tiny_classifier import Given, Make
from tiny_run import CLASSES, Cli, write_photos


@pytest.mark.parametrize("method", ["gopro", "coop", "cocoop", "zeroshot", "linear_probe"])
def test_every_kind_of_method(make: Make, given: Given, tmp_path: Path, method: str) -> None:
    classifier = make(method=method, examples=8, epochs=1).fit(*given)
    result = classifier.explain(given[0][0], top=3)
    probabilities = classifier.predict_proba(given[0][:1])[0]
    assert len(result.answers) == 3
    assert result.answers[0].probability == pytest.approx(probabilities.max())
    assert result.answers[0].name == CLASSES[probabilities.argmax()]
    assert result.regions.shape == (8, 8)
    assert np.isfinite(result.regions).all()
    assert len(result.similar) == 6
    assert result.similar[0].cosine == pytest.approx(
        1.0, abs=0.01
    )  # the picture itself is among them
    assert bool(result.tokens) == (method in ("gopro", "coop", "cocoop"))
    for token in result.tokens:
        assert (token.shift is None) == (method == "coop")
        assert (token.content is None) == (method != "gopro")
        assert token.learned[0].word == token.initial
    text = "\n".join(lines(result))
    assert result.answers[0].name in text
    assert "occlusion" in text
    drawn = Image.open(picture.draw(result, tmp_path / "a.png", "$a_{<b>.png"))
    assert min(drawn.size) > 400


def test_without_examples_and_with_other_names(make: Make, given: Given) -> None:
    classifier = make(examples=0).fit(*given)
    result = classifier.with_classes(["a thing", "something else"]).explain(given[0][0])
    assert result.similar == []
    assert {answer.name for answer in result.answers} == {"a thing", "something else"}
    with pytest.raises(GoproError, match="got examples = -1"):
        make(examples=-1).fit(*given)


def test_none_of_these(
    make: Make, given: Given, tmp_path: Path, cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    others = sorted(write_photos(tmp_path / "others", ["x", "y"], count=4, seed=9).rglob("*.png"))
    classifier = make(method="vpt", epochs=1, folds=3).fit(*given).with_others(others)
    pictures = [*given[0], *others]
    unknown = classifier.is_unknown(pictures).tolist()
    assert True in unknown and False in unknown
    drawn: list[str] = []
    text = Axes.text
    monkeypatch.setattr(
        Axes, "text", lambda self, *a, **b: drawn.append(a[2]) or text(self, *a, **b)
    )
    model = classifier.save(tmp_path / "model")
    for expected in (True, False):
        chosen = pictures[unknown.index(expected)]
        result = classifier.explain(chosen)
        assert result.unknown is expected
        best = result.answers[0].name
        picture.draw(result, tmp_path / "a.png", "a")
        (head,) = [line for line in drawn if "zero-shot CLIP gives it" in line]
        assert head.startswith(f"none of these ({best}, " if expected else f"{best}, ")
        assert (f"regions that support {best}" in drawn) == expected
        drawn.clear()
        printed = cli("explain", model, chosen, "--device", "cpu").out.splitlines()[0]
        predicted = cli("predict", model, chosen, "--device", "cpu", "--top", 1).out
        assert predicted == f"{chosen}: {printed}\n" if expected else "none of" not in printed
    assert classifier.with_classes(["a", "b"]).explain(pictures[0]).unknown is None


def test_command(cli: Cli, model: Path, given: Given, tmp_path: Path) -> None:
    done = cli("explain", model, given[0][0], "--out", tmp_path / "why.png", "--top", 2)
    assert done.code == 0, done.err
    assert "most similar training pictures" in done.out
    assert (tmp_path / "why.png").read_bytes()[:4] == b"\x89PNG"
    assert ".png" in cli("explain", model, given[0][0], "--out", tmp_path / "why.txt").line
    assert "1 or more" in cli("explain", model, given[0][0], "--top", 0).line
    assert "isn't there" in cli("explain", model, tmp_path / "none.jpg").line


def test_before_fit() -> None:
    with pytest.raises(GoproError, match="learned nothing"):
        PromptClassifier().explain("a.jpg")
