"""``KnownClasses``: a score that is high for pictures of known classes.

It is the relative Mahalanobis distance (Ren et al., "A Simple Fix to Mahalanobis Distance for
Improving Near-OOD Detection", 2021) of two parts of a picture's features, the layer means of the
frozen image encoder and its unit embedding:

    score(x) = sum_p F / (P F_p) (d_0(x_p) - min_c d_c(x_p))

where x_p are the F_p of all F numbers in part p of P, so that the parts count alike, d_c is the
squared Mahalanobis distance to the mean of class c, with one covariance for all classes, and d_0
that to the mean of all pictures, with their covariance. With examples o of pictures of no known
class, the distance to the nearest of them, with the covariance within the classes, takes the place
of d_0:

    score(x) = sum_p F / (P F_p) (min_o d(x_p, o_p) - min_c d_c(x_p))

docs/confidence.md compares both with other rules.

Shapes: B pictures, N training pictures, K others, C classes, F numbers of a picture or of a part,
of which D are layer means, R directions.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
import torch.nn.functional as F
from torch import Tensor

from gopro.backbones import Backbone, ImageFeatures
from gopro.backbones.image import to_unit
from gopro.classifier.confidence.parts import ENOUGH, divided

_SHRINKAGE = 0.9
"""Weight of the mean variance in a covariance: a few pictures show little of it. Chosen by
``python -m benchmarks.rules``."""

PICTURES = 500
"""Most pictures of a covariance, which takes their number cubed, and most that are kept."""

_DIRECTIONS = 128
"""Most directions whose variance is kept; in all others it is the shrunk mean."""

_CONSTANT = 1e-3
"""Share of the median deviation up to which a number counts as constant. On ``lite`` the smallest
is 0.004 in fits on 4 pictures and 0.026 on 16 of each class."""

_PARTS = 20
"""Parts of the training pictures that are scored by the others, to set a threshold."""


def inputs_from(features: ImageFeatures) -> Tensor:
    """What the score is computed from, [B, F]: the D layer means, then the unit embedding."""
    unit = F.normalize(features.embedding.float(), dim=-1)
    return torch.cat([features.mean.float(), unit], dim=1).cpu()


@torch.no_grad()
def frozen_inputs(backbone: Backbone, pixels: Tensor, batch: int = 64) -> Tensor:
    """``inputs_from`` pixels uint8 [B, 3, S, S] by the backbone's own image encoder."""
    parts = (to_unit(part, backbone.device) for part in torch.split(pixels, batch))
    return torch.cat([inputs_from(backbone.encode_image(part)) for part in parts])


def out_of_sample(
    inputs: Tensor, truth: Tensor, layer_means: int, others: Tensor | None = None
) -> Tensor:
    """Sorted scores of training pictures by ``KnownClasses`` of the other training pictures.

    Args:
        inputs: [N, F].
        truth: [N], class indices; at least two of each class.
        layer_means: D.
        others: [K, F], examples of no known class, if there are any.
    """
    scores: list[Tensor] = []
    for held, rest in divided(truth, _PARTS, seed=0):
        if len(held):
            classes = KnownClasses.of(inputs[rest], truth[rest], layer_means)
            if others is not None:
                classes = classes.with_others(others)
            scores.append(classes.scores(inputs[held]))
        if sum(map(len, scores)) >= ENOUGH:
            break
    return torch.cat(scores).sort().values


@dataclass(frozen=True)
class Part:
    """The distribution of one part of the training pictures' numbers.

    Attributes:
        centre: [F], the mean of all pictures.
        scale: [F], their standard deviations; distances are measured in these. Infinite where the
            pictures hardly differ: such a number would decide alone, and is left out.
        means: [C, F], the class means.
        directions: [R, F], the orthonormal principal directions within classes.
        weights: [R], the inverse variances along them, less the one of all other directions.
        rest: [], the inverse variance of all other directions.
        all_directions: As ``directions``, of all pictures together.
        all_weights: As ``weights``, of all pictures together.
        all_rest: As ``rest``, of all pictures together.
        others: [K, F], examples of no known class in these units; K is 0 without examples.
    """

    centre: Tensor
    scale: Tensor
    means: Tensor
    directions: Tensor
    weights: Tensor
    rest: Tensor
    all_directions: Tensor
    all_weights: Tensor
    all_rest: Tensor
    others: Tensor

    @classmethod
    def of(cls, inputs: Tensor, truth: Tensor) -> Part:
        """Estimate it from training pictures.

        Args:
            inputs: [N, F].
            truth: [N], class indices.
        """
        centre = inputs.mean(dim=0)
        scale = inputs.std(dim=0, correction=0)
        constant = scale <= (_CONSTANT * scale.median()).clamp_min(1e-6)
        scale = scale.masked_fill(constant, math.inf)
        unit = (inputs - centre) / scale
        classes = sorted(set(truth.tolist()))
        means = torch.stack([unit[truth == index].mean(dim=0) for index in classes])
        places = torch.searchsorted(torch.tensor(classes), truth)
        within, together = _spread(unit - means[places]), _spread(unit)
        return cls(centre, scale, means, *within, *together, others=unit[:0])

    def with_others(self, unit: Tensor) -> Part:
        """The same with examples of no known class, see ``unit``."""
        return replace(self, others=some(unit))

    def unit(self, inputs: Tensor) -> Tensor:
        """Inputs [B, F] in units of the training pictures' deviations from their mean."""
        return (inputs - self.centre) / self.scale

    def scores(self, inputs: Tensor) -> Tensor:
        """The score of each picture, [B] in float64; arguments as for ``of``."""
        unit = self.unit(inputs)
        if len(self.others):
            return self.to_others(unit).amin(dim=1) - self.nearest(unit)
        together = (self.all_directions, self.all_weights, self.all_rest)
        return _distance(unit, *together).double() - self.nearest(unit)

    def nearest(self, unit: Tensor) -> Tensor:
        """Squared distance to the nearest class mean, [B] in float64; see ``unit``."""
        within = (self.directions, self.weights, self.rest)
        return (
            torch.stack([_distance(unit - mean, *within) for mean in self.means]).amin(0).double()
        )

    def to_others(self, unit: Tensor) -> Tensor:
        """Squared distances to the others, [B, K] in float64; see ``unit``."""
        return torch.cdist(self._whitened(unit), self._whitened(self.others)).square()

    def _whitened(self, unit: Tensor) -> Tensor:
        """Coordinates [B, R + F] whose Euclidean distances are the distances within classes."""
        unit = unit.double()
        along = unit @ self.directions.double().T
        across = (unit - along @ self.directions.double()) * self.rest.double().sqrt()
        return torch.cat([along * (self.weights + self.rest).double().sqrt(), across], dim=1)


