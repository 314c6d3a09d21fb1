"""Scores by a fitted map, and exactly for the classes that the map leaves in question."""

from __future__ import annotations

import copy

import torch
from torch import Tensor

from gopro.backbones import ImageFeatures
from gopro.prediction.fast.conditioned import Conditioned
from gopro.prediction.fast.fitted import FastMap

_FAR = 8.0  # an error grown so many times is not relied on: all classes get exact scores


class FastPrompts:
    """A method's scores without a text pass over all classes.

    Attributes:
        answered: How many images were scored.
        asked: How many of them needed the text tower for some classes.
        pairs: For how many of their classes together.

    Args:
        method: Trained, with the class names that the map is for.
        fitted: Its map.
    """

    def __init__(self, method: Conditioned, fitted: FastMap) -> None:
        self.method, self.fitted = method, fitted
        self.images = self.exact_images = self.exact_pairs = 0

    @torch.no_grad()
    def logits(self, features: ImageFeatures) -> Tensor:
        """Class scores [B, C]: exact ones for all classes that may be the best, fast ones else."""
        method, scale = self.method, self.method.backbone.logit_scale
        shifts, images = method.shifts(features), method.image_embedding(features)
        phi, growth = self.fitted.subspace.features(shifts.flatten(1))
        logits: Tensor = scale * self.fitted.cosines(phi, images)
        lowest = logits.amax(dim=1) - self.fitted.reach * growth
        asked = (logits >= lowest[:, None]) | (growth > _FAR)[:, None]
        question = asked.sum(dim=1) > 1
        exact = torch.zeros_like(asked)
        while True:
            asked &= question[:, None] & ~exact
            if not asked.any():
                break
            self._put(logits, asked, shifts, images)
            exact |= asked
            # exact scores that came out lower may leave a fast one on top
            best = logits.masked_fill(~exact, float("-inf")).amax(dim=1, keepdim=True)
            asked = logits > best
        self.images += len(logits)
        self.exact_images += int(question.sum())
        self.exact_pairs += int(exact.sum())
        return logits

    def _put(self, logits: Tensor, asked: Tensor, shifts: Tensor, images: Tensor) -> None:
        """Write exact scores over the fast ones of the classes asked for, [B, C]."""
        method, scale = self.method, self.method.backbone.logit_scale
        # an image with most classes in question shares one pass among them
        whole = 2 * asked.sum(dim=1) > logits.shape[1]
        for place in torch.nonzero(whole):
            text = method.text_embedding(shifts[place])
            logits[place] = scale * torch.einsum("be,bce->bc", images[place], text)
        rows, columns = torch.nonzero(asked & ~whole[:, None], as_tuple=True)
        lengths = torch.tensor(method.classes.lengths, device=columns.device)[columns]
        for length in set(lengths.tolist()):
            row, column = rows[lengths == length], columns[lengths == length]
            logits[row, column] = scale * self._exact(shifts[row], images[row], column, length)

    def _exact(self, shifts: Tensor, images: Tensor, classes: Tensor, length: int) -> Tensor:
        """Cosines [b] of b images with a class each, all of the same number of tokens."""
        one = copy.copy(self.method)
        one.classes = self.method.classes.each(classes, length)
        return torch.einsum("be,bce->b", images, one.text_embedding(shifts))
