"""``texts``: sentences about each class in a classifier, what it keeps of them, what is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gopro import GoproError, PromptClassifier
from tiny_classifier import Given, Make
from tiny_run import CLASSES, Cli, sentences


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return sentences(tmp_path / "cupl.json")


@pytest.mark.parametrize("method", ["zeroshot", "kgcoop"])
def test_a_saved_classifier_needs_no_other_file(
    make: Make, given: Given, file: Path, tmp_path: Path, method: str
) -> None:
    plain = make(method=method).fit(*given)
    fitted = make(method=method, texts=str(file)).fit(*given)
    shares = fitted.predict_proba(given[0])
    assert not np.allclose(shares, plain.predict_proba(given[0]))
    fitted.save(tmp_path / "model")
    file.unlink()
    loaded = PromptClassifier.load(tmp_path / "model", device="cpu")
    assert np.array_equal(loaded.predict_proba(given[0]), shares)
    again = PromptClassifier.load(loaded.save(tmp_path / "again"), device="cpu")
    assert np.array_equal(again.predict_proba(given[0]), shares)
    assert again.texts_ == fitted.texts_


def test_it_is_recorded(make: Make, given: Given, file: Path, tmp_path: Path) -> None:
    model = make(method="zeroshot", texts=file).fit(*given).save(tmp_path / "model")
    about = json.loads((model / "classifier.json").read_text(encoding="utf-8"))
    assert about["training"]["texts"].startswith("texts cupl.json ")
    assert about["options"]["texts"] == "texts.json"  # no path of this machine
    assert "sentences about each class: texts cupl.json" in (model / "README.md").read_text()
    texts = (model / "texts.json").read_text(encoding="utf-8")
    (model / "texts.json").write_text(texts.replace("colour", "smell"), encoding="utf-8")
    with pytest.raises(GoproError, match=r"texts\.json isn't the file that was saved"):
        PromptClassifier.load(model, device="cpu")
    (model / "texts.json").unlink()
    with pytest.raises(GoproError, match="can't read texts from") as error:
        PromptClassifier.load(model, device="cpu")
    assert "\n" not in str(error.value)


def test_the_comparison_is_with_the_usual_sentence(make: Make, given: Given, file: Path) -> None:
    fitted = make(method="zeroshot", texts=file).fit(*given)
    plain = make(method="zeroshot").fit(*given)
    usual = plain.predict_proba(given[0])
    assert np.array_equal(fitted.zero_shot().predict_proba(given[0]), usual)
    assert fitted.zero_shot().texts_ is None
    with pytest.raises(GoproError, match="no sentences about the class 'whale'"):
        fitted.with_classes(["whale", "ant"])


def _without(file: Path, name: str) -> None:
    texts = json.loads(file.read_text(encoding="utf-8"))
    del texts[name]
    file.write_text(json.dumps(texts), encoding="utf-8")


def _with(file: Path, name: str) -> None:
    texts = json.loads(file.read_text(encoding="utf-8"))
    file.write_text(json.dumps({**texts, name: ["They hum."]}), encoding="utf-8")


@pytest.mark.parametrize(
    ("method", "change", "message"),
    [
        ("coop", lambda _: None, "coop compares with no frozen text, so --texts has no use in it"),
        ("auto", lambda _: None, "got texts with --method auto"),
        ("kgcoop", lambda file: _without(file, CLASSES[0]), f"about the class '{CLASSES[0]}'"),
        ("kgcoop", lambda file: _with(file, "dogs"), "about 'dogs', which is no class here; did"),
        ("kgcoop", lambda file: file.write_text("["), "can't read texts from"),
    ],
)
def test_what_the_command_refuses(
    cli: Cli,
    tiny: list[str],
    photos: Path,
    file: Path,
    tmp_path: Path,
    method: str,
    change: Any,
    message: str,
) -> None:
    change(file)
    words = ["--method", method, "--texts", file]
    answer = cli("fit", photos, "--out", tmp_path / "no", *tiny, *words)
    assert answer.code == 2
    assert message in answer.line
    assert not (tmp_path / "no").exists()


def test_the_command(cli: Cli, tiny: list[str], photos: Path, file: Path, tmp_path: Path) -> None:
    words = ["--method", "zeroshot", "--texts", file, "--folds", 0, "--workers", 1]
    answer = cli("fit", photos, "--out", tmp_path / "model", *tiny, *words)
    assert answer.code == 0, answer.err
    page = (tmp_path / "model" / "page.html").read_text(encoding="utf-8")
    assert "zeroshot with texts cupl.json" in page
    assert f"--texts {file}" in page
    assert cli("predict", tmp_path / "model", photos, "--top", 1).code == 0
