"""Scores by a fitted map, and exact scores for the classes that may be the top-1."""

from __future__ import annotations

import copy

import torch
from torch import Tensor

from gopro.backbones import ImageFeatures
from gopro.prediction.fast.fitted import FastMap
from gopro.prediction.fast.image_dependent import Conditioned

_FAR = 8.0  # with an error this many times larger, all classes get exact scores


class FastPrompts:
    """A method's scores without a text pass over all classes.

    Attributes:
        images: Number of scored images.
        exact_images: Number of these with exact scores for some classes.
        exact_pairs: Number of pairs of image and class with exact scores.

    Args:
        method: The trained method, with the class names of the map.
        fitted: Its map.
    """

    def __init__(self, method: Conditioned, fitted: FastMap) -> None:
        self.method, self.fitted = method, fitted
        self.images = self.exact_images = self.exact_pairs = 0

    @torch.no_grad()
    def logits(self, features: ImageFeatures) -> Tensor:
        """Class scores [B, C]: exact for all classes that may be the top-1, else approximate.

        The mean error of an image's exact classes is taken off its approximate scores.
        """
        method, scale = self.method, self.method.backbone.logit_scale
        shifts, images = method.shifts(features), method.image_embedding(features)
        phi, growth = self.fitted.subspace.features(shifts.flatten(1))
        approximate: Tensor = scale * self.fitted.cosines(phi, images)
        logits = approximate.clone()
        lowest = logits.amax(dim=1) - self.fitted.reach * growth
        candidates = (logits >= lowest[:, None]) | (growth > _FAR)[:, None]
        undecided = candidates.sum(dim=1) > 1
        exact = torch.zeros_like(candidates)
        while True:
            candidates &= undecided[:, None] & ~exact
            if not candidates.any():
                break
            exact |= self._set_exact(logits, candidates, shifts, images)
            # the reach is that of the errors between classes; the error that they share, which the
            # exact scores show, would put approximate scores above them
            errors = (approximate - logits).masked_fill(~exact, 0).sum(dim=1)
            errors /= exact.sum(dim=1).clamp(min=1)
            logits = torch.where(exact, logits, approximate - errors[:, None])
            best = logits.masked_fill(~exact, float("-inf")).amax(dim=1, keepdim=True)
            candidates = logits > best
        self.images += len(logits)
        self.exact_images += int(undecided.sum())
        self.exact_pairs += int(exact.sum())
        return logits

    def _set_exact(
        self, logits: Tensor, candidates: Tensor, shifts: Tensor, images: Tensor
    ) -> Tensor:
        """Replace the scores of the candidates [B, C] by exact ones.

        Returns:
            Which scores are exact now, [B, C]: with most classes of an image, all of them.
        """
        method, scale = self.method, self.method.backbone.logit_scale
        # an image with most classes as candidates gets one pass over all classes
        most = 2 * candidates.sum(dim=1) > logits.shape[1]
        for index in torch.nonzero(most):
            text = method.text_embedding(shifts[index])
            logits[index] = scale * torch.einsum("be,bce->bc", images[index], text)
        rows, columns = torch.nonzero(candidates & ~most[:, None], as_tuple=True)
        if len(rows):
            some, places = torch.unique(rows, return_inverse=True)
            pairs = copy.copy(method)
            pairs.classes = method.classes.paired(places, columns)
            text = pairs.text_embedding(shifts[some])[:, 0]  # an image's classes share its context
            logits[rows, columns] = scale * (images[rows] * text).sum(dim=1)
        return candidates | most[:, None]