@dataclass(frozen=True)
class KnownClasses:
    """The distribution of the training pictures.

    Attributes:
        parts: That of the layer means, if there are any, and that of the embedding.
    """

    parts: tuple[Part, ...]

    @classmethod
    def of(cls, inputs: Tensor, truth: Tensor, layer_means: int) -> KnownClasses:
        """Estimate it from training pictures.

        Args:
            inputs: [N, F], see ``inputs_from``.
            truth: [N], class indices.
            layer_means: D.
        """
        widths = [width for width in (layer_means, inputs.shape[1] - layer_means) if width]
        split = torch.split(inputs, widths, dim=1)
        return cls(tuple(Part.of(part, truth) for part in split))

    @property
    def layer_means(self) -> int:
        """D; the number of all inputs if there is one part."""
        return len(self.parts[0].centre)

    @property
    def count(self) -> int:
        """K."""
        return len(self.parts[0].others)

    def unit(self, inputs: Tensor) -> Tensor:
        """Inputs [B, F] in units of the training pictures' deviations from their mean."""
        split = self._split(inputs)
        return torch.cat([p.unit(x) for p, x in zip(self.parts, split, strict=True)], dim=1)

    def with_others(self, inputs: Tensor) -> KnownClasses:
        """The same with examples of no known class; arguments as for ``of``."""
        split = self._split(inputs)
        return KnownClasses(
            tuple(p.with_others(p.unit(x)) for p, x in zip(self.parts, split, strict=True))
        )

    def scores(self, inputs: Tensor) -> Tensor:
        """The score of each picture, [B] in float64; arguments as for ``of``."""
        split = self._split(inputs)
        return self._sum([p.scores(x) for p, x in zip(self.parts, split, strict=True)])

    def distances(self, inputs: Tensor) -> Tensor:
        """The distance to the nearest class alone, [B]; arguments as for ``of``."""
        split = self._split(inputs)
        return self._sum([p.nearest(p.unit(x)) for p, x in zip(self.parts, split, strict=True)])

    def scores_of_others(self) -> Tensor:
        """The score of each example of no known class without itself, [K] in float64."""
        scores = []
        for part in self.parts:
            distances = part.to_others(part.others).fill_diagonal_(math.inf)
            scores.append(distances.amin(dim=1) - part.nearest(part.others))
        return self._sum(scores)

    def _split(self, inputs: Tensor) -> list[Tensor]:
        """The numbers of each part; models of before have the first alone."""
        widths = [len(part.centre) for part in self.parts]
        return list(torch.split(inputs[:, : sum(widths)], widths, dim=1))

    def _sum(self, scores: Sequence[Tensor]) -> Tensor:
        widths = [len(part.centre) for part in self.parts]
        mean = sum(widths) / len(widths)
        weighted = (mean / width * one for width, one in zip(widths, scores, strict=True))
        return torch.stack(list(weighted)).sum(dim=0)


def some(rows: Tensor) -> Tensor:
    """At most ``PICTURES`` rows, evenly out of all."""
    return rows[:: -(-len(rows) // PICTURES)].contiguous()


def _spread(deviations: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Directions, weights and rest (see ``Part``) of deviations [N, F] from the mean."""
    deviations = some(deviations)
    _, singular, directions = torch.linalg.svd(deviations, full_matrices=False)
    mean = deviations.square().mean().clamp_min(1e-6)
    variances = (1 - _SHRINKAGE) * singular.square() / len(deviations) + _SHRINKAGE * mean
    rest = 1 / (_SHRINKAGE * mean)
    kept = slice(0, _DIRECTIONS)
    return directions[kept].contiguous(), 1 / variances[kept] - rest, rest


def _distance(deviations: Tensor, directions: Tensor, weights: Tensor, rest: Tensor) -> Tensor:
    """Squared Mahalanobis distance [B] of deviations [B, F]."""
    along = (deviations @ directions.T).square() @ weights
    return along + rest * deviations.square().sum(dim=1)
