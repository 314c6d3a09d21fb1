"""Scores by a fitted map, and exactly for the classes that the map leaves in question."""

from __future__ import annotations

import copy

import torch
from torch import Tensor

from gopro.backbones import ImageFeatures
from gopro.fast.conditioned import Conditioned
from gopro.fast.fitted import FastMap

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
        self.answered = self.asked = self.pairs = 0

    @torch.no_grad()
    def logits(self, features: ImageFeatures) -> Tensor:
        """Class scores [B, C]: exact ones for all classes that may be the best, fast ones else."""
        method, scale = self.method, self.method.backbone.logit_scale
        shifts, images = method.shifts(features), method.image_embedding(features)
        phi, growth = self.fitted.subspace.features(shifts.flatten(1))
        logits: Tensor = scale * self.fitted.cosines(phi, images)
        lowest = logits.amax(dim=1) - self.fitted.reach * growth
        asked = (logits >= lowest[:, None]) | (growth > _FAR)[:, None]
        counts = asked.sum(dim=1)
        asked &= (counts > 1)[:, None]  # where one class is left there is no question
        # an image with most classes in question shares one pass among them
        whole = 2 * counts > logits.shape[1]
        for place in torch.nonzero(whole & (counts > 1)):
            text = method.text_embedding(shifts[place])
            logits[place] = scale * torch.einsum("be,bce->bc", images[place], text)
        rows, columns = torch.nonzero(asked & ~whole[:, None], as_tuple=True)
        for length in set(method.classes.lengths):
            of_length = torch.tensor(method.classes.lengths, device=columns.device) == length
            row, column = rows[of_length[columns]], columns[of_length[columns]]
            if len(row):
                logits[row, column] = scale * self._exact(shifts[row], images[row], column, length)
        self.answered += len(logits)
        self.asked += int((counts > 1).sum())
        self.pairs += int(asked.sum())
        return logits

    def _exact(self, shifts: Tensor, images: Tensor, classes: Tensor, length: int) -> Tensor:
        """Cosines [b] of b images with a class each, all of the same number of tokens."""
        one = copy.copy(self.method)
        one.classes = self.method.classes.each(classes, length)
        return torch.einsum("be,bce->b", images, one.text_embedding(shifts))
