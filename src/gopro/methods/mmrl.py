"""MMRL: representation tokens in the upper blocks of both encoders, with their own projection."""

from __future__ import annotations

import copy
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gopro.backbones import Backbone, ImageFeatures, Prompts, UpperTokens
from gopro.common.errors import GoproError
from gopro.data.templates import templates_for
from gopro.methods.base import Batch, Method
from gopro.methods.class_indices import class_places
from gopro.methods.deep_prompts import check_upper_text, upper_blocks


@dataclass(frozen=True)
class MMRLSettings:
    """Options of MMRL."""

    n_tokens: int = 5
    """Number of representation tokens."""

    width: int = 512
    """Width of the shared representation tokens, before they are mapped to an encoder's width."""

    blocks: int | None = None
    """Number of blocks with representation tokens in both encoders, the last ones; by default as
    the paper's 7 of 12, of the encoder with fewer blocks."""

    alpha: float = 0.7
    """Weight of the class token's scores; the representation tokens' scores have the rest."""

    w_reg: float = 0.5
    """Weight of the distance to the frozen CLIP; its code has 0.01 to 7, by data set."""

    template: str | None = None
    """Sentence with {} for the class name; by default the data set's own, or "a photo of a {}."."""

    def __post_init__(self) -> None:
        for name in ("n_tokens", "width"):
            if getattr(self, name) < 1:
                raise GoproError(f"got {name} = {getattr(self, name)}; it must be 1 or more")
        if not 0 <= self.alpha <= 1:
            raise GoproError(f"got alpha = {self.alpha}; it is a share from 0 to 1")
        if not 0 <= self.w_reg < math.inf:  # a NaN fails this too
            raise GoproError(f"got w_reg = {self.w_reg}; a weight is 0 or more")


class MMRL(Method):
    """Guo and Gu, "MMRL: Multi-Modal Representation Learning for Vision-Language Models",
    CVPR 2025.

    R: [K, width] are learned representation tokens, shared by both encoders. Linear maps give the
    tokens of block j, F_v,j(R) of the image encoder and F_t,j(R) of the text encoder, for the last
    J blocks. They enter after the class token (the start token of the text) before the first of
    these blocks, and replace their outputs before each later one. The text is a fixed sentence
    about class c, t_c its embedding. With x_0 the image encoder's final output at the class token,
    x_1..x_K those at the representation tokens and LN its final norm,

        v = P LN(x_0),   r = P_r 1/K sum_k LN(x_k),

    P is CLIP's projection, P_r: d_v -> e is learned. With s_c = exp(logit_scale) cos(v, t_c),
    s'_c = exp(logit_scale) cos(r, t_c), and v°, t°_c the embeddings of the frozen encoders,

        L = alpha CE(s) + (1 - alpha) CE(s')
            + w_reg (1 - mean_i cos(v_i, v°_i)) + w_reg (1 - mean_c cos(t_c, t°_c)).

    The score of a class whose name was trained is ``alpha s_c + (1 - alpha) s'_c``; that of any
    other class is s_c, because P_r has learned the training classes only.

    As in its code, the maps of one encoder have equal initial weights.
    """

    Settings: ClassVar[type] = MMRLSettings
    paper: ClassVar[str] = "Guo and Gu, CVPR 2025"
    about: ClassVar[str] = (
        "tokens in the upper blocks of both encoders, and a projection of their outputs"
    )
    parts: ClassVar[dict[str, dict[str, Any]]] = {
        "no-representation": {"alpha": 1.0},
        "no-reg": {"w_reg": 0.0},
    }
    modifies_image_encoder: ClassVar[bool] = True

    def __init__(self, backbone: Backbone, class_names: Sequence[str], settings: Any) -> None:
        super().__init__(backbone, class_names, settings)
        self.trained_names = tuple(class_names)
        backbone.image_encoder.prompts.check("mmrl", 1)
        check_upper_text(backbone, "mmrl")
        count = upper_blocks(backbone, settings.blocks, 7 / 12, below=1)
        self.first_image = len(backbone.image_encoder.prompts.blocks) - count
        self.first_text = len(backbone.text_encoder.blocks) - count
        width = backbone.vision_widths[0]
        self.tokens = nn.Parameter(torch.empty(settings.n_tokens, settings.width))
        nn.init.normal_(self.tokens, std=0.02)
        to_image = nn.Linear(settings.width, width)
        to_text = nn.Linear(settings.width, backbone.text_width)
        self.to_image = nn.ModuleList(copy.deepcopy(to_image) for _ in range(count))
        self.to_text = nn.ModuleList(copy.deepcopy(to_text) for _ in range(count))
        self.project = nn.Parameter(torch.randn(width, backbone.embed_dim) * width**-0.5)
        self.set_class_names(class_names)

    @property
    def loss_weights(self) -> Mapping[str, float]:
        options = self.settings
        return {
            "ce": options.alpha,
            "ce_rep": 1 - options.alpha,
            "image": options.w_reg,
            "text": options.w_reg,
        }

    def set_class_names(self, names: Sequence[str]) -> None:
        self.frozen_text = self.template_embeddings(names)
        (sentence,) = templates_for(self.settings.template)
        self.classes = self.backbone.class_tokens(names, 0, sentence)
        trained = [place is not None for place in class_places(names, self.trained_names)]
        self.trained = torch.tensor(trained, device=self.frozen_text.device)

    def encode_image(self, pixels: Tensor) -> ImageFeatures:
        """The class token's embedding and the representation tokens', side by side: [B, 2 e]."""
        tokens = [to_image(self.tokens) for to_image in self.to_image]
        embedding, outputs = self.backbone.image_encoder.with_upper_prompts(
            pixels, tokens, self.first_image
        )
        return ImageFeatures.only(torch.cat([embedding, outputs.mean(dim=1) @ self.project], dim=1))

    def encode_text(self) -> Tensor:
        """Unit text embeddings [C, e]."""
        tokens = tuple(to_text(self.tokens) for to_text in self.to_text)
        start = self.tokens.new_empty(0, self.backbone.text_width)
        prompts = Prompts.after(start, self.classes, upper=UpperTokens(self.first_text, tokens))
        return F.normalize(self.backbone.encode_text(prompts)[0], dim=-1)

    def both_logits(self, features: ImageFeatures, text: Tensor) -> tuple[Tensor, Tensor]:
        """Scores [B, C] of the class token and of the representation tokens."""
        scale = self.backbone.logit_scale
        own, representation = (F.normalize(one, dim=-1) for one in _halves(features))
        return scale * own @ text.T, scale * representation @ text.T

    def logits(self, features: ImageFeatures) -> Tensor:
        own, representation = self.both_logits(features, self.encode_text())
        alpha = self.settings.alpha
        return torch.where(self.trained, alpha * own + (1 - alpha) * representation, own)

    def loss(self, batch: Batch) -> dict[str, Tensor]:
        features, text = self.encode(batch)["x"], self.encode_text()
        own, representation = self.both_logits(features, text)
        frozen = self.backbone.encode_image(batch.images["x"]).embedding
        return {
            "ce": F.cross_entropy(own, batch.labels),
            "ce_rep": F.cross_entropy(representation, batch.labels),
            "image": 1 - F.cosine_similarity(_halves(features)[0], frozen).mean(),
            "text": 1 - F.cosine_similarity(text, self.frozen_text).mean(),
        }


def _halves(features: ImageFeatures) -> tuple[Tensor, Tensor]:
    own, representation = features.embedding.chunk(2, dim=-1)
    return own, representation
