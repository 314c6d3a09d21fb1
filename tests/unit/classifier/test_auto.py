"""``method="auto"``: the comparison, the choice, what is kept of it, and what it refuses."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from gopro import GoproError, PromptClassifier
from gopro.classifier import auto, crossvalidation, fitinputs
from gopro.classifier.auto import best, difference, log_losses
from gopro.classifier.choice import Choice
from gopro.classifier.crossvalidation import OutOfSample
from gopro.methods.base import Recipe
from gopro.methods.coop import CoOp
from gopro.methods.linear_adapter import LinearAdapter
from tiny_classifier import Given, Make
from tiny_run import Cli

Auto = Callable[..., PromptClassifier]


@pytest.fixture
def make_auto(make: Make, monkeypatch: pytest.MonkeyPatch) -> Auto:
    """A classifier that compares the linear adapter and CoOp, with all the time it needs."""
    for kind, epochs, lr in ((LinearAdapter, 40, 0.01), (CoOp, 4, 0.1)):
        recipe = Recipe(epochs=epochs, lr=lr, augment="none", warmup_epochs=0, optimizer="adam")
        monkeypatch.setattr(kind, "recipe_for", lambda *_, recipe=recipe: recipe)
    monkeypatch.setattr(fitinputs, "_MIN_STEPS", 1)
    monkeypatch.setattr(auto, "CANDIDATES", ("linear_adapter", "coop"))
    own: dict[str, Any] = {"epochs": None, "batch": None, "lr": None, "budget": 1e9, "folds": 2}
    return lambda **settings: make(**{"method": "auto", **own, **settings})


def test_the_best_is_refitted_and_calibrated_by_the_same_scores(
    make_auto: Auto, make: Make, given: Given, monkeypatch: pytest.MonkeyPatch
) -> None:
    trained: list[str] = []
    real = crossvalidation.cross_validate

    def spy(inputs: Any, *rest: Any) -> OutOfSample:
        trained.append(inputs.settings.method)
        return real(inputs, *rest)

    monkeypatch.setattr(crossvalidation, "cross_validate", spy)
    fitted = make_auto().fit(*given)
    choice = fitted.choice_
    assert choice is not None
    names = [one.method for one in choice.compared]
    assert names == ["zeroshot", "linear_adapter", "coop"] == trained  # once each
    lowest = min(choice.compared, key=lambda one: one.log_loss)
    assert choice.method == fitted.method_name_ == lowest.method != "zeroshot"
    assert fitted.method == "auto"  # a setting, which fit doesn't change
    alone = make(method=choice.method, epochs=None, batch=None, lr=None, folds=2).fit(*given)
    assert np.array_equal(fitted.predict_proba(given[0]), alone.predict_proba(given[0]))
    assert fitted.calibration_ is not None and alone.calibration_ is not None
    assert fitted.calibration_.temperature == alone.calibration_.temperature
    assert alone.choice_ is None and alone.method_name_ == choice.method


def test_zero_shot_stays_when_nothing_beats_it(
    make_auto: Auto, given: Given, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(auto, "_CHANCE", 1e9)
    fitted = make_auto().fit(*given)
    assert fitted.method_name_ == "zeroshot"
    assert fitted.predict(given[0]).tolist() == fitted.zero_shot().predict(given[0]).tolist()
    assert fitted.calibration_ is not None
    assert fitted.choice_ is not None
    assert fitted.choice_.lines()[0].startswith("no method beats zero-shot CLIP beyond chance")
    loaded = PromptClassifier.load(fitted.save(tmp_path / "model"), device="cpu")
    assert np.array_equal(loaded.predict_proba(given[0]), fitted.predict_proba(given[0]))


def test_one_picture_in_a_class_leaves_nothing_to_compare(make_auto: Auto, given: Given) -> None:
    pictures, labels = given[0][:13], given[1][:13]  # 6, 6 and 1 of three classes
    fitted = make_auto().fit(pictures, labels)
    assert fitted.method_name_ == "zeroshot"
    lines = fitted.choice_.lines()  # type: ignore[union-attr]
    few = "only one training picture of class 'cat', which leaves none to compare on"
    assert lines[0] == f"linear_adapter was not compared: {few}"
    assert "nothing was compared, so zero-shot CLIP is kept" in lines[-1]


def test_it_compares_without_calibration_too(make_auto: Auto, given: Given) -> None:
    fitted = make_auto(folds=0).fit(*given)
    assert fitted.calibration_ is None
    assert len(fitted.choice_.compared) == 3  # type: ignore[union-attr]


def test_a_candidate_that_does_not_fit_is_left_out(
    make_auto: Auto, given: Given, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: Any) -> None:
        raise GoproError("no such tower; choose another")

    monkeypatch.setattr(LinearAdapter, "set_class_names", refuse)
    choice = make_auto().fit(*given).choice_
    assert choice is not None
    assert choice.left_out == {"linear_adapter": "no such tower; choose another"}


def test_time(make_auto: Auto, given: Given, monkeypatch: pytest.MonkeyPatch) -> None:
    seconds = {"zeroshot": 0.0, "linear_adapter": 1.0, "coop": 1e6}
    expected = lambda inputs, *_: seconds[inputs.settings.method]  # noqa: E731
    monkeypatch.setattr(crossvalidation, "seconds", expected)
    choice = make_auto(budget=1000).fit(*given).choice_
    assert choice is not None
    assert [one.method for one in choice.compared] == ["zeroshot", "linear_adapter"]
    assert choice.left_out["coop"].startswith("it needs about 277.8 h, and the budget has ")
    with pytest.raises(GoproError) as error:
        make_auto(budget=0.001).fit(*given)
    assert str(error.value) == (
        "got --budget 0.001 (minutes), too short to compare one method with zero-shot CLIP: "
        "linear_adapter needs about 1 s; give more, or name a --method"
    )


def test_the_time_is_measured(make_auto: Auto, given: Given) -> None:
    with pytest.raises(GoproError, match="too short to compare one method"):
        make_auto(budget=1e-7).fit(*given)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"epochs": 3}, "got epochs with --method auto"),
        ({"lr": 0.1}, "got lr with --method auto"),
        ({"batch": 2}, "got batch with --method auto"),
        ({"options": {"n_ctx": 2}}, "got options with --method auto"),
        ({"texts": "texts.json"}, "got texts with --method auto"),
        ({"fast": True}, "got fast with --method auto"),
        ({"budget": 0}, "got --budget 0; wanted minutes, more than 0"),
        ({"budget": float("nan")}, "got --budget nan"),
    ],
)
def test_what_is_refused(make_auto: Auto, given: Given, settings: Any, message: str) -> None:
    with pytest.raises(GoproError, match=message) as error:
        make_auto(**settings).fit(*given)
    assert "\n" not in str(error.value)


def test_it_needs_labels(make_auto: Auto, given: Given) -> None:
    with pytest.raises(GoproError, match="auto learns from labelled ones only"):
        make_auto().fit(*given, unlabelled=given[0])


def test_a_saved_one_is_of_the_chosen_method(make_auto: Auto, given: Given, tmp_path: Path) -> None:
    fitted = make_auto().fit(*given)
    fitted.save(tmp_path / "model")
    about = json.loads((tmp_path / "model" / "classifier.json").read_text(encoding="utf-8"))
    assert about["method"] == fitted.method_name_
    assert "chosen in cross-validation with" in (tmp_path / "model" / "README.md").read_text()
    loaded = PromptClassifier.load(tmp_path / "model", device="cpu")
    assert loaded.method == loaded.method_name_ == fitted.method_name_
    assert loaded.choice_ == fitted.choice_
    assert np.array_equal(loaded.predict_proba(given[0]), fitted.predict_proba(given[0]))
    assert loaded.compare(*given, include_fitted=True).confidence is not None


def test_a_stopped_fit_keeps_its_choice(
    make_auto: Auto, given: Given, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = make_auto().fit(*given, checkpoint=tmp_path)
    with monkeypatch.context() as patched:
        patched.setattr(auto, "choose", lambda *_: pytest.fail("compared again"))
        again = make_auto().fit(*given, checkpoint=tmp_path)
    assert again.choice_ == first.choice_
    assert again.calibration_ is not None and first.calibration_ is not None
    assert again.calibration_.temperature == first.calibration_.temperature
    (tmp_path / "choice.json").write_text("{}")
    with pytest.raises(GoproError, match=r"choice\.json is damaged; remove"):
        make_auto().fit(*given, checkpoint=tmp_path)


def test_the_command_says_what_it_compared(
    cli: Cli, tiny: list[str], photos: Path, tmp_path: Path, make_auto: Auto
) -> None:
    words = ["--method", "auto", "--budget", 1500, "--workers", 1, "--folds", 2]
    answer = cli("fit", photos, "--out", tmp_path / "model", *tiny, *words)
    assert answer.code == 0, answer.err
    assert "on 32 images for at most 25.0 h, train the best one, then measure" in answer.out
    assert "cross-validation on 32 training images" in answer.out
    about = json.loads((tmp_path / "model" / "classifier.json").read_text(encoding="utf-8"))
    assert f"{about['method']} is chosen; next is " in answer.out
    page = (tmp_path / "model" / "page.html").read_text(encoding="utf-8")
    assert f"{about['method']}, chosen in cross-validation with zeroshot" in page
    assert "--method auto" in page and "--budget 1500" in page


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--lr", 1], "got lr with --method auto"),
        (["--coop.n_ctx", 2], "got settings of coop with --method auto"),
        (["--budget", 0], "got --budget 0.0; wanted minutes"),
        (["--budget", "1e-9"], "too short to compare one method"),
    ],
)
def test_what_the_command_refuses(
    cli: Cli, tiny: list[str], photos: Path, tmp_path: Path, words: list[object], message: str
) -> None:
    answer = cli("fit", photos, "--out", tmp_path / "no", *tiny, "--method", "auto", *words)
    assert answer.code == 2
    assert message in answer.line


def test_best() -> None:
    low, high = np.linspace(0.1, 0.2, 10), np.linspace(0.5, 0.7, 10)
    assert best({"zeroshot": high, "coop": low, "gopro": low + 0.1}) == "coop"
    assert best({"zeroshot": low, "coop": high}) == "zeroshot"
    assert best({"zeroshot": high}) == "zeroshot"
    noisy = high - 0.1 + np.array([1.0, -1.0] * 5)  # the mean gain is below its standard error
    assert best({"zeroshot": high, "coop": noisy}) == "zeroshot"
    assert best({"zeroshot": high, "coop": noisy, "gopro": high - 0.01}) == "gopro"


def test_difference_by_hand() -> None:
    gap, error = difference(np.array([3.0, 1.0, 2.0]), np.zeros(3))
    assert gap == pytest.approx(2)
    assert error == pytest.approx(1 / 3**0.5)


def test_losses_do_not_depend_on_the_scale_of_the_scores() -> None:
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(60, 4, generator=generator, dtype=torch.float64)
    truth = (logits + torch.randn(60, 4, generator=generator)).argmax(dim=1)
    measured = OutOfSample(logits, truth)
    scaled = replace(measured, logits=5 * logits)
    assert log_losses(measured) == pytest.approx(log_losses(scaled), abs=1e-3)
    assert log_losses(measured).mean() < np.log(4)


def test_the_choice_as_data(make_auto: Auto, given: Given) -> None:
    choice = make_auto().fit(*given).choice_
    assert choice is not None
    assert Choice.of_dict(json.loads(json.dumps(choice.as_dict()))) == choice
