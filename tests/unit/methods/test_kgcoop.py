"""KgCoOp against its formulas."""

from __future__ import annotations

from pathlib import Path

import pytest
import slow_methods as slow
import torch
from slow_methods import NAMES, READ

from gopro.backbones import Backbone
from gopro.methods.base import Batch, Recipe
from gopro.methods.kgcoop import KgCoOp, KgCoOpSettings
from small_clips import close


@pytest.mark.parametrize("template", ["a photo of a {}.", "{}, a type of thing."])
def test_formulas(backbone: Backbone, batch: Batch, template: str) -> None:
    method = KgCoOp(backbone, NAMES, KgCoOpSettings(template=template))
    slow.stir(method)
    features = backbone.encode_image(batch.images["x"])
    ends = [slow.words(backbone, f"{name}.") for name in READ]
    texts = [slow.unit(slow.sentence(backbone, [method.context, end])) for end in ends]
    wanted = slow.scores(backbone, features.embedding, torch.stack(texts))
    close(method.logits(features), wanted)
    distance = sum(
        1 - text @ other
        for text, other in zip(texts, slow.written(backbone, template), strict=True)
    ) / len(texts)
    loss = slow.cross_entropy(wanted, batch.labels) + 8.0 * distance
    terms = method.loss(batch)
    assert method.loss_weights == {"ce": 1.0, "kg": 8.0}
    close(terms["kg"], distance, 1e-4)
    close(method.total_loss(terms), loss)
    close(
        slow.gradients(method.total_loss(terms), method)[0], slow.gradients(loss, method)[0], 1e-4
    )
    slow.check_gradients(method, batch)


def test_at_the_start_the_prompts_are_the_written_ones(backbone: Backbone, batch: Batch) -> None:
    method = KgCoOp(backbone, NAMES, KgCoOpSettings())
    assert method.loss(batch)["kg"].abs() < 1e-5


def test_new_names(backbone: Backbone, batch: Batch) -> None:
    method = KgCoOp(backbone, NAMES, KgCoOpSettings())
    slow.stir(method)
    slow.check_new_names(method, batch.images["x"])
    slow.check_state(method, {"context"})
    tree = method.for_classes(["tree"])
    close(tree.template_text(), slow.written(backbone, "a photo of a {}.", ["tree"]))


def test_training(backbone: Backbone, tmp_path: Path) -> None:
    method = KgCoOp(backbone, NAMES, KgCoOpSettings())
    rows = slow.check_training(method, tmp_path, Recipe(epochs=6, batch=6, augment="none"))
    assert {"ce", "kg"} <= set(rows[0])
