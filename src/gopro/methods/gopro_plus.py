"""GOPro trained with a softer softmax, with a regression head for trained names."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gopro.backbones import Backbone, ImageFeatures
from gopro.common.errors import GoproError
from gopro.methods.gopro import GOPro, GOProSettings


@dataclass(frozen=True)
class GOProPlusSettings(GOProSettings):
    """Options of GOPro plus; those of GOPro have the same meaning, and its variant is paper."""

    w_sem: float = 0.0
    """Weight of the consistency loss, 0 by default: at its published weight it changes nothing
    (docs/gopro.md), and without it a step has one text pass instead of three."""

    ce_scale: float = 0.3
    """Factor of the scores in the cross-entropy of training; 1 is GOPro's."""

    w_head: float = 30.0
    """Weight of the regression head's scores, for the names that were trained; 0 is without it."""

    ridge: float = 0.3
    """Ridge penalty of the head, relative to the mean squared length of the centred embeddings."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.variant != "paper":
            raise GoproError("gopro_plus builds on the paper variant; leave the variant out")
        if not 0 <= self.w_head < float("inf"):
            raise GoproError(f"got w_head = {self.w_head}; it is 0 or more")
        for name in ("ce_scale", "ridge"):
            if not 0 < getattr(self, name) < float("inf"):
                raise GoproError(f"got {name} = {getattr(self, name)}; it must be above 0")


class GOProPlus(GOPro):
    r"""Ours: GOPro with two changes that divide the work.

    *Names that were trained* get a linear classifier as well: ridge regression of the one-hot
    labels on the frozen unit embeddings u of the n training images, in closed form. With U [n, e]
    centred by its mean m, Y [n, C] centred, and s the mean squared row length of U,

    .. math:: W = U^T (U U^T + \text{ridge} \cdot s \, I)^{-1} Y, \qquad
              h(x) = (u(x) - m) W,

    and w_head * h_c(x) is added to GOPro's score of class c. A few shots say more about their own
    classes than a prompt can hold.

    *Other names* have GOPro's scores. Since trained names have a head, GOPro need not fit them to
    the last image: its cross-entropy is that of ``ce_scale`` times the scores. The softer softmax
    has gradients from all images to the end, and moves the scores of other names less towards the
    trained ones.
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

    head: nn.Parameter
    head_mean: nn.Parameter

    def __init__(self, backbone: Backbone, class_names: Sequence[str], settings: Any) -> None:
        self.trained_names = tuple(class_names)
        super().__init__(backbone, class_names, settings)
        width = backbone.embed_dim
        # computed once in ``prepare``, and saved with the learned weights
        for name, shape in {"head": (width, len(class_names)), "head_mean": (width,)}.items():
            values = torch.zeros(shape, device=backbone.device)
            self.register_parameter(name, nn.Parameter(values, requires_grad=False))

    @torch.no_grad()
    def prepare(self, features: ImageFeatures, labels: Tensor) -> None:
        unit = F.normalize(features.embedding.float(), dim=-1)
        self.head_mean.copy_(unit.mean(0))
        self.head.copy_(ridge_head(unit, labels, len(self.trained_names), self.settings.ridge))

    def set_class_names(self, names: Sequence[str]) -> None:
        super().set_class_names(names)
        trained = {name: place for place, name in enumerate(self.trained_names)}
        # the training class of each name, and whether it has one
        places = [trained.get(name, 0) for name in names]
        self.place = torch.tensor(places, device=self.backbone.device)
        known = [name in trained for name in names]
        self.known = torch.tensor(known, device=self.backbone.device)

    def scores(self, features: ImageFeatures, text: Tensor) -> Tensor:
        scores = super().scores(features, text)
        return scores * self.settings.ce_scale if self.training else scores

    def logits(self, features: ImageFeatures) -> Tensor:
        unit = F.normalize(features.embedding, dim=-1)
        head = ((unit - self.head_mean) @ self.head)[:, self.place] * self.known
        scores: Tensor = super().logits(features) + self.settings.w_head * head
        return scores


def ridge_head(unit: Tensor, labels: Tensor, classes: int, ridge: float) -> Tensor:
    """The weights [e, C] of the ridge regression of one-hot labels on unit embeddings.

    Args:
        unit: [n, e].
        labels: [n], training classes.
        classes: C.
        ridge: Penalty, relative to the mean squared length of the centred rows.
    """
    rows = unit - unit.mean(0)
    targets = F.one_hot(labels, classes).to(rows.dtype)
    gram = rows @ rows.T
    penalty = ridge * gram.diagonal().mean().clamp_min(1e-12)
    system = gram + penalty * torch.eye(len(rows), device=rows.device)
    weights: Tensor = rows.T @ torch.linalg.solve(system, targets - targets.mean(0))
    return weights
