"""StyLIP: context tokens from each image's style, text embeddings fused with its content."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gopro.backbones import Backbone, ImageFeatures, Prompts
from gopro.common.errors import GoproError
from gopro.methods.base import Method, initial_context


@dataclass(frozen=True)
class StyLIPSettings:
    """Options of StyLIP."""

    n_ctx: int = 4
    """Number of context tokens, each with its own style projector."""

    ctx_init: str = "a photo of a"
    """Initial words of the context; with fewer words than tokens, random tokens come first."""

    style: bool = True
    """Shift the context tokens by the projected style of the image."""

    content: bool = True
    """Fuse the text embeddings with the projected content of the image."""

    def __post_init__(self) -> None:
        if not (self.style or self.content):
            raise GoproError("stylip without style and content is CoOp; use coop for that")


class StyLIP(Method):
    """After Bose et al., "StyLIP: Multi-Scale Style-Conditioned Prompt Learning for CLIP-based
    Domain Generalization", WACV 2024.

    The abstract names the parts: style projectors compute the prompt's tokens from multi-scale
    style features, the prompts' embeddings are combined with multi-scale content features of a
    content projector, both encoders are frozen. The formulas are ours. With mu_l and sigma_l the
    mean and standard deviation of image x's tokens after layer l, each normalised to zero mean and
    unit variance over its width, and ``n(.)`` division by the square root of the length,

        s_m = n([mu_l, sigma_l for the layers l of token m]),  token m = c_m + S_m s_m,
        g   = G n([mu_1, .., mu_L]) + b_G,
        t_c = f_t([token 1, .., token M, name of c, "."]), made a unit vector,
        u_c = t_c + W [t_c, g] + b.

    The layers are distributed over the M tokens in order, in M runs of (nearly) equal length; with
    more tokens than layers, neighbouring tokens share one. c, S, G, W and their biases are learned;
    S, W and b are initially zero, so training starts at zero-shot CLIP. Scores are
    ``exp(logit_scale) * cos(f_v(x), u_c)``, and the loss is their cross-entropy.
    """

    Settings: ClassVar[type] = StyLIPSettings
    paper: ClassVar[str] = "Bose et al., WACV 2024"
    about: ClassVar[str] = "context tokens from each image's style, text fused with its content"
    prompts_per_image: ClassVar[bool] = True
    parts: ClassVar[dict[str, dict[str, Any]]] = {
        "no-style": {"style": False},
        "no-content": {"content": False},
    }

    def __init__(self, backbone: Backbone, class_names: Sequence[str], settings: Any) -> None:
        super().__init__(backbone, class_names, settings)
        self.context = nn.Parameter(initial_context(backbone, settings.ctx_init, settings.n_ctx))
        widths, embed = backbone.vision_widths, backbone.embed_dim
        if settings.style:
            self.scales = layers_of_tokens(len(widths), settings.n_ctx)
            inputs = [2 * sum(widths[layer] for layer in layers) for layers in self.scales]
            text_width = backbone.text_width
            self.style = nn.ModuleList(nn.Linear(n, text_width, bias=False) for n in inputs)
            for weight in self.style.parameters():
                nn.init.zeros_(weight)
        if settings.content:
            self.content = nn.Linear(sum(widths), embed)
            self.fusion = nn.Linear(2 * embed, embed)
            nn.init.zeros_(self.fusion.weight)
            nn.init.zeros_(self.fusion.bias)
        self.set_class_names(class_names)

    def set_class_names(self, names: Sequence[str]) -> None:
        self.classes = self.backbone.class_tokens(names, self.settings.n_ctx)

    def tokens(self, features: ImageFeatures) -> Tensor:
        """Context tokens: [B, M, d_t], or [M, d_t] without style."""
        if not self.settings.style:
            return self.context
        means, stds = self._layers(features.mean), self._layers(features.std)
        shifts = [
            projector(_joined([part[layer] for layer in layers for part in (means, stds)]))
            for projector, layers in zip(self.style, self.scales, strict=True)
        ]
        return self.context + torch.stack(shifts, dim=1)

    def encode_text(self, features: ImageFeatures) -> Tensor:
        """Text embeddings [B, C, e] for each image, not normalised; B is 1 if all are the same."""
        text = self.backbone.encode_text(Prompts.after(self.tokens(features), self.classes))
        text = F.normalize(text, dim=-1)
        if not self.settings.content:
            return text
        content = self.content(_joined(self._layers(features.mean)))
        # W [t, g] in two parts: the second is the same for all classes
        on_text, on_content = self.fusion.weight.chunk(2, dim=1)
        change = F.linear(text, on_text) + F.linear(content, on_content, self.fusion.bias)[:, None]
        return text + change

    def _layers(self, statistics: Tensor) -> list[Tensor]:
        """Split [B, D] by layer and normalise each row to zero mean and unit variance."""
        parts = torch.split(statistics, list(self.backbone.vision_widths), dim=1)
        return [F.layer_norm(part, part.shape[-1:]) for part in parts]

    def logits(self, features: ImageFeatures) -> Tensor:
        image = F.normalize(features.embedding, dim=-1)
        text = F.normalize(self.encode_text(features), dim=-1)
        return self.backbone.logit_scale * (image[:, None] * text).sum(dim=-1)


def layers_of_tokens(layers: int, tokens: int) -> list[range]:
    """The layers, counted from 0, that give the style of each token.

    ``layers_of_tokens(12, 4)`` gives layers 0 to 2, 3 to 5, 6 to 8 and 9 to 11.
    """
    starts = [token * layers // tokens for token in range(tokens + 1)]
    return [range(start, max(start + 1, end)) for start, end in pairwise(starts)]


def _joined(parts: Sequence[Tensor]) -> Tensor:
    """Concatenate vectors of unit variance to one of unit length: a step of the projector then
    changes its output as much as a step of CoOp changes a token."""
    joined = torch.cat(list(parts), dim=-1)
    return joined / math.sqrt(joined.shape[-1])
