"""Linear probe: logistic regression on the frozen image embedding, without text."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gopro.backbones import Backbone, ImageFeatures
from gopro.common.errors import GoproError
from gopro.methods.base import Method
from gopro.methods.class_indices import class_indices


@dataclass(frozen=True)
class LinearProbeSettings:
    """Options of the linear probe."""

    c: float = 0.316
    """Inverse strength of the weights' L2 penalty; CLIP's value for ImageNet."""

    iterations: int = 1000
    """Largest number of L-BFGS steps."""

    def __post_init__(self) -> None:
        if not 0 < self.c < math.inf:
            raise GoproError(f"got c = {self.c}; it must be above 0")
        if self.iterations < 1:
            raise GoproError(f"got {self.iterations} iterations; it must be 1 or more")


class LinearProbe(Method):
    """The linear probe of Radford et al., "Learning Transferable Visual Models From Natural
    Language Supervision", ICML 2021.

    With f the image embedding (not normalised), scores are ``W f + b``, with W and b at the
    minimum of

        c sum_i cross-entropy(W f_i + b, y_i) + 1/2 |W|^2

    over the training images without augmentation, found by L-BFGS from zero; nothing is random.
    The minimum is found before the first step, and the recipe has no epochs; with ``--epochs``,
    SGD continues from there. CLIP's authors search c on validation images. The input is the
    embedding, as in the CoOp benchmark's linear probe, not the layer before its projection.
    """

    Settings: ClassVar[type] = LinearProbeSettings
    paper: ClassVar[str] = "Radford et al., ICML 2021"
    about: ClassVar[str] = "logistic regression on the image embedding; the training classes only"
    learns_from_features: ClassVar[bool] = True

    def __init__(self, backbone: Backbone, class_names: Sequence[str], settings: Any) -> None:
        super().__init__(backbone, class_names, settings)
        self.trained_names = tuple(class_names)
        self.weight = nn.Parameter(torch.zeros(len(class_names), backbone.embed_dim))
        self.bias = nn.Parameter(torch.zeros(len(class_names)))
        self.set_class_names(class_names)

    def set_class_names(self, names: Sequence[str]) -> None:
        self.indices = class_indices(names, self.trained_names, "a row of learned weights")

    def prepare(self, features: ImageFeatures, labels: Tensor) -> None:
        settings = self.settings
        weight, bias = logistic_regression(
            features.embedding, labels, len(self.bias), settings.c, settings.iterations
        )
        with torch.no_grad():
            self.weight.copy_(weight)
            self.bias.copy_(bias)

    def logits(self, features: ImageFeatures) -> Tensor:
        return F.linear(features.embedding, self.weight[self.indices], self.bias[self.indices])


def logistic_regression(
    features: Tensor, labels: Tensor, classes: int, c: float, iterations: int
) -> tuple[Tensor, Tensor]:
    """The minimum of the linear probe's objective, in double precision where the device has it.

    Args:
        features: [N, F].
        labels: [N], class indices.
        classes: C.
        c: Inverse strength of the penalty.
        iterations: Largest number of L-BFGS steps.

    Returns:
        Weights [C, F] and biases [C].
    """
    # rounding errors of float32 end the search early (mps has no float64)
    dtype = torch.float32 if labels.device.type == "mps" else torch.float64
    features = features.to(dtype)
    weight = features.new_zeros(classes, features.shape[1]).requires_grad_()
    bias = features.new_zeros(classes).requires_grad_()
    optimizer = torch.optim.LBFGS(
        [weight, bias],
        max_iter=iterations,
        tolerance_grad=1e-8,
        tolerance_change=1e-12,
        line_search_fn="strong_wolfe",
    )

    def objective() -> float:
        optimizer.zero_grad()
        scores = features @ weight.T + bias
        loss = c * F.cross_entropy(scores, labels, reduction="sum") + weight.square().sum() / 2
        loss.backward()  # type: ignore[no-untyped-call]
        return float(loss.detach())

    optimizer.step(objective)  # type: ignore[no-untyped-call]
    return weight.detach(), bias.detach()
