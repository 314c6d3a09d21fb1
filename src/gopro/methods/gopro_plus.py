"""GOPro with a regression head for trained names, held near the frozen model for others."""

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

    w_head: float = 30.0
    """Weight of the regression head's scores, for the names that were trained; 0 is without it."""

    ridge: float = 0.3
    """Ridge penalty of the head, relative to the mean squared length of the centred embeddings."""

    frozen: float = 1.0
    """Weight of the frozen model's scores beside GOPro's, for names that were not trained."""

    centre: float = 0.5
    """Share of each name's score on the average training image that is subtracted from its scores,
    for names that were not trained."""

    template: str = "a photo of a {}."
    """Prompt of the frozen model's scores."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.variant != "paper":
            raise GoproError("gopro_plus builds on the paper variant; leave the variant out")
        for name in ("w_head", "frozen", "centre"):
            if not 0 <= getattr(self, name) < float("inf"):
                raise GoproError(f"got {name} = {getattr(self, name)}; it is 0 or more")
        if not 0 < self.ridge < float("inf"):
            raise GoproError(f"got ridge = {self.ridge}; it must be above 0")


class GOProPlus(GOPro):
    r"""Ours: GOPro, trained as it is, with two additions in prediction that need no training step.

    *Names that were trained* get a linear classifier as well: ridge regression of the one-hot
    labels on the frozen unit embeddings u of the n training images, in closed form. With U [n, e]
    centred by its mean m, Y [n, C] centred, and s the mean squared row length of U,

    .. math:: W = U^T (U U^T + \text{ridge} \cdot s \, I)^{-1} Y, \qquad
              h(x) = (u(x) - m) W,

    and w_head * h_c(x) is added to GOPro's score of class c. A few shots say more about their own
    classes than a prompt can hold.

    *Other names* are held near the frozen model: GOPro's scores g and its scores z are averaged,

    .. math:: s_c(x) = (g_c(x) + \text{frozen} \cdot z_c(x)) / (1 + \text{frozen}),

    and centred by what they are on the average training image a (the mean of the features), less
    the mean of that over the other names, so that their level stays that of trained names:

    .. math:: s_c(x) - \text{centre} \cdot (s_c(a) - \text{mean}_{c'} s_{c'}(a)).

    In a narrow set of images, some names fit every image; centring takes part of that away. It
    needs no image and no label of the new classes.
    """

    Settings: ClassVar[type] = GOProPlusSettings
    paper: ClassVar[str] = "This project, 2026"
    about: ClassVar[str] = "GOPro, with a head for trained names and the frozen model for others"
    learns_from_features: ClassVar[bool] = True
    has_other_scores: ClassVar[bool] = True
    parts: ClassVar[dict[str, dict[str, Any]]] = {
        "no-head": {"w_head": 0.0},
        "no-frozen": {"frozen": 0.0},
        "no-centre": {"centre": 0.0},
    }

    head: nn.Parameter
    head_mean: nn.Parameter
    mean_embedding: nn.Parameter
    mean_mean: nn.Parameter
    mean_std: nn.Parameter

    def __init__(self, backbone: Backbone, class_names: Sequence[str], settings: Any) -> None:
        self.trained_names = tuple(class_names)
        super().__init__(backbone, class_names, settings)
        width, layers = backbone.embed_dim, sum(backbone.vision_widths)
        # computed once in ``prepare``, and saved with the learned weights
        shapes = {
            "head": (width, len(class_names)),
            "head_mean": (width,),
            "mean_embedding": (width,),
            "mean_mean": (layers,),
            "mean_std": (layers,),
        }
        for name, shape in shapes.items():
            values = torch.zeros(shape, device=backbone.device)
            self.register_parameter(name, nn.Parameter(values, requires_grad=False))

    @torch.no_grad()
    def prepare(self, features: ImageFeatures, labels: Tensor) -> None:
        unit = F.normalize(features.embedding.float(), dim=-1)
        self.head_mean.copy_(unit.mean(0))
        self.head.copy_(ridge_head(unit, labels, len(self.trained_names), self.settings.ridge))
        for name in ("embedding", "mean", "std"):
            self.get_parameter(f"mean_{name}").copy_(getattr(features, name).float().mean(0))

    def set_class_names(self, names: Sequence[str]) -> None:
        super().set_class_names(names)
        device = self.backbone.device
        trained = {name: place for place, name in enumerate(self.trained_names)}
        # the training class of each name, and whether it has one
        self.place = torch.tensor([trained.get(name, 0) for name in names], device=device)
        self.known = torch.tensor([name in trained for name in names], device=device)
        self.frozen_text = self.template_embeddings(names)

    def logits(self, features: ImageFeatures) -> Tensor:
        gopro = super().logits(features)
        scores: Tensor = gopro
        if self.known.any():
            unit = F.normalize(features.embedding, dim=-1)
            head = ((unit - self.head_mean) @ self.head)[:, self.place]
            scores = scores + self.settings.w_head * head * self.known
        if not self.known.all():
            average = ImageFeatures(
                self.mean_embedding[None], self.mean_mean[None], self.mean_std[None]
            )
            usual = self._averaged(super().logits(average), average)
            usual = usual - usual[:, ~self.known].mean()
            held = self._averaged(gopro, features) - self.settings.centre * usual
            scores = torch.where(self.known, scores, held)
        return scores

    def _averaged(self, gopro: Tensor, features: ImageFeatures) -> Tensor:
        """Scores [B, C] of GOPro, averaged with those of the frozen model."""
        weight: float = self.settings.frozen
        return (gopro + weight * self.cosine_logits(features, self.frozen_text)) / (1 + weight)


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
