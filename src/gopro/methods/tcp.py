"""TCP: context tokens inside the text encoder, computed from each class's text embedding."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gopro.backbones import Backbone, ClassContext, ImageFeatures, Prompts
from gopro.common.errors import GoproError
from gopro.methods.base import Batch, Method, initial_context


@dataclass(frozen=True)
class TCPSettings:
    """Options of TCP."""

    n_ctx: int = 4
    """Number of context tokens."""

    ctx_init: str = ""
    """Initial words of the context; with fewer words than tokens, random tokens come first. The
    released code has random tokens only."""

    template: str | None = None
    """The hand-written prompt; by default the data set's own, or "a photo of a {}."."""

    suffix: str | None = None
    """What follows the learned tokens, with {} for the class name; by default that of the released
    code for the data set, or "{}."."""

    w_kg: float = 8.0
    """Weight of the distance to the hand-written prompts."""

    block: int | None = None
    """Block of the text encoder (counted from 0) before which the class tokens are inserted; by
    default after two thirds of the blocks, as the paper's 8 of 12."""

    reduction: int = 4
    """Ratio of the embedding width to the hidden width of the network."""

    def __post_init__(self) -> None:
        if not 0 <= self.w_kg < math.inf:  # a NaN fails this too
            raise GoproError(f"got w_kg = {self.w_kg}; a weight is 0 or more")
        if self.reduction < 1:
            raise GoproError(f"got the reduction {self.reduction}; it must be 1 or more")


class TCP(Method):
    """Yao et al., "TCP: Textual-based Class-aware Prompt tuning for Visual-Language Model",
    CVPR 2024.

    With w'_c the unit text embedding of class c's hand-written prompt, the network

        T_c = W_2 QuickGELU(W_1 w'_c + b_1) + b_2,  W_1: e -> e/4,  W_2: e/4 -> M d_t,

    gives M tokens of width d_t. The prompt of class c is ``[v_1 .. v_M, suffix of c]`` with learned
    vectors v, where the suffix is the name of c and ".", or what the data set's sentence has after
    its first words, such as ", a type of pet."; T_c replaces the context tokens before block 8 of
    the text encoder's 12.
    With w_c the resulting unit text embedding, scores are ``exp(logit_scale) * cos(f_v(x), w_c)``
    and

        L = cross-entropy + w_kg 1/C sum_c (1 - cos(w_c, w'_c)).

    The network's input is the class name, so it works for other classes too.
    """

    Settings: ClassVar[type] = TCPSettings
    paper: ClassVar[str] = "Yao et al., CVPR 2024"
    about: ClassVar[str] = "context tokens, and a network from each class's text to its own"
    sentences: ClassVar[dict[str, dict[str, str]]] = {
        "oxford_pets": {"suffix": "{}, a type of pet."},
        "oxford_flowers": {"suffix": "{}, a type of flower."},
        "stanford_cars": {"suffix": "{}, a type of car"},
        "food101": {
            "template": "a photo of a {}, a type of food.",
            "suffix": "{}, a type of food.",
        },
        "fgvc_aircraft": {
            "template": "a photo of an aircraft {}.",
            "suffix": "{}, a type of aircraft.",
        },
        "dtd": {"template": "a photo of a {}, a type of texture.", "suffix": "{} texture."},
        "ucf101": {"suffix": "person doing {}."},
    }

    def __init__(self, backbone: Backbone, class_names: Sequence[str], settings: Any) -> None:
        super().__init__(backbone, class_names, settings)
        self.context = nn.Parameter(initial_context(backbone, settings.ctx_init, settings.n_ctx))
        width = backbone.embed_dim
        middle = max(1, width // settings.reduction)
        self.down = nn.Linear(width, middle)
        self.up = nn.Linear(middle, settings.n_ctx * backbone.text_width)
        layers = len(backbone.text_encoder.blocks)
        self.block = round(layers * 2 / 3) if settings.block is None else settings.block
        if not 0 < self.block < layers:
            raise GoproError(
                f"got block {self.block} for TCP's class tokens; they can stand before blocks 1 to "
                f"{layers - 1} of the text encoder of {backbone.name}"
            )
        self.set_class_names(class_names)

    @property
    def loss_weights(self) -> Mapping[str, float]:
        return {"ce": 1.0, "kg": self.settings.w_kg}

    def set_class_names(self, names: Sequence[str]) -> None:
        suffix = "{}." if self.settings.suffix is None else self.settings.suffix
        self.classes = self.backbone.class_tokens(names, self.settings.n_ctx, suffix)
        self.template_text = self.template_embeddings(names)

    def encode_text(self) -> Tensor:
        """Unit text embeddings [C, e]."""
        hidden = self.down(self.template_text)
        tokens = self.up(hidden * torch.sigmoid(1.702 * hidden))
        tokens = tokens.view(
            1, len(self.template_text), self.settings.n_ctx, self.backbone.text_width
        )
        prompts = Prompts.after(self.context, self.classes)
        prompts = replace(prompts, class_context=ClassContext(self.block, tokens))
        return F.normalize(self.backbone.encode_text(prompts)[0], dim=-1)

    def logits(self, features: ImageFeatures) -> Tensor:
        return self.cosine_logits(features, self.encode_text())

    def loss(self, batch: Batch) -> dict[str, Tensor]:
        features, text = self.encode(batch)["x"], self.encode_text()
        return {
            "ce": F.cross_entropy(self.cosine_logits(features, text), batch.labels),
            "kg": 1 - (text * self.template_text).sum(dim=-1).mean(),
        }
