"""Saved training pictures: balanced over classes, limited, saved and loaded, optional."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import torch

from gopro import GoproError, PromptClassifier
from gopro.classifier import examples
from gopro.classifier.examples import Examples
from gopro.classifier.modelfiles import EXAMPLES
from small_clips import small_backbone
from tiny_classifier import Given, Make

PIXELS = torch.randint(0, 256, (9, 3, 32, 32), generator=torch.Generator().manual_seed(0)).byte()
LABELS = [0, 0, 0, 0, 0, 1, 1, 2, 2]


def test_balanced_over_classes() -> None:
    result = Examples.of(PIXELS, LABELS, small_backbone(), 5)
    assert result is not None
    assert result.labels == (0, 0, 1, 1, 2)
    assert result.open(0).size == (examples.SIDE, examples.SIDE)
    assert Examples.of(PIXELS, LABELS, small_backbone(), 0) is None


def test_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(examples, "MOST", 3)
    result = Examples.of(PIXELS, LABELS, small_backbone(), 1000)
    assert result is not None
    assert result.labels == (0, 1, 2)


def test_saved_and_read_back(tmp_path: Path) -> None:
    examples = Examples.of(PIXELS, LABELS, small_backbone(), 9)
    assert examples is not None
    examples.save(tmp_path / "kept.safetensors")
    again = Examples.load(tmp_path / "kept.safetensors")
    assert (again.labels, again.pictures) == (examples.labels, examples.pictures)
    assert torch.equal(again.embedding, examples.embedding)
    index, cosine = again.nearest(examples.embedding[4], 1)[0]
    assert (index, round(cosine, 2)) == (4, 1.0)


def test_damaged_picture() -> None:
    broken = Examples(torch.zeros(1, 4).half(), (0,), (b"no picture",))
    with pytest.raises(GoproError, match="damaged"):
        broken.open(0)


def test_in_a_model_folder(make: Make, given: Given, tmp_path: Path) -> None:
    model = make(epochs=1, examples=4).fit(*given).save(tmp_path / "model")
    loaded = PromptClassifier.load(model, device="cpu")
    assert loaded.examples_ is not None
    assert len(loaded.examples_.pictures) == 4
    without = shutil.copytree(model, tmp_path / "without")
    (without / EXAMPLES).unlink()
    assert PromptClassifier.load(without, device="cpu").examples_ is None
    changed = shutil.copytree(model, tmp_path / "changed")
    (changed / EXAMPLES).write_bytes(b"x")
    with pytest.raises(GoproError, match="isn't the file that was saved"):
        PromptClassifier.load(changed, device="cpu")
    make(epochs=1, examples=0).fit(*given).save(model)
    assert not (model / EXAMPLES).exists()
