"""The map from an image's shift to the classes' text embeddings, with its measured errors."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from gopro.common.progress import bar
from gopro.prediction.fast.conditioned import Conditioned, Reference, only
from gopro.prediction.fast.subspace import Subspace

LEADING = 5
"""The exactly best classes of an image, whose errors against each other are measured."""

_CLASSES = 32  # classes whose exact embeddings are held at once
_SHARE = 0.95  # of the images whose leading classes are off against each other by less than reach
_SAFETY = 1.5  # times the most that an exactly best class lay below the best fast score


@dataclass(frozen=True)
class FastMap:
    """What replaces the text tower for one class list.

    Attributes:
        subspace: Of the training images' shifts.
        weights: [p e, C], rounded to half precision.
        reach: So far below the best fast score the exactly best class may lie, as measured on
            training images that were left out of the fit.
        error: The largest and the mean absolute error of a score on them.
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
    """Least squares on training images, each checked by the fit to the others.

    With H = Phi (Phi^T Phi)^-1 Phi^T, what a fit without image i misses at i is what the fit to all
    misses there, divided by 1 - H_ii. An image's leading classes are off against each other by
    d_i, and its exactly best class lies D_i below the best fast score; D_i is mostly zero, since
    errors seldom meet a close decision. ``reach`` is the larger of the 95th percentile of d and 1.5
    times the largest D.

    Args:
        method: Trained, with the class names to choose from.
        reference: Training images, by the same learned weights.
    """
    shifts, images = reference.shifts, reference.images
    subspace = Subspace.of(shifts.flatten(1))
    phi, _ = subspace.features(shifts.flatten(1))
    solve = torch.linalg.pinv(phi.double().cpu()).to(phi)  # [p, n]
    # a single image tells nothing about others
    left_out = (1 - (phi * solve.T).sum(dim=1)).clamp(min=1e-3)
    weights, fast, exact = [], [], []
    places = torch.arange(len(method.classes.lengths))
    with bar("preparing fast prediction", len(places)) as advance:
        for block in torch.split(places, _CLASSES):
            text = only(method, block.tolist()).text_embedding(shifts)  # [n, c, e]
            block_weights = torch.einsum("pn,nce->pec", solve, text).flatten(0, 1)
            # what is stored is in half precision, so that is what is checked
            part = FastMap(subspace, block_weights.half().float(), 0.0, (0.0, 0.0))
            weights.append(part.weights)
            fast.append(part.cosines(phi, images))
            exact.append(torch.einsum("be,bce->bc", images, text))
            advance("", len(block))
    scale = method.backbone.logit_scale
    wanted = scale * torch.cat(exact, dim=1)
    missed = (scale * torch.cat(fast, dim=1) - wanted) / left_out[:, None]
    leading = wanted.topk(min(LEADING, wanted.shape[1]), dim=1).indices
    among = missed.gather(1, leading)
    off = (among.amax(dim=1) - among.amin(dim=1)).quantile(_SHARE).item()
    found = wanted + missed
    below = (found.amax(dim=1) - found.gather(1, leading[:, :1])[:, 0]).max().item()
    reach = max(off, _SAFETY * below)
    error = (missed.abs().max().item(), missed.abs().mean().item())
    return FastMap(subspace, torch.cat(weights, dim=1), reach, error)
