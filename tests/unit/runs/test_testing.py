"""Which sentences class names are put into, run by run and test by test."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from gopro.data import templates
from gopro.methods.tcp import TCP
from gopro.results import results_json
from tiny_run import Cli, write_photos

USUAL = "a photo of a {}."
OWN = "a drawing of a {}, a type of animal."


@pytest.fixture
def known(monkeypatch: pytest.MonkeyPatch) -> None:
    """The tiny photos are a set of the benchmark, with a sentence of its own."""
    monkeypatch.setitem(templates._OWN, "folder:animals", OWN)


def found(train: Cli, out: Path, *options: object) -> tuple[dict[str, Any], str]:
    answer = train(out, *options)
    assert answer.code == 0, answer.err
    return results_json.read(out), answer.out


def test_without_one_of_its_own_it_is_the_usual_one(train: Cli, tmp_path: Path) -> None:
    result, out = found(train, tmp_path / "run")
    assert result["zeroshot"]["templates"] == {"base": USUAL, "new": USUAL}
    assert "templates" not in result  # CoOp has none
    assert out.count("asks") == 1 and f"zero-shot CLIP asks: {USUAL}" in out


@pytest.mark.usefixtures("known")
def test_a_data_sets_own(train: Cli, cli: Cli, tmp_path: Path) -> None:
    result, out = found(train, tmp_path / "own", "--method", "zeroshot")
    assert result["templates"] == result["zeroshot"]["templates"] == {"base": OWN, "new": OWN}
    assert result["test"] == result["zeroshot"]["test"]
    assert out.count("asks") == 1 and f"zero-shot CLIP asks: {OWN}" in out
    assert "differ" not in cli("test", tmp_path / "own").out
    config = (tmp_path / "own" / "config.yaml").read_text()
    assert "template: null" in config  # by data set, when the file is used again


@pytest.mark.usefixtures("known")
def test_a_methods_own(train: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    texts = {"template": "a {} in its code.", "suffix": "{} in its code"}
    monkeypatch.setattr(TCP, "sentences", {"folder:animals": texts})
    suffixes: list[str | None] = []

    def recorded(method: TCP, names: Sequence[str]) -> None:
        suffixes.append(method.settings.suffix)
        set_class_names(method, names)

    set_class_names = TCP.set_class_names
    monkeypatch.setattr(TCP, "set_class_names", recorded)
    result, _ = found(train, tmp_path / "run", "--method", "tcp")
    assert set(result["templates"].values()) == {"a {} in its code."}
    assert set(result["zeroshot"]["templates"].values()) == {OWN}
    assert set(suffixes) == {"{} in its code"}
    suffixes.clear()
    found(train, tmp_path / "asked", "--method", "tcp", "--tcp.suffix", "{}.")
    assert set(suffixes) == {"{}."}


@pytest.mark.usefixtures("known")
def test_one_that_was_asked_for_beats_it(train: Cli, tmp_path: Path) -> None:
    options = ["--method", "slip", "--slip.template", "{} texture."]
    result, out = found(train, tmp_path / "run", *options)
    assert set(result["templates"].values()) == {"{} texture."}
    assert set(result["zeroshot"]["templates"].values()) == {OWN}
    assert f"zero-shot CLIP asks: {OWN}" in out and "slip asks: {} texture." in out


@pytest.mark.usefixtures("known")
def test_an_ensemble_is_named_and_has_its_row(train: Cli, tmp_path: Path) -> None:
    options = ["--method", "zeroshot", "--zeroshot.ensemble", "select"]
    result, out = found(train, tmp_path / "run", *options)
    words = f"the 7 of the ensemble select, and {OWN}"
    assert result["templates"] == {"base": words, "new": words}
    assert f"zeroshot asks: {words}" in " ".join(out.split())


@pytest.mark.usefixtures("known", "train")
def test_each_target_has_its_own(cli: Cli, tiny: list[str], photos: Path, tmp_path: Path) -> None:
    write_photos(tmp_path / "things", ("cup", "hat"))
    target = ["--targets", f"folder:{tmp_path / 'things'}", "--shots", 2, "--epochs", 1]
    for method in ("zeroshot", "slip"):
        out = tmp_path / method
        options = [*tiny, *target, "--method", method, "--batch", 2, "--out", out]
        answer = cli("train", f"folder:{photos}", "cross-dataset", *options)
        assert answer.code == 0, answer.err
        result = results_json.read(out)
        assert result["templates"] == {"folder:things": USUAL}
        assert result["templates"] == result["zeroshot"]["templates"]
