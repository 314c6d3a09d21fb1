"""GOPro trained with a softer softmax, with a regression head for trained names."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from gopro.backbones import Backbone, ImageFeatures
from gopro.common.errors import GoproError
from gopro.methods.class_indices import class_places
from gopro.methods.gopro import GOPro, GOProSettings

MOST = 16384
"""Training images of the head, at most: its system of equations has a row and a column for each,
so that it takes 2 GB and minutes there."""


@dataclass(frozen=True)
class GOProPlusSettings(GOProSettings):
    """Options of GOPro plus; those of GOPro have the same meaning, and its variant is paper."""

    w_sem: float = 0.0
    """Weight of the consistency loss, 0 by default: at its published weight it changes nothing
    (docs/gopro.md), and without it a step has one text pass instead of three."""

    ce_scale: float = 0.3
    """Factor of the scores in the cross-entropy of training; 1 is GOPro's."""

    w_head: float = 20.0
    """Weight of the regression head's scores, for the names that were trained; 0 is without it."""

    sharpness: float = 2.0
    """How fast the head's scores fall to 0 away from the training images, relative to the spread of
    these images."""

    ridge: float = 0.03
    """Ridge penalty of the head; the kernel of an image with itself is 1."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.variant != "paper":
            raise GoproError("gopro_plus builds on the paper variant; leave the variant out")
        if not 0 <= self.w_head < float("inf"):
            raise GoproError(f"got w_head = {self.w_head}; it is 0 or more")
        for name in ("ce_scale", "sharpness", "ridge"):
            if not 0 < getattr(self, name) < float("inf"):
                raise GoproError(f"got {name} = {getattr(self, name)}; it must be above 0")


class GOProPlus(GOPro):
    r"""Ours: GOPro with two changes that divide the work.

    *Names that were trained* get kernel ridge regression of the one-hot labels on the frozen unit
    embeddings u_1..u_n of the training images as well, in closed form. With their mean m, the
    centred one-hot labels Y [n, C] and K_ij = k(u_i, u_j),

    .. math:: k(u, u') = \exp\left(-\text{sharpness} \frac{1 - u \cdot u'}{1 - |m|^2}\right),
              \qquad A = (K + \text{ridge} \, I)^{-1} Y, \qquad
              h_c(x) = \sum_i k(u(x), u_i) A_{ic},

    and w_head * h_c(x) is added to GOPro's score of class c. A few shots say more about their own
    classes than a prompt can hold. An image far from all of them, of another domain for example,
    has small h, and is left to GOPro. With more than 16,384 training images the head has that many
    of them, evenly spaced.

    *Other names* have GOPro's scores. Since trained names have a head, GOPro need not fit them to
    the last image: its cross-entropy is that of ``ce_scale`` times the scores. The softer softmax
    has gradients from all images to the end, and moves the scores of other names less towards the
    trained ones.

    *In a list of both* the other names have nothing added, so GOPro decides whether the answer is
    one of the trained names T, and the head which of them. With GOPro's scores g, the score of a
    trained name is

    .. math:: g_c(x) + \text{w\_head} \, h_c(x)
              - \max_{t \in T} (g_t(x) + \text{w\_head} \, h_t(x)) + \max_{t \in T} g_t(x).
    """

    Settings: ClassVar[type] = GOProPlusSettings
    paper: ClassVar[str] = "This project, 2026"
    about: ClassVar[str] = "GOPro, trained more softly, with a regression head for trained names"
    learns_from_features: ClassVar[bool] = True
    has_other_scores: ClassVar[bool] = True
    parts: ClassVar[dict[str, dict[str, Any]]] = {
        "no-head": {"w_head": 0.0},
        "hard-softmax": {"ce_scale": 1.0},
    }

    head: Tensor
    head_images: Tensor

    def __init__(self, backbone: Backbone, class_names: Sequence[str], settings: Any) -> None:
        self.trained_names = tuple(class_names)
        super().__init__(backbone, class_names, settings)
        device = backbone.device
        images = torch.zeros(0, backbone.embed_dim, device=device)
        self._set_head(images, torch.zeros(0, len(class_names), device=device))

    def _set_head(self, images: Tensor, weights: Tensor) -> None:
        """Unit embeddings [n, e] and their weights [n, C]; saved with the learned weights."""
        self.register_buffer("head_images", images)
        self.register_buffer("head", weights)

    def _load_from_state_dict(self, state: dict[str, Any], prefix: str, *rest: Any) -> None:
        # the number of rows is that of the training images
        images, weights = state.get(f"{prefix}head_images"), state.get(f"{prefix}head")
        if images is not None and weights is not None and len(images) == len(weights):
            self._set_head(
                self.head_images.new_zeros(len(images), self.head_images.shape[1]),
                self.head.new_zeros(len(images), self.head.shape[1]),
            )
        super()._load_from_state_dict(state, prefix, *rest)

    @torch.no_grad()
    def prepare(self, features: ImageFeatures, labels: Tensor) -> None:
        if not self.settings.w_head:
            return
        unit = F.normalize(features.embedding.float(), dim=-1)
        rows = torch.linspace(0, len(unit) - 1, min(len(unit), MOST), device=unit.device).long()
        unit, labels = unit[rows], labels[rows]
        targets = F.one_hot(labels, len(self.trained_names))
        exact = unit.cpu().double()  # not every device has float64
        weights = kernel_ridge(self.kernel(exact, exact), targets.cpu(), self.settings.ridge)
        self._set_head(unit, weights.to(unit).contiguous())

    def kernel(self, unit: Tensor, images: Tensor) -> Tensor:
        """k of unit embeddings [B, e] and those of the head [n, e]: [B, n], about 0..1."""
        spread = (1 - images.mean(0).square().sum()).clamp_min(1e-4)
        return torch.exp(-self.settings.sharpness * (1 - unit @ images.T) / spread)

    def set_class_names(self, names: Sequence[str]) -> None:
        super().set_class_names(names)
        places = class_places(names, self.trained_names)
        # the training class of each name, and whether it has one
        self.place = torch.tensor([place or 0 for place in places], device=self.backbone.device)
        known = [place is not None for place in places]
        self.known = torch.tensor(known, device=self.backbone.device)
        self.mixed = any(known) and not all(known)

    def scores(self, features: ImageFeatures, text: Tensor) -> Tensor:
        scores = super().scores(features, text)
        return scores * self.settings.ce_scale if self.training else scores

    def logits(self, features: ImageFeatures) -> Tensor:
        unit = F.normalize(features.embedding, dim=-1)
        head = (self.kernel(unit, self.head_images) @ self.head)[:, self.place] * self.known
        prompted = super().logits(features)
        scores: Tensor = prompted + self.settings.w_head * head
        if self.mixed:
            added = self._best_trained(scores) - self._best_trained(prompted)
            scores = scores - added * self.known
        return scores

    def _best_trained(self, scores: Tensor) -> Tensor:
        """The highest score of a trained name: [B, 1] of [B, C]."""
        return scores[:, self.known].amax(1, keepdim=True)


def kernel_ridge(kernel: Tensor, targets: Tensor, ridge: float) -> Tensor:
    """The weights [n, C] of kernel ridge regression, in float64.

    Args:
        kernel: [n, n] on the CPU, of the training images with each other; it is changed.
        targets: [n, C]; they are centred here.
        ridge: Penalty, added to the diagonal.

    Raises:
        GoproError: When the ridge is too small for the system to be solved.
    """
    from scipy.linalg import solve

    system = kernel.numpy()
    np.fill_diagonal(system, system.diagonal() + ridge)
    centred = (targets - targets.double().mean(0)).numpy()
    try:
        weights = solve(system, centred, overwrite_a=True, overwrite_b=True, assume_a="pos")
    except np.linalg.LinAlgError as error:
        raise GoproError(
            f"got ridge = {ridge}, too small for these images; use a larger one, such as 0.03"
        ) from error
    return torch.from_numpy(weights)
