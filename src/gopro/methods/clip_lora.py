"""CLIP-LoRA: low-rank additions to the attention of both encoders."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gopro.backbones import Backbone, ImageFeatures
from gopro.backbones.low_rank import image_blocks, image_embedding, text_blocks, text_embedding
from gopro.common.errors import GoproError
from gopro.data.templates import DEFAULT
from gopro.methods import configs
from gopro.methods.base import Method, Recipe


@dataclass(frozen=True)
class CLIPLoRASettings:
    """Options of CLIP-LoRA."""

    rank: int = 2
    """Rank of the matrices added to each projection."""

    alpha: float = 1.0
    """Scale: the added term is multiplied by alpha / sqrt(rank)."""

    dropout: float = 0.25
    """Dropout rate of the input of the added term in training."""

    tower: Literal["both", "image", "text"] = "both"
    """The adapted encoders; text works with ResNets too."""

    template: str = DEFAULT
    """Sentence with {} for the class name; the same for every data set, as in its code."""

    def __post_init__(self) -> None:
        if self.rank < 1:
            raise GoproError(f"got the rank {self.rank}; it must be 1 or more")
        if not 0 <= self.dropout < 1:
            raise GoproError(f"got the dropout {self.dropout}; it is a share from 0 to below 1")
        if not 0 < self.alpha < math.inf:
            raise GoproError(f"got alpha = {self.alpha}; it must be above 0")
        if self.tower not in ("both", "image", "text"):
            raise GoproError(f"got the tower {self.tower!r}; choose both, image or text")


class LowRank(nn.Module):
    """The term added to query, key and value in each block of an encoder.

    ``added_p(h) = alpha / sqrt(r) B_p A_p drop(h)`` for p of query, key and value, with separate
    A_p: d -> r and B_p: r -> d for each block. A is initialised like a linear layer, B is zero.

    Args:
        blocks: Number of blocks.
        width: d.
        settings: Rank, alpha and dropout.
    """

    def __init__(self, blocks: int, width: int, settings: CLIPLoRASettings) -> None:
        super().__init__()
        self.down = nn.Parameter(torch.empty(blocks, 3, settings.rank, width))
        self.up = nn.Parameter(torch.zeros(blocks, 3, width, settings.rank))
        bound = 1 / math.sqrt(width)
        nn.init.uniform_(self.down, -bound, bound)
        self.scale = settings.alpha / math.sqrt(settings.rank)
        self.dropout = settings.dropout

    def forward(self, block: int, tokens: Tensor) -> Tensor:
        """[.., n, 3 d] of a block's normalised input [.., n, d]."""
        down, up = self.down[block].to(tokens.dtype), self.up[block].to(tokens.dtype)
        parts = [
            F.linear(F.linear(F.dropout(tokens, self.dropout, self.training), a), b)
            for a, b in zip(down, up, strict=True)
        ]
        return torch.cat(parts, dim=-1) * self.scale


class CLIPLoRA(Method):
    """Zanella and Ben Ayed, "Low-Rank Few-Shot Adaptation of Vision-Language Models", CVPRW 2024.

    With h the normalised input of a block's attention and W its projection to query, key or value,

        W h  becomes  W h + alpha / sqrt(r) B A drop(h),   A: d -> r,  B: r -> d,

    with separate A and B for each projection of each block of both encoders, r = 2, B initially
    zero, and in training a separate dropout (a quarter of h's entries) for each of the three.
    Scores are ``exp(logit_scale) * cos(f_v'(x), f_t'(template of c))`` with the adapted encoders,
    trained by cross-entropy. The scale is that of its code; LoRA's is alpha / r.

    Its code takes 500 steps of 32 images for each shot, for any number of classes C. These are
    ``16000 / C`` epochs: 320 for the 50 base classes of Caltech101.
    """

    Settings: ClassVar[type] = CLIPLoRASettings
    paper: ClassVar[str] = "Zanella and Ben Ayed, CVPRW 2024"
    about: ClassVar[str] = "low-rank additions to the attention of both encoders"
    parts: ClassVar[dict[str, dict[str, Any]]] = {
        "no-image-tower": {"tower": "text"},
        "no-text-tower": {"tower": "image"},
    }
    modifies_image_encoder: ClassVar[bool] = True

    def __init__(self, backbone: Backbone, class_names: Sequence[str], settings: Any) -> None:
        super().__init__(backbone, class_names, settings)
        if settings.tower != "text":
            blocks, width = image_blocks(backbone), backbone.vision_widths[0]
            self.image_tower = LowRank(blocks, width, settings)
        if settings.tower != "image":
            self.text_tower = LowRank(text_blocks(backbone), backbone.text_width, settings)
        self.set_class_names(class_names)

    @classmethod
    def recipe_for(cls, backbone: str, classes: int | None = None, options: Any = None) -> Recipe:
        recipe = super().recipe_for(backbone, classes, options)
        if "epochs" in configs.values("clip_lora", backbone):
            return recipe
        return replace(recipe, epochs=math.ceil(500 * recipe.batch / (classes or 50)))

    def set_class_names(self, names: Sequence[str]) -> None:
        template = self.settings.template
        self.frozen_text = self.backbone.encode_class_names(names, template)
        self.classes = self.backbone.class_tokens(names, 0, template)

    def encode_image(self, pixels: Tensor) -> ImageFeatures:
        if self.settings.tower == "text":
            return self.backbone.encode_image(pixels)
        return ImageFeatures.only(image_embedding(self.backbone, pixels, self.image_tower))

    def encode_text(self) -> Tensor:
        """Unit text embeddings [C, e]."""
        if self.settings.tower == "image":
            return F.normalize(self.frozen_text, dim=-1)
        return F.normalize(text_embedding(self.backbone, self.classes, self.text_tower), dim=-1)

    def logits(self, features: ImageFeatures) -> Tensor:
        return self.cosine_logits(features, self.encode_text())
