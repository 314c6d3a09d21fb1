"""The learning-rate schedule: a function of the epoch."""

from __future__ import annotations

import math

from gopro.methods.base import Recipe


def learning_rate(recipe: Recipe, epoch: int, stage: tuple[int, int] | None = None) -> float:
    """Constant warm-up, then a cosine to zero, as in the CoOp code base.

    ``lr(t) = lr/2 (1 + cos(pi (t - w) / T))`` for epochs t = w, w+1, .. after w warm-up epochs of
    T in all; ``warmup_lr`` before. Each stage has its own curve.

    Args:
        recipe: Holds lr, warmup_lr, w and T.
        epoch: Counted from 0.
        stage: Its first epoch, and T; see ``Method.stage_of``.
    """
    first, epochs = stage or (0, recipe.epochs)
    if epoch - first < recipe.warmup_epochs:
        return recipe.warmup_lr
    progress = (epoch - first - recipe.warmup_epochs) / epochs
    return 0.5 * recipe.lr * (1 + math.cos(math.pi * progress))
