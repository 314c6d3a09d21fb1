"""Saved classifiers: round trips, complete writes, and clear errors for damaged folders."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from gopro import GoproError, PromptClassifier
from gopro.classifier import modelfolder, storage
from gopro.classifier.modelfiles import ABOUT, CARD, EXAMPLES, FIT, FITTED, UNFINISHED, WEIGHTS
from gopro.common.files import file_sha256
from small_clips import clip_folder, small_clip
from tiny_classifier import Given, Make
from tiny_run import CLASSES, TEXT, VISION


@pytest.fixture
def copied(model: Path, tmp_path: Path) -> Path:
    """A copy of a model that may be damaged, at a path with spaces and non-ASCII letters."""
    return Path(shutil.copytree(model, tmp_path / "мой дом 家" / "model"))


def test_five_files_with_learned_weights_alone(model: Path) -> None:
    assert sorted(path.name for path in model.iterdir()) == sorted(
        [ABOUT, CARD, FITTED, EXAMPLES, WEIGHTS]
    )
    assert set(load_file(model / WEIGHTS)) == {"context"}


def test_round_trip(make: Make, given: Given, copied: Path) -> None:
    paths, labels = given
    fitted = make().fit(paths, labels)
    loaded = PromptClassifier.load(copied, device="cpu")
    assert np.array_equal(loaded.predict_proba(paths), fitted.predict_proba(paths))
    assert loaded.classes_.tolist() == sorted(CLASSES)
    assert (loaded.history_, loaded.epochs) == (fitted.history_, 2)
    again = loaded.save(copied.parent / "again")
    assert (again / WEIGHTS).read_bytes() == (copied / WEIGHTS).read_bytes()
    assert loaded.with_classes(["yak", "zebra"]).predict(paths[:1])[0] in ("yak", "zebra")


def test_numbers_and_other_names_survive(make: Make, given: Given, tmp_path: Path) -> None:
    paths, labels = given
    numbers = np.array([CLASSES.index(label) for label in labels])
    fitted = make(class_names=CLASSES).fit(paths, numbers)
    loaded = PromptClassifier.load(fitted.save(tmp_path / "numbers"), device="cpu")
    assert np.array_equal(loaded.predict(paths), fitted.predict(paths))
    other = fitted.with_classes(["yak", "zebra", "ant"])
    loaded = PromptClassifier.load(other.save(tmp_path / "other"), device="cpu")
    assert np.array_equal(loaded.predict_proba(paths), other.predict_proba(paths))
    assert np.array_equal(
        loaded.with_classes(CLASSES).predict_proba(paths), fitted.predict_proba(paths)
    )
    plain = PromptClassifier.load(fitted.zero_shot().save(tmp_path / "plain"), device="cpu")
    assert np.array_equal(plain.predict_proba(paths), fitted.zero_shot().predict_proba(paths))
    fractions = make(class_names={0.5: "ant", 1.5: "bee"}, epochs=0).fit(paths[:2], [0.5, 1.5])
    with pytest.raises(GoproError, match="can't be saved"):
        fractions.save(tmp_path / "fractions")


def test_the_model_card(make: Make, given: Given, tmp_path: Path) -> None:
    paths, labels = given
    names = {"ant": "<b>|ant|</b>", "bee": "bee", "cat": "cat", "dog": "dog"}
    classifier = make(class_names=names).fit(paths, labels)
    measured = classifier.compare(paths, labels, include_fitted=True)
    card = (classifier.save(tmp_path, measured) / CARD).read_text()
    assert card.startswith("---\nlibrary_name: gopro\n")
    assert "on 24 pictures" in card
    assert classifier.backbone_checksum_ in card
    assert "| &lt;b&gt;\\|ant\\|&lt;/b&gt; | 6 |" in card
    assert "tiny.safetensors" in card
    assert str(Path(str(classifier.pretrained)).parent) not in card
    assert ".with_classes(" in card


def test_a_model_card_shows_no_names_that_are_refused(
    make: Make, given: Given, tmp_path: Path
) -> None:
    make(method="linear_probe").fit(*given).save(tmp_path)
    card = (tmp_path / CARD).read_text()
    assert 'classifier.predict(["photo.jpg"])\n```' in card
    assert ".with_classes(" not in card


def test_a_model_is_replaced_but_other_files_are_not(
    make: Make, given: Given, copied: Path, tmp_path: Path
) -> None:
    (copied / "mine.txt").write_text("mine")
    make(epochs=0).fit(*given).save(copied)
    assert PromptClassifier.load(copied, device="cpu").epochs == 0
    assert (copied / "mine.txt").read_text() == "mine"
    (tmp_path / "README.md").write_text("mine")
    for path in (tmp_path, tmp_path / "README.md"):
        with pytest.raises(GoproError, match="choose another folder"):
            make(epochs=0).fit(*given).save(path)
    assert (tmp_path / "README.md").read_text() == "mine"


def test_a_failure_while_saving_keeps_the_old_model(
    make: Make, given: Given, copied: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = {path.name: path.read_bytes() for path in copied.iterdir()}

    def full(*_: Any) -> str:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(modelfolder, "card", full)
    with pytest.raises(GoproError, match="no room left"):
        make(epochs=0).fit(*given).save(copied)
    assert {path.name: path.read_bytes() for path in copied.iterdir()} == before


def _edit(change: Callable[[dict[str, Any]], object], seal: bool) -> Callable[[Path], None]:
    def damage(folder: Path) -> None:
        about = json.loads((folder / ABOUT).read_text(encoding="utf-8"))
        change(about)
        if seal:  # as an attacker would
            about.pop("sha256", None)
            about["sha256"] = modelfolder._seal(about)
        (folder / ABOUT).write_text(json.dumps(about), encoding="utf-8")

    return damage


def _swap_weights(folder: Path) -> None:
    save_file({"context": torch.zeros(4, 32)}, folder / WEIGHTS)


def _foreign_weights(folder: Path) -> None:
    save_file({"other": torch.zeros(4, 32)}, folder / WEIGHTS, metadata={"gopro": "{}"})
    digest = file_sha256(folder / WEIGHTS)
    _edit(lambda about: about.update(weights_sha256=digest), seal=True)(folder)


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (lambda folder: shutil.rmtree(folder), "is no model"),
        (lambda folder: (folder / ABOUT).unlink(), "is no model"),
        (lambda folder: (folder / WEIGHTS).unlink(), "has no model.safetensors"),
        (lambda folder: (folder / WEIGHTS).write_bytes(b""), "isn't the file that was saved"),
        (_swap_weights, "isn't the file that was saved"),
        (_foreign_weights, "don't fit"),
        (_edit(lambda about: about.update(options=None), seal=True), "don't fit"),
        (lambda folder: (folder / ABOUT).write_text("{"), "damaged"),
        (lambda folder: (folder / ABOUT).write_bytes(b"\xff"), "damaged"),
        (lambda folder: (folder / ABOUT).write_text("[" * 100_000), "damaged"),
        (lambda folder: (folder / ABOUT).write_text("[]"), "no description of a model"),
        (_edit(lambda about: about.update(schema=2), seal=False), "schema 2"),
        (_edit(lambda about: about.update(class_names=["x", "y"]), seal=False), "was changed"),
        (_edit(lambda about: about.pop("sha256"), seal=False), "was changed"),
        (_edit(lambda about: about["settings"].update(colour=1), seal=True), "don't fit"),
        (_edit(lambda about: about.update(method="other"), seal=True), "no method 'other'"),
        (_edit(lambda about: about.update(options={"n_ctx": "x"}), seal=True), "can't be set"),
        (_edit(lambda about: about.update(options={"n_ctx": 5}), seal=True), "don't fit"),
        (_edit(lambda about: about.pop("backbone"), seal=True), "don't fit"),
        (_edit(lambda about: about["settings"].update(eval_batch=None), seal=True), "eval_batch"),
        (_edit(lambda about: about["settings"].update(eval_batch=0), seal=True), "1 or more"),
        (_edit(lambda about: about["settings"].update(fast=1), seal=True), "its settings are"),
        (_edit(lambda about: about["settings"].update(examples=-1), seal=True), "its settings are"),
        (_edit(lambda about: about.update(settings=[]), seal=True), "don't fit"),
        (_edit(lambda about: about.update(labels=None), seal=True), "its labels are None"),
        (_edit(lambda about: about["labels"].pop(), seal=True), "its labels are"),
        (_edit(lambda about: about["labels"].append([1]), seal=True), "its labels are"),
        (_edit(lambda about: about.update(trained_names=["a", ""]), seal=True), "no letters"),
        (_edit(lambda about: about["preprocessing"].update(size=9), seal=True), "preprocessing"),
        (_edit(lambda about: about["backbone"].update(name="maxi"), seal=True), "needs its"),
    ],
)
def test_a_damaged_model_is_refused_in_one_line(
    copied: Path, damage: Callable[[Path], object], words: str
) -> None:
    damage(copied)
    with pytest.raises(GoproError, match=words) as caught:
        PromptClassifier.load(copied, device="cpu")
    assert "\n" not in str(caught.value)


def test_a_fit_that_is_not_finished_is_no_model_yet(tmp_path: Path) -> None:
    (tmp_path / UNFINISHED).mkdir()
    with pytest.raises(GoproError, match="is no model"):
        PromptClassifier.load(tmp_path)
    (tmp_path / UNFINISHED / FIT).write_text("{}")
    with pytest.raises(GoproError, match="no model yet; wait for it, or repeat"):
        PromptClassifier.load(tmp_path)


def test_the_backbone_must_be_the_same(make: Make, given: Given, tmp_path: Path) -> None:
    weights = tmp_path / "weights.safetensors"
    save_file(small_clip(vision=VISION, text=TEXT, embed=16, seed=8).state_dict(), weights)
    fitted = make(pretrained=str(weights)).fit(*given)
    folder = fitted.save(tmp_path / "model")
    moved = weights.rename(tmp_path / "moved.safetensors")
    with pytest.raises(GoproError, match=r"needs its backbone tiny-test.*weights\.safetensors"):
        PromptClassifier.load(folder, device="cpu")
    # the same weights from another kind of file
    torch.save(load_file(moved), tmp_path / "moved.pt")
    for path in (moved, tmp_path / "moved.pt"):
        loaded = PromptClassifier.load(folder, device="cpu", pretrained=str(path))
        assert np.array_equal(loaded.predict_proba(given[0]), fitted.predict_proba(given[0]))
    with pytest.raises(GoproError, match="other weights of tiny-test"):
        PromptClassifier.load(folder, device="cpu", pretrained=str(make().pretrained))


def test_a_student_that_was_saved_can_learn_again(
    make: Make, given: Given, model: Path, tmp_path: Path
) -> None:
    student = make(method="promptkd", epochs=1, options={"teacher": str(model)}).fit(*given)
    loaded = PromptClassifier.load(student.save(tmp_path / "student"), device="cpu")
    assert np.array_equal(
        loaded.fit(*given).predict_proba(given[0]), student.predict_proba(given[0])
    )


def test_a_full_gpu_is_no_fault_of_the_model(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory.")

    monkeypatch.setattr(storage, "_backbone", fail)
    with pytest.raises(torch.OutOfMemoryError):
        PromptClassifier.load(model, device="cpu")


def test_a_backbone_that_is_a_folder(
    make: Make, given: Given, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    weights = clip_folder(tmp_path / "clip") / "open_clip_model.safetensors"
    monkeypatch.chdir(tmp_path)
    fitted = make(backbone="local-dir:clip", pretrained=None).fit(*given)
    monkeypatch.chdir(fitted.save(tmp_path / "model"))
    loaded = PromptClassifier.load(tmp_path / "model", device="cpu")
    assert np.array_equal(loaded.predict_proba(given[0]), fitted.predict_proba(given[0]))
    save_file({name: value * 2 for name, value in load_file(weights).items()}, weights)
    with pytest.raises(GoproError, match=r"other weights of local-dir:.*; put those back"):
        PromptClassifier.load(tmp_path / "model", device="cpu")


def test_the_precision_may_change(model: Path, given: Given) -> None:
    exact = PromptClassifier.load(model, device="cpu").predict_proba(given[0])
    rough = PromptClassifier.load(model, device="cpu", precision="bf16").predict_proba(given[0])
    assert not np.array_equal(exact, rough)
    assert np.allclose(exact, rough, atol=0.2)


def test_numbers_of_a_search_are_saved_and_older_models_read(
    make: Make, given: Given, tmp_path: Path
) -> None:
    settings = {"batch": np.int64(8), "seed": np.int64(2), "fast": np.False_, "lr": np.float64(0.1)}
    folder = make(**settings).fit(*given).save(tmp_path / "model")
    made = PromptClassifier.load(folder, device="cpu")
    assert (made.batch, made.seed, made.fast, made.lr) == (8, 2, False, 0.1)
    assert type(made.batch) is int
    _edit(lambda about: about["settings"].pop("examples"), seal=True)(folder)
    assert PromptClassifier.load(folder, device="cpu").examples == PromptClassifier().examples


def test_a_setting_of_the_wrong_type_is_refused_when_saving(
    make: Make, given: Given, tmp_path: Path
) -> None:
    fitted = make().fit(*given).set_params(fast=1)
    with pytest.raises(GoproError, match="of the wrong kind"):
        fitted.save(tmp_path / "model")
    assert not list(tmp_path.glob("model/*"))
