"""The linear map from an image's shift to the text embeddings, with its measured errors."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from gopro.common.progress import bar
from gopro.prediction.fast.image_dependent import Conditioned, Reference, with_classes
from gopro.prediction.fast.subspace import Subspace

LEADING = 5
"""Number of an image's exact best classes whose relative errors are measured."""

_CLASSES = 32  # classes whose exact embeddings are in memory at once
_QUANTILE = 0.95  # of the relative errors of the leading classes, which ``reach`` covers
_SAFETY = 1.5  # times the largest distance of a true top-1 below the approximate top-1


@dataclass(frozen=True)
class FastMap:
    """Replaces the text encoder for one list of classes.

    Attributes:
        subspace: Subspace of the training images' shifts.
        weights: [p e, C], rounded to half precision.
        reach: Classes whose fast score is within ``reach`` of the best one may be the true top-1,
            as measured on training images left out of the fit.
        error: The largest and the mean absolute error of a score on these.
    """

    subspace: Subspace
    weights: Tensor
    reach: float
    error: tuple[float, float]

    def cosines(self, phi: Tensor, images: Tensor) -> Tensor:
        """[B, C] from features of shifts [B, p] and unit image embeddings [B, e]."""
        pairs = (phi[:, :, None] * images[:, None]).flatten(1)
        return pairs @ self.weights


@torch.no_grad()
def fit(method: Conditioned, reference: Reference) -> FastMap:
    """Least squares on training images, with leave-one-out errors.

    With H = Phi (Phi^T Phi)^-1 Phi^T, the error at image i of a fit without it is the error of the
    fit to all images there, divided by 1 - H_ii. d_i: the largest difference between the errors of
    two leading classes. D_i: how far the true top-1 falls below the approximate top-1; usually 0.
    ``reach`` is the larger of the 95th percentile of d and 1.5 times the largest D.

    Args:
        method: The trained method, with the class names to predict.
        reference: Training images, by the same learned weights.
    """
    shifts, images = reference.shifts, reference.images
    subspace = Subspace.of(shifts.flatten(1))
    phi, _ = subspace.features(shifts.flatten(1))
    solve = torch.linalg.pinv(phi.cpu().double()).to(phi)  # [p, n]
    # at least 1e-3: with very few images 1 - H_ii can be 0
    left_out = (1 - (phi * solve.T).sum(dim=1)).clamp(min=1e-3)
    weights, fast, exact = [], [], []
    indices = torch.arange(len(method.classes.lengths))
    with bar("preparing fast prediction", len(indices)) as advance:
        for block in torch.split(indices, _CLASSES):
            text = with_classes(method, block.tolist()).text_embedding(shifts)  # [n, c, e]
            block_weights = torch.einsum("pn,nce->pec", solve, text).flatten(0, 1)
            # the errors are those of the stored weights, in half precision
            part = FastMap(subspace, block_weights.half().float(), 0.0, (0.0, 0.0))
            weights.append(part.weights)
            fast.append(part.cosines(phi, images))
            exact.append(torch.einsum("be,bce->bc", images, text))
            advance("", len(block))
    scale = method.backbone.logit_scale
    scores = scale * torch.cat(exact, dim=1)
    errors = (scale * torch.cat(fast, dim=1) - scores) / left_out[:, None]
    leading = scores.topk(min(LEADING, scores.shape[1]), dim=1).indices
    leading_errors = errors.gather(1, leading)
    d = (leading_errors.amax(dim=1) - leading_errors.amin(dim=1)).quantile(_QUANTILE).item()
    approximate = scores + errors
    largest = (approximate.amax(dim=1) - approximate.gather(1, leading[:, :1])[:, 0]).max().item()
    reach = max(d, _SAFETY * largest)
    error = (errors.abs().max().item(), errors.abs().mean().item())
    return FastMap(subspace, torch.cat(weights, dim=1), reach, error)
