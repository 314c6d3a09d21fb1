"""Pictures whose label is probably wrong, by confident learning.

Northcutt, Jiang and Chuang, "Confident Learning: Estimating Uncertainty in Dataset Labels", Journal
of Artificial Intelligence Research 70, 2021. With p_j(x) the probability of class j for picture x,
from a classifier that didn't see x, and y(x) the given label:

    t_j = mean of p_j(x) over the pictures with y(x) = j
    C   = {x: the class j with the largest p_j(x) among those with p_j(x) >= t_j isn't y(x)}

C are the off-diagonal entries of the paper's confident joint; they are ordered by the margin
p_y(x) - max p_j(x) over j other than y, the smallest first. The classifier is a logistic regression
on frozen image features, fitted in turn on four fifths of the pictures.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from gopro.backbones import Backbone
from gopro.backbones.feature_cache import cached_features
from gopro.methods.linear_probe import logistic_regression

_FOLDS = 5

_LEAST = 5
"""Classes with fewer pictures are left out: nothing can be said about their labels."""

_STRENGTH = 10.0
"""Inverse strength of the penalty of the logistic regression."""

_ITERATIONS = 100

_WIDEST = 4096
"""Numbers of a picture."""


@dataclass(frozen=True)
class Suspicion:
    """A label that is probably wrong.

    Attributes:
        index: Of the picture.
        suggested: The class that fits better.
        share: The probability of the given label.
        suggested_share: That of the other class.
    """

    index: int
    suggested: int
    share: float
    suggested_share: float


@torch.no_grad()
def features_of(backbone: Backbone, pixels: Tensor) -> Tensor:
    """Features for the logistic regression: the embedding and the last layers' statistics.

    Args:
        backbone: Encodes them; the features are cached on disk.
        pixels: uint8 [B, 3, S, S].

    Returns:
        [B, F] on the CPU: the unit embedding, the means and the standard deviations over tokens
        of as many of the last layers as F <= 4096 allows (all of ``lite``, two of ViT-B/16).
    """
    features, width = cached_features(backbone, pixels), 0
    for layer in reversed(backbone.vision_widths):
        if width and backbone.embed_dim + 2 * (width + layer) > _WIDEST:
            break
        width += layer
    embedding = F.normalize(features.embedding.float(), dim=1)
    return torch.cat([embedding, features.mean[:, -width:], features.std[:, -width:]], dim=1).cpu()


def suspicions(
    features: Tensor, labels: Sequence[int], copies: Sequence[Sequence[int]] = ()
) -> list[Suspicion]:
    """The set C, the most suspicious first.

    Args:
        features: [N, F], of ``features_of``.
        labels: N class indices.
        copies: Groups of pictures that are the same; none is learned from to judge another.
    """
    judged = _judged(features, labels, copies)
    if judged is None:
        return []
    kept, classes, indices, shares = judged
    confident = confident_classes(shares, indices)
    wrong = ((confident >= 0) & (confident != indices)).nonzero()[:, 0]
    margins = margins_of(shares, indices)[wrong]
    return [
        Suspicion(
            int(kept[row]),
            int(classes[confident[row]]),
            float(shares[row, indices[row]]),
            float(shares[row, confident[row]]),
        )
        for row in wrong[margins.argsort(stable=True)].tolist()
    ]


def ranked(features: Tensor, labels: Sequence[int]) -> list[int]:
    """All pictures of classes that are large enough, in the order of ``suspicions``."""
    judged = _judged(features, labels, ())
    if judged is None:
        return []
    kept, _, indices, shares = judged
    order: list[int] = kept[margins_of(shares, indices).argsort(stable=True)].tolist()
    return order


def _judged(
    features: Tensor, labels: Sequence[int], copies: Sequence[Sequence[int]]
) -> tuple[Tensor, Tensor, Tensor, Tensor] | None:
    """The pictures of classes that are large enough, these classes, labels and probabilities.

    Returns:
        Numbers of M pictures, C classes, M indices of classes, shares [M, C]; None for C < 2.
    """
    given = torch.tensor(labels)
    kept = (given.bincount()[given] >= _LEAST).nonzero()[:, 0]
    found, inverse = np.unique(given[kept].numpy(), return_inverse=True)
    classes, indices = torch.from_numpy(found), torch.from_numpy(inverse)
    if len(classes) < 2:
        return None
    folds = _folds(given, copies)[kept]
    return kept, classes, indices, _out_of_sample(_scaled(features[kept]), indices, folds)


def confident_classes(shares: Tensor, labels: Tensor) -> Tensor:
    """The class j of each picture in the definition of C: [N]; -1 where no share reaches its t_j.

    Args:
        shares: [N, C], p_j(x).
        labels: [N], each class at least once.
    """
    own = F.one_hot(labels, shares.shape[1]).to(shares.dtype)
    thresholds = (shares * own).sum(dim=0) / own.sum(dim=0)
    reached = shares >= thresholds
    best = shares.masked_fill(~reached, -1).argmax(dim=1)
    return torch.where(reached.any(dim=1), best, -1)


def margins_of(shares: Tensor, labels: Tensor) -> Tensor:
    """p_y(x) - max p_j(x) over j other than y: [N], from shares [N, C] and labels [N]."""
    own = shares.gather(1, labels[:, None])
    others = shares.scatter(1, labels[:, None], -1).amax(dim=1)
    return own[:, 0] - others


def _scaled(features: Tensor) -> Tensor:
    """In double precision, of mean 0 and deviation 1, over the square root of their number."""
    features = features.double()
    spread = features.std(dim=0).clamp_min(1e-6)
    scaled: Tensor = (features - features.mean(dim=0)) / spread / features.shape[1] ** 0.5
    return scaled


def _folds(labels: Tensor, copies: Sequence[Sequence[int]]) -> Tensor:
    """The fold of each picture: [N]; each class is spread over all, copies are in the same one."""
    order = torch.randperm(len(labels), generator=torch.Generator().manual_seed(0))
    folds = torch.empty(len(labels), dtype=torch.long)
    for label in sorted(set(labels.tolist())):
        members = order[labels[order] == label]
        folds[members] = torch.arange(len(members)) % _FOLDS
    for group in copies:
        folds[list(group)] = folds[group[0]].clone()
    return folds


def _out_of_sample(features: Tensor, labels: Tensor, folds: Tensor) -> Tensor:
    """Class probabilities [N, C], each from a fit on the pictures of the other folds."""
    shares = features.new_zeros(len(labels), int(labels.max()) + 1)
    for fold in range(_FOLDS):
        held_out = folds == fold
        learned = features[~held_out], labels[~held_out]
        weight, bias = logistic_regression(*learned, shares.shape[1], _STRENGTH, _ITERATIONS)
        shares[held_out] = (features[held_out] @ weight.T + bias).softmax(dim=1)
    return shares
