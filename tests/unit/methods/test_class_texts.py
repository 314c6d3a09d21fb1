"""The methods with a file of sentences about each class, against slow formulas."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import slow_methods as slow
import torch
from slow_methods import NAMES, READ
from torch import Tensor

from gopro.backbones import Backbone
from gopro.common.errors import GoproError
from gopro.methods.base import Batch
from gopro.methods.kgcoop import KgCoOp, KgCoOpSettings
from gopro.methods.promptsrc import PromptSRC, PromptSRCSettings
from gopro.methods.zeroshot import ZeroShot, ZeroShotSettings
from small_clips import close

TEXTS = {
    "cat": ["It purrs.", "whiskers, and a tail"],
    "golden retriever": ["It fetches.", "It is blond.", "It purrs."],
    "C-130_Hercules": ["It flies."],
}


@pytest.fixture
def file(tmp_path: Path) -> str:
    path = tmp_path / "texts.json"
    path.write_text(json.dumps(TEXTS), encoding="utf-8")
    return str(path)


def means(backbone: Backbone, *, unit: bool) -> Tensor:
    """Unit means [C, e], sentence by sentence."""
    rows = []
    for name in ("cat", "golden retriever", "C-130_Hercules"):
        texts = [slow.sentence(backbone, [slow.words(backbone, text)]) for text in TEXTS[name]]
        texts = [slow.unit(text) for text in texts] if unit else texts
        rows.append(slow.unit(sum(texts[1:], texts[0]) / len(texts)))
    return torch.stack(rows).detach()


def test_zero_shot(backbone: Backbone, batch: Batch, file: str) -> None:
    features = backbone.encode_image(batch.images["x"])
    method = ZeroShot(backbone, NAMES, ZeroShotSettings(texts=file))
    wanted = slow.scores(backbone, features.embedding, means(backbone, unit=True))
    close(method.logits(features), wanted)
    with pytest.raises(GoproError, match="no sentences about the class 'tree'"):
        method.for_classes(["tree"])
    with pytest.raises(GoproError, match="got texts and the ensemble select; choose one of them"):
        ZeroShotSettings(texts=file, ensemble="select")


def test_sentences_that_read_the_same_or_are_too_long(backbone: Backbone, tmp_path: Path) -> None:
    file = tmp_path / "same.json"
    file.write_text(json.dumps({"cat": ["A furry animal."], "dog": ["a furry animal."]}))
    cat, dog = ZeroShot(backbone, ["cat", "dog"], ZeroShotSettings(texts=str(file))).text
    close(cat, dog)
    file.write_text(json.dumps({"cat": ["fur " * 23], "dog": ["a furry animal."]}))
    with pytest.raises(GoproError, match=r"the text 'fur .*' is 23 tokens long and only 22 fit"):
        ZeroShot(backbone, ["cat", "dog"], ZeroShotSettings(texts=str(file)))


def test_kgcoop(backbone: Backbone, batch: Batch, file: str) -> None:
    method = KgCoOp(backbone, NAMES, KgCoOpSettings(texts=file))
    slow.stir(method)
    ends = [slow.words(backbone, f"{name}.") for name in READ]
    texts = [slow.unit(slow.sentence(backbone, [method.context, end])) for end in ends]
    distance = sum(
        1 - text @ other for text, other in zip(texts, means(backbone, unit=True), strict=True)
    ) / len(texts)
    close(method.loss(batch)["kg"], torch.as_tensor(distance), 1e-4)
    # needed in training alone: other names need no sentences
    method.for_classes(["tree"]).logits(backbone.encode_image(batch.images["x"]))


def test_promptsrc(backbone: Backbone, file: str) -> None:
    method = PromptSRC(backbone, NAMES, PromptSRCSettings(texts=file))
    close(method.frozen_text(), means(backbone, unit=False))
