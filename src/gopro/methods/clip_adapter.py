"""CLIP-Adapter: a small network mixed into the image embedding."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import torch.nn.functional as F
from torch import Tensor, nn

from gopro.backbones import Backbone, ImageFeatures
from gopro.common.errors import GoproError
from gopro.methods.base import Method


@dataclass(frozen=True)
class CLIPAdapterSettings:
    """Options of CLIP-Adapter."""

    template: str | None = None
    """Sentence with {} for the class name; by default the data set's own, or "a photo of a {}."."""

    ratio: float = 0.2
    """Weight of the adapter in the mixture (the paper's alpha)."""

    reduction: int = 4
    """Ratio of the embedding width to the hidden width of the adapter."""

    def __post_init__(self) -> None:
        if not 0 <= self.ratio <= 1:
            raise GoproError(f"got the ratio {self.ratio}; it is a share from 0 to 1")
        if self.reduction < 1:
            raise GoproError(f"got the reduction {self.reduction}; it must be 1 or more")


class CLIPAdapter(Method):
    """Gao et al., "CLIP-Adapter: Better Vision-Language Models with Feature Adapters", IJCV 2024.

    With f the image embedding (not normalised), r the ratio and t_c the template's text embedding,

        A(f) = ReLU(W_2 ReLU(W_1 f)),  W_1: e -> e/4,  W_2: e/4 -> e,  both without bias,

    scores are ``exp(logit_scale) * cos(r A(f) + (1 - r) f, t_c)``, trained by cross-entropy.
    This is the visual adapter, which the paper finds as good as adapters on both sides. The
    published recipe is CoOp's, because the released code is based on CoOp's.
    """

    Settings: ClassVar[type] = CLIPAdapterSettings
    paper: ClassVar[str] = "Gao et al., IJCV 2024"
    about: ClassVar[str] = "a small network mixed into the image embedding"

    def __init__(self, backbone: Backbone, class_names: Sequence[str], settings: Any) -> None:
        super().__init__(backbone, class_names, settings)
        self.adapter = adapter(backbone.embed_dim, settings.reduction)
        self.set_class_names(class_names)

    def set_class_names(self, names: Sequence[str]) -> None:
        self.text = self.template_embeddings(names)

    def logits(self, features: ImageFeatures) -> Tensor:
        ratio, embedding = self.settings.ratio, features.embedding
        image = ratio * self.adapter(embedding) + (1 - ratio) * embedding
        return self.backbone.logit_scale * F.normalize(image, dim=-1) @ self.text.T


def adapter(width: int, reduction: int) -> nn.Sequential:
    """``ReLU(W_2 ReLU(W_1 f))`` of embeddings [B, width], with width / reduction hidden units."""
    middle = max(1, width // reduction)
    return nn.Sequential(
        nn.Linear(width, middle, bias=False),
        nn.ReLU(),
        nn.Linear(middle, width, bias=False),
        nn.ReLU(),
    )
