"""``gopro fit``: where the model goes, and what is left of a fit that was stopped."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from gopro import GoproError, PromptClassifier
from gopro.classifier import crossvalidation, fitting, page
from gopro.classifier.modelfiles import reserved
from gopro.training.trainer import CHECKPOINT, Trainer
from tiny_classifier import Given, Make
from tiny_run import CLASSES, Cli, write_photos

Fit = Any


def test_without_out_the_folder_gets_a_name(
    cli: Cli, tiny: list[str], photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    answer = cli("fit", photos, *tiny, "--method", "coop", "--epochs", 1)
    assert answer.code == 0, answer.err
    assert "the classifier is in animals-model" in answer.out
    assert (tmp_path / "animals-model" / "classifier.json").exists()


def test_a_model_inside_the_photographs_is_refused(
    cli: Cli, fit: Fit, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "is inside the photographs" in fit(photos, photos / "model").line
    monkeypatch.chdir(photos)
    assert "is inside the photographs" in cli("fit", ".").line
    assert not list(photos.glob("*model*"))


def test_two_fits_into_one_folder(fit: Fit, photos: Path, tmp_path: Path) -> None:
    with reserved(tmp_path / "model"):
        code = (
            "from gopro.classifier.modelfiles import reserved; from pathlib import Path\n"
            f"with reserved(Path({str(tmp_path / 'model')!r})): pass"
        )
        other = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
        assert "another process is fitting or saving a classifier" in other.stderr
    assert not (tmp_path / "model").exists()
    assert fit(photos, tmp_path / "model").code == 0
    (tmp_path / "model" / "unfinished").mkdir()  # with a file of the system, for example
    assert "holds a classifier already" in fit(photos, tmp_path / "model").line


def test_ctrl_c_saves_the_training(
    fit: Fit, photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert fit(photos, tmp_path / "whole").code == 0
    steps = Trainer._step

    def stopping(trainer: Trainer, *step: Any) -> dict[str, float]:
        if trainer.progress.epoch == 1:
            signal.raise_signal(signal.SIGINT)
        return steps(trainer, *step)

    monkeypatch.setattr(Trainer, "_step", stopping)
    answer = fit(photos, tmp_path / "model")
    assert answer.code == 130
    assert f"saved in {tmp_path / 'model' / 'unfinished'}; the same fit continues it" in answer.err
    monkeypatch.undo()
    line = fit(photos, tmp_path / "model", "--seed", 2).line
    assert "holds a fit that was stopped, with other" in line and "seed" in line
    checkpoint = tmp_path / "model" / "unfinished" / CHECKPOINT
    whole = checkpoint.read_bytes()
    checkpoint.write_bytes(whole[:-9])
    line = fit(photos, tmp_path / "model").line
    assert line.endswith(f"damaged or not gopro's: remove {checkpoint.parent} to start again")
    checkpoint.write_bytes(whole)
    answer = fit(photos, tmp_path / "model")
    assert answer.code == 0, answer.err
    assert sorted(path.name for path in (tmp_path / "model").iterdir()) == sorted(
        path.name for path in (tmp_path / "whole").iterdir()
    )
    weights = [(tmp_path / name / "model.safetensors").read_bytes() for name in ("whole", "model")]
    assert weights[0] == weights[1]


def test_a_fit_that_has_learned_nothing_is_in_nobodys_way(
    fit: Fit, make: Make, given: Given, photos: Path, tmp_path: Path, monkeypatch: Any
) -> None:
    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    out = tmp_path / "model"
    with monkeypatch.context() as patched:
        patched.setattr(fitting, "learn_classifier", stop)
        answer = fit(photos, out)
        assert (answer.code, answer.err) == (130, "\ngopro: stopped; nothing was kept\n")
        assert not out.exists()
        with pytest.raises(KeyboardInterrupt):  # as one that was killed
            make().fit(*given, checkpoint=out / "unfinished")
        assert (out / "unfinished").exists()
    answer = fit(photos, out, "--seed", 2)
    assert answer.code == 0, answer.err
    assert not (out / "unfinished").exists()


@pytest.mark.parametrize("failure", [KeyboardInterrupt, GoproError("the pictures are gone")])
@pytest.mark.parametrize(
    ("step", "without"),
    [
        ("with_others", "--others, a measurement, page.html"),
        ("compare", "a measurement, page.html"),
        ("page", "page.html"),
    ],
)
def test_the_same_command_finishes_what_follows_the_training(
    fit: Fit,
    photos: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    failure: Any,
    step: str,
    without: str,
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise failure

    more = write_photos(tmp_path / "others", ["x"], count=3, seed=5)
    out, words = tmp_path / "model", ("--folds", 2, "--others", more)
    with monkeypatch.context() as patched:
        patched.setattr(*((page, "write") if step == "page" else (PromptClassifier, step)), fail)
        answer = fit(photos, out, *words)
    assert answer.code == (2 if isinstance(failure, GoproError) else 130)
    assert f"the classifier is saved in {out}, but without {without}" in answer.err
    assert answer.err.endswith("; the same command continues\n")
    assert PromptClassifier.load(out, device="cpu").classes_.tolist() == sorted(CLASSES)
    assert "a fit that was stopped, with other seed" in fit(photos, out, *words, "--seed", 2).line
    with monkeypatch.context() as patched:
        patched.setattr(Trainer, "_step", lambda *_: pytest.fail("trained again"))
        patched.setattr(crossvalidation, "learn_classifier", lambda *_: None)
        answer = fit(photos, out, *words)
    assert answer.code == 0, answer.err
    assert not (out / "unfinished").exists()
    about = json.loads((out / "classifier.json").read_text(encoding="utf-8"))
    assert about["measured"]["pictures"] == 16
    assert "set with 3 examples" in answer.out
    assert (out / "page.html").exists()
    assert "holds a classifier already" in fit(photos, out, *words).line


def test_a_place_that_is_taken(fit: Fit, photos: Path, model: Path, tmp_path: Path) -> None:
    assert "holds a classifier already" in fit(photos, model).line
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "thesis.txt").touch()
    assert "holds other things" in fit(photos, tmp_path / "other").line
    assert "is a file" in fit(photos, tmp_path / "other" / "thesis.txt").line
    assert "can't write" in fit(photos, tmp_path / "other" / "thesis.txt" / "x").line


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_place_that_may_not_be_written(fit: Fit, photos: Path, tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    assert "can't write" in fit(photos, tmp_path / "model").line


def test_what_a_killed_saving_left_is_in_nobodys_way(
    fit: Fit, photos: Path, tmp_path: Path
) -> None:
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / ".classifier.json.x1y2.tmp").write_text("{")
    assert fit(photos, tmp_path / "model").code == 0
    assert not list((tmp_path / "model").glob(".*"))


def test_a_training_that_stops_being_numbers(fit: Fit, photos: Path, tmp_path: Path) -> None:
    line = fit(photos, tmp_path / "model", "--lr", 1e38, "--precision", "bf16").line
    assert "is not finite" in line or "is nan" in line or "is inf" in line
    assert "in epoch 2, step " in line and ".png" in line
    assert line.endswith("; use --precision fp32 or a lower --lr: nothing was kept")
    assert not (tmp_path / "model").exists()
