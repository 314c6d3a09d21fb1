"""SLIP against its formulas."""

from __future__ import annotations

from pathlib import Path

import pytest
import slow_methods as slow
import torch
from slow_methods import NAMES
from torch import Tensor

from gopro.backbones import Backbone
from gopro.common.errors import GoproError
from gopro.methods.base import Batch, Recipe
from gopro.methods.slip import SLIP, SLIPSettings
from gopro.methods.zeroshot import ZeroShot, ZeroShotSettings
from small_clips import close


def slip(backbone: Backbone, **options: float) -> SLIP:
    method = SLIP(backbone, NAMES, SLIPSettings(**options))  # type: ignore[arg-type]
    slow.stir(method)
    return method


def projected(method: SLIP, embedding: Tensor) -> list[Tensor]:
    weight, bias = method.projector.weight, method.projector.bias
    rows = [slow.unit(row) for row in embedding]
    return [slow.unit(row + weight @ row + bias) for row in rows]


def contrast(a: list[Tensor], b: list[Tensor], temperature: float) -> Tensor:
    rows, count = [*a, *b], len(a)
    total = torch.zeros(())
    for i, row in enumerate(rows):
        others = [torch.exp(row @ rows[k] / temperature) for k in range(2 * count) if k != i]
        partner = torch.exp(row @ rows[(i + count) % (2 * count)] / temperature)
        total = total - torch.log(partner / torch.stack(others).sum())
    return total / (2 * count)


def test_formulas(backbone: Backbone, batch: Batch) -> None:
    method = slip(backbone, temperature=0.3, w_con=0.7)
    assert method.views == ("x", "moco")
    features = {view: backbone.encode_image(batch.images[view]) for view in method.views}
    x, moco = (projected(method, features[view].embedding) for view in method.views)
    texts = slow.written(backbone, "a photo of a {}.")
    wanted = slow.scores(backbone, torch.stack(x), texts)
    close(method.logits(features["x"]), wanted)
    needed = {view: batch.images[view] for view in method.views}
    terms = method.loss(Batch(labels=batch.labels, images=needed))
    entropy, con = slow.cross_entropy(wanted, batch.labels), contrast(x, moco, 0.3)
    close(terms["ce"], entropy)
    close(terms["con"], con)
    for mine, plain in zip(
        slow.gradients(method.total_loss(terms), method),
        slow.gradients(entropy + 0.7 * con, method),
        strict=True,
    ):
        close(mine, plain, 5e-5)


def test_starts_at_zero_shot(backbone: Backbone, batch: Batch) -> None:
    features = backbone.encode_image(batch.images["x"])
    zero = ZeroShot(backbone, NAMES, ZeroShotSettings())
    close(SLIP(backbone, NAMES, SLIPSettings()).logits(features), zero.logits(features))


def test_without_the_contrast(backbone: Backbone, batch: Batch) -> None:
    method = slip(backbone, w_con=0.0)
    assert method.views == ("x",)
    assert set(method.loss(batch)) == {"ce"}


def test_new_names_and_state(backbone: Backbone, batch: Batch) -> None:
    method = slip(backbone)
    slow.check_gradients(method, batch)
    slow.check_new_names(method, batch.images["x"])
    slow.check_state(method, {"projector.weight", "projector.bias"})


def test_training(backbone: Backbone, tmp_path: Path) -> None:
    rows = slow.check_training(
        slip(backbone), tmp_path, Recipe(epochs=8, batch=6, lr=0.003, augment="none")
    )
    assert {"ce", "con"} <= set(rows[0])


@pytest.mark.parametrize(
    "options", [{"w_con": -1.0}, {"w_con": float("nan")}, {"temperature": 0.0}]
)
def test_what_is_refused(options: dict[str, float]) -> None:
    with pytest.raises(GoproError):
        SLIPSettings(**options)  # type: ignore[arg-type]
