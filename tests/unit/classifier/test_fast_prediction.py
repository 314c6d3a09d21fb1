"""Fast prediction of a classifier: same answers, saved and loaded, clear errors without it."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from gopro import PromptClassifier
from gopro.classifier import fast_prediction
from gopro.classifier.modelfiles import FAST
from gopro.common.errors import GoproError
from gopro.prediction.fast import FastPrompts
from tiny_classifier import Given, Make
from tiny_run import Cli


@pytest.fixture(scope="module")
def fitted(make: Make, given: Given) -> PromptClassifier:
    return make(method="gopro", options=None).fit(*given)


@pytest.fixture(scope="module")
def folder(fitted: PromptClassifier, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The saved classifier. Tests must not change it."""
    return fitted.save(tmp_path_factory.mktemp("fast") / "model")


def test_the_same_answers(fitted: PromptClassifier, folder: Path, given: Given) -> None:
    exact = PromptClassifier.load(folder)
    assert not exact.fast and (folder / FAST).is_file()
    fast = PromptClassifier.load(folder).set_params(fast=True)
    assert fast.predict(given[0]).tolist() == fitted.predict(given[0]).tolist()
    expected, result = exact.predict_proba(given[0]), fast.predict_proba(given[0])
    assert np.abs(result - expected).mean() < 0.03
    assert fast.fast_prompts().images == 2 * len(given[0])
    # the shares of unlikely classes are approximate, and so is what measures them
    measured = [
        dataclasses.replace(one.compare(*given, include_fitted=True), confidence=None)
        for one in (fast, exact)
    ]
    assert measured[0] == measured[1]


def test_the_saved_map_is_used(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:

    def refuse(*arguments: object) -> None:
        raise AssertionError("fitted again")

    monkeypatch.setattr(fast_prediction, "fit", refuse)
    PromptClassifier.load(folder).fast_prompts()


def test_other_names_are_fitted_again(folder: Path, given: Given) -> None:
    fast = PromptClassifier.load(folder).set_params(fast=True)
    exact = fast.with_classes(["red", "green", "blue"])
    assert fast.fast and not exact.fast and not exact.fast_is_ready
    other = fast.with_classes(["red", "green", "blue"]).set_params(fast=True)
    assert other.predict(given[0]).tolist() == exact.predict(given[0]).tolist()
    assert other.fast_prompts() is not fast.fast_prompts()


def test_the_setting_is_saved(make: Make, given: Given, tmp_path: Path) -> None:
    model = make(method="cocoop", fast=True).fit(*given).save(tmp_path / "model")
    assert PromptClassifier.load(model).fast
    assert PromptClassifier.load(model).zero_shot().fast is False


def test_a_changed_file_is_refused_and_a_missing_one_reported(
    fitted: PromptClassifier, given: Given, tmp_path: Path
) -> None:
    model = fitted.save(tmp_path / "model")
    (model / FAST).write_bytes(b"x")
    with pytest.raises(GoproError, match="only for fast prediction"):
        PromptClassifier.load(model)
    (model / FAST).unlink()
    without = PromptClassifier.load(model)
    assert len(without.predict(given[0])) == len(given[0])
    with pytest.raises(GoproError, match="saved without"):
        without.set_params(fast=True).predict(given[0])


def test_a_method_without_fast_prediction(make: Make, given: Given, tmp_path: Path) -> None:
    coop = make(fast=True).fit(*given)
    with pytest.raises(GoproError, match="no fast prediction for CoOp"):
        coop.predict(given[0])
    assert not (coop.save(tmp_path / "model") / FAST).exists()


def test_on_the_command_line(cli: Cli, folder: Path, given: Given) -> None:
    fast = cli("predict", folder, *given[0][:4], "--top", 1, "--device", "cpu")
    exact = cli("predict", folder, *given[0][:4], "--top", 1, "--device", "cpu", "--exact")
    assert (exact.code, fast.code) == (0, 0)
    names = [line.rsplit(": ", 1)[1].split()[0] for line in exact.out.splitlines()]
    assert [line.rsplit(": ", 1)[1].split()[0] for line in fast.out.splitlines()] == names


@pytest.mark.parametrize(
    ("options", "quick"), [([], True), (["--exact"], False), (["--classes", "red,green"], False)]
)
def test_when_a_saved_model_predicts_fast(
    cli: Cli,
    folder: Path,
    given: Given,
    monkeypatch: pytest.MonkeyPatch,
    options: list[str],
    quick: bool,
) -> None:
    """Fast only if it is already fitted to these names; nothing is fitted for one picture."""
    calls: list[bool] = []
    logits = FastPrompts.logits
    monkeypatch.setattr(FastPrompts, "logits", lambda *to: (calls.append(True), logits(*to))[1])
    assert cli("predict", folder, given[0][0], "--device", "cpu", *options).code == 0
    assert bool(calls) is quick
