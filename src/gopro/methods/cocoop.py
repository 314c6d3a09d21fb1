"""CoCoOp: CoOp's context tokens, shifted for each image by a small network."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gopro.backbones import Backbone, ImageFeatures, Prompts
from gopro.methods.base import Method, initial_context


@dataclass(frozen=True)
class CoCoOpSettings:
    """Options of CoCoOp."""

    n_ctx: int = 4
    """Number of context tokens."""

    ctx_init: str = "a photo of a"
    """Initial words of the context; with fewer words than tokens, random tokens come first."""


class CoCoOp(Method):
    """Zhou et al., "Conditional Prompt Learning for Vision-Language Models", CVPR 2022.

    With z the unit embedding of image x, M learned vectors v and the meta-net

        pi(x) = W_2 ReLU(W_1 z + b_1) + b_2,  W_1: e -> e/16,  W_2: e/16 -> d_t,

    the prompt of class c for image x is ``[v_1 + pi(x), .., v_M + pi(x), name of c, "."]`` and
    scores are ``exp(logit_scale) * cos(f_v(x), f_t(prompt of c for x))``.
    """

    Settings: ClassVar[type] = CoCoOpSettings
    paper: ClassVar[str] = "Zhou et al., CVPR 2022"
    about: ClassVar[str] = "context tokens, and a network that shifts them for each image"
    prompts_per_image: ClassVar[bool] = True

    def __init__(self, backbone: Backbone, class_names: Sequence[str], settings: Any) -> None:
        super().__init__(backbone, class_names, settings)
        self.context = nn.Parameter(initial_context(backbone, settings.ctx_init, settings.n_ctx))
        width = backbone.embed_dim
        hidden = max(1, width // 16)
        self.meta_net = nn.Sequential(
            nn.Linear(width, hidden), nn.ReLU(), nn.Linear(hidden, backbone.text_width)
        )
        self.set_class_names(class_names)

    def set_class_names(self, names: Sequence[str]) -> None:
        self.classes = self.backbone.class_tokens(names, self.settings.n_ctx)

    def image_embedding(self, features: ImageFeatures) -> Tensor:
        """Unit image embeddings [B, e]."""
        return F.normalize(features.embedding, dim=-1)

    def shifts(self, features: ImageFeatures) -> Tensor:
        """Shift [B, 1, d_t] of all context tokens by each image."""
        shift: Tensor = self.meta_net(self.image_embedding(features))
        return shift[:, None]

    def text_embedding(self, shifts: Tensor) -> Tensor:
        """Unit text embeddings [B, C, e] of prompts whose context is shifted by [B, 1, d_t]."""
        text = self.backbone.encode_text(Prompts.after(self.context + shifts, self.classes))
        return F.normalize(text, dim=-1)

    def logits(self, features: ImageFeatures) -> Tensor:
        image, text = self.image_embedding(features), self.text_embedding(self.shifts(features))
        return self.backbone.logit_scale * torch.einsum("be,bce->bc", image, text)
