"""MaPLe: prompts in the blocks of both encoders, the image's mapped from the text's."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import torch.nn.functional as F
from torch import Tensor, nn

from gopro.backbones import Backbone, ImageFeatures, Prompts
from gopro.methods.base import Method
from gopro.methods.deep_prompts import (
    check_text_depth,
    leading_context,
    random_prompts,
    three_quarters,
    tokens_after_context,
)


@dataclass(frozen=True)
class MaPLeSettings:
    """Options of MaPLe."""

    n_ctx: int = 2
    """Number of context tokens in a block."""

    ctx_init: str = "a photo of a"
    """First words of the prompt: the first of them initialise the context tokens, the others stay
    fixed; with fewer words than tokens, random tokens come first."""

    depth: int | None = None
    """Number of blocks with prompts in both encoders, from the first on; by default three quarters
    of the smaller number of blocks, as the paper's 9 of 12."""


class MaPLe(Method):
    """Khattak et al., "MaPLe: Multi-modal Prompt Learning", CVPR 2023.

    P_1..P_J are learned tokens for the first J blocks of the text encoder; linear maps F_1..F_J
    give those of the image encoder, F_j(P_j). P_1 is the beginning of the prompt, and P_j replaces
    it before block j; likewise F_j(P_j) among the image's tokens. The text of class c is
    ``[P_1, rest of the words, name of c, "."]``. With f_v(x; F(P)) and t_c(P) the embeddings,
    scores are ``exp(logit_scale) * cos(f_v(x; F(P)), t_c(P))``, trained by cross-entropy.

    As in its code, F_2..F_J have equal initial weights.
    """

    Settings: ClassVar[type] = MaPLeSettings
    paper: ClassVar[str] = "Khattak et al., CVPR 2023"
    about: ClassVar[str] = (
        "prompts in the blocks of both encoders, the image's mapped from the text's"
    )
    parts: ClassVar[dict[str, dict[str, Any]]] = {"no-deep": {"depth": 1}}
    modifies_image_encoder: ClassVar[bool] = True
    leading_words: ClassVar[bool] = True

    def __init__(self, backbone: Backbone, class_names: Sequence[str], settings: Any) -> None:
        super().__init__(backbone, class_names, settings)
        texts, images = len(backbone.text_encoder.blocks), len(backbone.vision_widths)
        depth = settings.depth
        if depth is None:
            depth = self.default_depth(min(texts, images))
        backbone.image_encoder.prompts.check(type(self).__name__.lower(), depth)
        check_text_depth(backbone, depth)
        widths = backbone.text_width, backbone.vision_widths[0]
        self.context = nn.Parameter(leading_context(backbone, settings.ctx_init, settings.n_ctx))
        self.deep = random_prompts(depth - 1, settings.n_ctx, backbone.text_width)
        self.couple = nn.Linear(*widths)
        start = nn.Linear(*widths)
        self.couple_deep = nn.ModuleList(copy.deepcopy(start) for _ in self.deep)
        self.set_class_names(class_names)

    @staticmethod
    def default_depth(blocks: int) -> int:
        """The default number of blocks with prompts, out of ``blocks``."""
        return three_quarters(blocks)

    def set_class_names(self, names: Sequence[str]) -> None:
        options = self.settings
        self.classes = tokens_after_context(self.backbone, names, options.ctx_init, options.n_ctx)

    def encode_image(self, pixels: Tensor) -> ImageFeatures:
        deep = [couple(part) for couple, part in zip(self.couple_deep, self.deep, strict=True)]
        return self.backbone.encode_image(pixels, [self.couple(self.context), *deep])

    def encode_text(self) -> Tensor:
        """Text embeddings [C, e] of the prompts, not normalised."""
        deep = [part[None] for part in self.deep]
        return self.backbone.encode_text(Prompts.after(self.context, self.classes, deep))[0]

    def logits(self, features: ImageFeatures) -> Tensor:
        return self.cosine_logits(features, F.normalize(self.encode_text(), dim=-1))
