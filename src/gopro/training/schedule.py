"""The learning-rate schedule: a function of the epoch."""

from __future__ import annotations

import math

from gopro.methods.base import Recipe


def learning_rate(recipe: Recipe, epoch: int) -> float:
    """Constant warm-up, then a cosine to zero, as in the CoOp code base.

    ``lr(t) = lr/2 (1 + cos(pi (t - w) / T))`` for epochs t = w, w+1, .. after w warm-up epochs of
    T in all; ``warmup_lr`` before.

    Args:
        recipe: Holds lr, warmup_lr, w and T.
        epoch: Counted from 0.
    """
    if epoch < recipe.warmup_epochs:
        return recipe.warmup_lr
    progress = (epoch - recipe.warmup_epochs) / recipe.epochs
    return 0.5 * recipe.lr * (1 + math.cos(math.pi * progress))
