"""Training in half precision with values for which the published codes overflow.

The largest half-precision number is 65,504. In these settings the encoders have activations of a
few hundred, whose squares are larger; the exponential of the stored logit scale is larger; and the
temperature makes the exponentials of NT-Xent larger.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from gopro.backbones import Backbone
from gopro.methods import find
from gopro.methods.base import Recipe
from gopro.methods.zeroshot import ZeroShot, ZeroShotSettings
from gopro.training.config import ViewSettings
from gopro.training.trainer import Trainer
from gopro.training.trainingset import TrainingSet
from small_clips import small_clip, tokenizer
from tiny_run import TEXT, VISION

STORED_SCALE = 12.0
TEMPERATURE = 0.05
STEPS, BATCH = 200, 4

_NAMES = ("ant", "bee", "cat")
_LOUD = 400.0


def loud_backbone(precision: str) -> Backbone:
    """A tiny CLIP with large activations between its blocks and a logit scale above the bound."""
    model: Any = small_clip(vision=VISION, text=TEXT, embed=16, seed=5)
    with torch.no_grad():
        model.visual.ln_pre.weight *= _LOUD
        model.logit_scale.fill_(STORED_SCALE)
    return Backbone(model, tokenizer(), name="loud").to("cpu", precision)


def pictures() -> TrainingSet:
    """40 noisy pictures of 3 classes, each class with its own colour."""
    dice, count = torch.Generator().manual_seed(0), 10 * BATCH
    labels = torch.arange(count) % len(_NAMES)
    pixels = torch.randint(0, 90, (count, 3, 32, 32), generator=dice, dtype=torch.uint8)
    pixels[torch.arange(count), labels] += 100
    return TrainingSet(pixels, labels)


def train(name: str, folder: Path, precision: str, **options: Any) -> Trainer:
    """200 steps of a method with such a backbone.

    Args:
        name: Of the method.
        folder: Of the run.
        precision: Of the encoders.
        options: The settings of the method.
    """
    kind = find(name)
    torch.manual_seed(0)
    backbone = loud_backbone(precision)
    method = kind(backbone, _NAMES, kind.Settings(**options))
    if kind.learns_from_teacher:
        method.set_teacher(ZeroShot(backbone, _NAMES, ZeroShotSettings()), _NAMES)
    data = pictures()
    epochs = STEPS * BATCH // len(data.labels)
    recipe = Recipe(epochs=epochs, batch=BATCH, lr=0.002, augment="none")
    made = Trainer(
        method,
        data,
        recipe,
        folder=folder,
        seed=1,
        views=ViewSettings(),
        precision=precision,
        checkpoint_every=epochs,
    )
    made.run()
    return made


def assert_sound(made: Trainer) -> None:
    """Assert that all numbers are finite, the weights changed, and the loss fell."""
    rows = made.progress.rows
    values = torch.tensor([value for row in rows for value in row.values()])
    assert values.isfinite().all()
    assert all(tensor.isfinite().all() for tensor in made.method.state_dict().values())
    assert rows[-1]["loss"] < rows[0]["loss"]
    assert made.method.backbone.logit_scale.item() == 100.0  # CLIP's bound; it is not learned
    assert not any("logit_scale" in learned for learned, _ in made.method.named_parameters())
