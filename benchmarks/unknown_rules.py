"""Scores that should be higher for pictures of known classes, from frozen features.

``benchmarks.rules`` compares them. Shapes: B pictures to score, N to learn from, C classes, F
numbers of a picture.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import numpy.typing as npt
from scipy.special import logsumexp, softmax

from gopro.results.confidence import Floats

Indices = npt.NDArray[np.int64]

NAMES = 200
"""Class names of ImageNet that stand for what the pictures might show instead."""


@dataclass(frozen=True)
class Pictures:
    """N pictures.

    Attributes:
        means: [N, D], the layer means.
        embedding: [N, e], unit embeddings.
        pooled: [N, p], unit vectors, the features before the projection.
        own: [N, C], zero-shot logits of all class names of the folder.
        other: [N, K], of the names of ImageNet.
        truth: [N], class indices.
    """

    means: Floats
    embedding: Floats
    pooled: Floats
    own: Floats
    other: Floats
    truth: Indices

    def __getitem__(self, index: Indices) -> Pictures:
        return Pictures(**{name: array[index] for name, array in vars(self).items()})


Rule = Callable[[Pictures, Pictures], Floats]
"""From training pictures and new ones to the score of each new one."""


def deviations(learn: Floats, truth: Indices, new: Floats) -> tuple[Floats, Floats, Floats, Floats]:
    """Training and new rows in units of the training rows' deviations, the class means and the
    training rows less the mean of their class."""
    centre, scale = learn.mean(axis=0), learn.std(axis=0).clip(1e-6)
    unit, classes = (learn - centre) / scale, np.unique(truth)
    means = np.stack([unit[truth == index].mean(axis=0) for index in classes])
    return unit, (new - centre) / scale, means, unit - means[np.searchsorted(classes, truth)]


def squared(rows: Floats, centres: Floats, spread: Floats, shrinkage: float) -> Floats:
    """Squared Mahalanobis distances [B, C] with the shrunk covariance of ``spread`` [N, F].

    The covariance has at most N directions beside the identity, so it isn't inverted as a matrix.
    They come from the products of the rows of ``spread``, of which there are fewer than numbers.
    """
    values, vectors = np.linalg.eigh(spread @ spread.T)
    kept = values > 1e-9 * values[-1]
    values, to_directions = values[kept], spread.T @ vectors[:, kept] / np.sqrt(values[kept])
    mean = np.square(spread).mean()
    rest = 1 / (shrinkage * mean)
    weights = 1 / ((1 - shrinkage) * values / len(spread) + shrinkage * mean) - rest
    rows_along, centres_along = rows @ to_directions, centres @ to_directions

    def product(left: Floats, right: Floats, along: Floats, other: Floats) -> Floats:
        inner: Floats = rest * left @ right.T + (along * weights) @ other.T
        return inner

    both = product(rows, centres, rows_along, centres_along)
    own = rest * np.square(rows).sum(axis=1) + np.square(rows_along) @ weights
    theirs = rest * np.square(centres).sum(axis=1) + np.square(centres_along) @ weights
    distances: Floats = own[:, None] - 2 * both + theirs
    return distances


def mahalanobis(
    learn: Pictures, new: Pictures, *, parts: Sequence[str], shrinkage: float, relative: bool
) -> Floats:
    """Minus the distance to the nearest class; ``relative`` to that to all pictures together.

    Args:
        learn: To learn from.
        new: To score.
        parts: Attributes of ``Pictures`` whose distances, each divided by its width, are added.
        shrinkage: Of the covariances.
        relative: As in Ren et al., 2021.
    """
    total = np.zeros(len(new.truth))
    for part in parts:
        rows, wanted = getattr(learn, part), getattr(new, part)
        unit, given, means, within = deviations(rows, learn.truth, wanted)
        score = -squared(given, means, within, shrinkage).min(axis=1)
        if relative:
            score += squared(given, np.zeros_like(given[:1]), unit, shrinkage)[:, 0]
        total += score / rows.shape[1]
    return total


def nearest(learn: Pictures, new: Pictures, *, part: str, count: int) -> Floats:
    """Mean cosine to the ``count`` nearest training pictures (Sun et al., ICML 2022)."""
    left, right = getattr(new, part), getattr(learn, part)
    left, right = (rows / np.linalg.norm(rows, axis=1, keepdims=True) for rows in (left, right))
    closest: Floats = np.sort(left @ right.T, axis=1)[:, -count:].mean(axis=1)
    return closest


def she(learn: Pictures, new: Pictures) -> Floats:
    """Product with the mean of the nearest class (SHE, Zhang et al., ICLR 2023)."""
    classes = np.unique(learn.truth)
    means = np.stack([learn.embedding[learn.truth == index].mean(axis=0) for index in classes])
    largest: Floats = (new.embedding @ means.T).max(axis=1)
    return largest


def linear(learn: Pictures, new: Pictures, *, kind: str, shrinkage: float = 0.5) -> Floats:
    """Largest share, energy, or residual and energy (ViM) of linear discriminant analysis."""
    unit, given, means, within = deviations(learn.embedding, learn.truth, new.embedding)
    logits = -squared(given, means, within, shrinkage) / 2
    logits += squared(given, np.zeros_like(given[:1]), within, shrinkage) / 2  # linear in the rows
    if kind == "share":
        shares: Floats = softmax(logits, axis=1).max(axis=1)
        return shares
    energy: Floats = logsumexp(logits, axis=1)
    if kind == "energy":
        return energy
    directions = np.linalg.svd(unit, full_matrices=False)[2][: len(unit) // 2]
    residuals = (np.linalg.norm(rows - rows @ directions.T @ directions, axis=1)
                 for rows in (unit, given))  # fmt: skip
    learned, residual = residuals
    scale = logits.max(axis=1).mean() / learned.mean()
    return energy - abs(float(scale)) * residual


def zero_shot(learn: Pictures, new: Pictures, *, others: bool) -> Floats:
    """Largest share of the known names, or with ``others`` the share of all of them."""
    known = new.own[:, np.unique(learn.truth)]
    if not others:
        largest: Floats = softmax(known, axis=1).max(axis=1)
        return largest
    total: Floats = logsumexp(known, axis=1) - logsumexp(new.other, axis=1)
    return total


BOTH = ("means", "embedding")


def _shown(parts: Sequence[str]) -> str:
    return " + ".join(parts).replace("means", "layer means")


RULES: dict[str, Rule] = {
    **{
        f"layer means + embedding, relative, shrinkage {shrinkage}": partial(
            mahalanobis, parts=BOTH, shrinkage=shrinkage, relative=True
        )
        for shrinkage in (0.3, 0.5, 0.7, 0.8, 0.9, 0.95)
    },
    **{
        f"{_shown(parts)}, {'relative' if relative else 'nearest class'}, 0.9": partial(
            mahalanobis, parts=parts, shrinkage=0.9, relative=relative
        )
        for parts, relative in (
            (BOTH, False),
            (("embedding",), True),
            (("embedding",), False),
            (("means",), True),
            (("means",), False),
            (("pooled",), True),
            ((*BOTH, "pooled"), True),
        )
    },
    **{
        f"cosine to {count} nearest, {_shown([part])}": partial(nearest, part=part, count=count)
        for part, count in (("embedding", 1), ("embedding", 3), ("pooled", 3), ("means", 3))
    },
    "mean of the nearest class (SHE), embedding": she,
    **{
        f"linear discriminants, {kind}": partial(linear, kind=kind)
        for kind in ("share", "energy", "residual + energy (ViM)")
    },
    "zero-shot, largest share (MCM)": partial(zero_shot, others=False),
    f"zero-shot, among {NAMES} more names (NegLabel)": partial(zero_shot, others=True),
}
