"""CoPrompt: MaPLe with adapters and a consistency loss towards the frozen CLIP."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor

from gopro.backbones import Backbone, ImageFeatures
from gopro.common.errors import GoproError
from gopro.data.templates import ensemble_templates
from gopro.methods.base import Batch
from gopro.methods.class_texts import class_sentences
from gopro.methods.clip_adapter import adapter
from gopro.methods.maple import MaPLe, MaPLeSettings


@dataclass(frozen=True)
class CoPromptSettings(MaPLeSettings):
    """Options of CoPrompt: MaPLe's, and those of the adapters and of the consistency loss."""

    n_ctx: int = 4
    """Number of context tokens in a block; its code has 2 or 4, by data set."""

    depth: int | None = None
    """Number of blocks with prompts in both encoders, from the first on; by default all blocks of
    the smaller encoder. Its code has 9 or 12 of 12, by data set."""

    w_con: float = 8.0
    """Weight of the distance to the frozen CLIP; its code has 0.1 to 8, by data set."""

    image_ratio: float = 0.1
    """Weight of the image adapter in the mixture."""

    text_ratio: float = 0.2
    """Weight of the text adapter in the mixture."""

    texts: str | None = None
    """A JSON file with sentences about each class, such as a language model's, as in the paper; by
    default hand-written ones. ``--texts`` sets it."""

    reduction: int = 4
    """Ratio of the embedding width to the hidden width of the adapters."""

    def __post_init__(self) -> None:
        if not 0 <= self.w_con < math.inf:  # a NaN fails this too
            raise GoproError(f"got w_con = {self.w_con}; a weight is 0 or more")
        for name in ("image_ratio", "text_ratio"):
            if not 0 <= getattr(self, name) <= 1:
                raise GoproError(f"got {name} = {getattr(self, name)}; it is a share from 0 to 1")
        if self.reduction < 1:
            raise GoproError(f"got the reduction {self.reduction}; it must be 1 or more")


class CoPrompt(MaPLe):
    """Roy and Etemad, "Consistency-guided Prompt Learning for Vision-Language Models", ICLR 2024.

    Prompts are MaPLe's. Both embeddings f of the prompted encoders go through an adapter,

        (1 - r) f + r A(f),  A(f) = ReLU(W_2 ReLU(W_1 f)),  W_1: e -> e/4,  W_2: e/4 -> e,

    without bias, r = 0.1 for images and 0.2 for texts. With v_i and t_c the outputs, x''_i an
    augmented view of image i, s_k(c) the k-th sentence about class c, k random in each step, and
    f_v, f_t the frozen encoders,

        L = cross-entropy + w_con L_con,
        L_con = 1/C sum_c (1 - cos(t_c, f_t(s_k(c)))) + 1/B sum_i (1 - cos(v_i, f_v(x''_i))).

    The paper's sentences are a language model's descriptions of each class. Without
    ``texts``, the 80 hand-written sentences of CLIP's authors for ImageNet are used. x'' is
    the AugMix view.
    """

    Settings: ClassVar[type] = CoPromptSettings
    paper: ClassVar[str] = "Roy and Etemad, ICLR 2024"
    about: ClassVar[str] = "MaPLe's prompts and two adapters, kept consistent with the frozen CLIP"
    without_views: ClassVar[Mapping[str, Any]] = {"w_con": 0.0}
    parts: ClassVar[dict[str, dict[str, Any]]] = {
        "no-deep": {"depth": 1},
        "no-con": {"w_con": 0.0},
        "no-image-adapter": {"image_ratio": 0.0},
        "no-text-adapter": {"text_ratio": 0.0},
    }

    def __init__(self, backbone: Backbone, class_names: Sequence[str], settings: Any) -> None:
        super().__init__(backbone, class_names, settings)
        self.adapt_image = adapter(backbone.embed_dim, settings.reduction)
        self.adapt_text = adapter(backbone.embed_dim, settings.reduction)
        if settings.w_con > 0:
            self.all_sentences()  # finds those that don't fit before a long training

    @staticmethod
    def default_depth(blocks: int) -> int:
        return blocks

    @property
    def views(self) -> tuple[str, ...]:
        return ("x", "augmix") if self.settings.w_con > 0 else ("x",)

    @property
    def loss_weights(self) -> Mapping[str, float]:
        return {"ce": 1.0, "con": self.settings.w_con}

    def set_class_names(self, names: Sequence[str]) -> None:
        super().set_class_names(names)
        self.class_sentences: list[tuple[str, ...]] = []
        self.sentence_text: dict[tuple[int, int], Tensor] = {}

    def all_sentences(self) -> list[tuple[str, ...]]:
        """The sentences about each class; needed in training."""
        if not self.class_sentences:
            self.class_sentences = class_sentences(
                self.backbone,
                self.class_names,
                ensemble_templates("imagenet"),
                self.settings.texts,
            )
        return self.class_sentences

    def frozen_text(self) -> Tensor:
        """Unit frozen text embeddings [C, e] of a random sentence about each class.

        Classes with equally many sentences get the one of the same number.
        """
        counts = [len(rows) for rows in self.all_sentences()]
        text = torch.empty(len(counts), self.backbone.embed_dim, device=self.backbone.device)
        for count in sorted(set(counts)):
            classes = [index for index, one in enumerate(counts) if one == count]
            text[classes] = self.kth_text(count, int(torch.randint(count, ())))
        return text

    def kth_text(self, count: int, k: int) -> Tensor:
        """Unit frozen text embeddings of the k-th sentence about each class with ``count``."""
        if (count, k) not in self.sentence_text:
            kth = [rows[k] for rows in self.all_sentences() if len(rows) == count]
            self.sentence_text[count, k] = F.normalize(self.backbone.encode_sentences(kth), dim=-1)
        return self.sentence_text[count, k]

    def encode_image(self, pixels: Tensor) -> ImageFeatures:
        embedding, ratio = super().encode_image(pixels).embedding, self.settings.image_ratio
        return ImageFeatures.only((1 - ratio) * embedding + ratio * self.adapt_image(embedding))

    def encode_text(self) -> Tensor:
        embedding, ratio = super().encode_text(), self.settings.text_ratio
        adapted: Tensor = (1 - ratio) * embedding + ratio * self.adapt_text(embedding)
        return adapted

    def loss(self, batch: Batch) -> dict[str, Tensor]:
        unaugmented = {name: pixels for name, pixels in batch.images.items() if name == "x"}
        features = self.encode(replace(batch, images=unaugmented))["x"]
        image, text = (
            F.normalize(features.embedding, dim=-1),
            F.normalize(self.encode_text(), dim=-1),
        )
        scores = self.backbone.logit_scale * image @ text.T
        terms = {"ce": F.cross_entropy(scores, batch.labels)}
        if self.settings.w_con > 0:
            frozen_text = self.frozen_text()
            frozen = self.backbone.encode_image(batch.images["augmix"]).embedding
            terms["con"] = (1 - (text * frozen_text).sum(dim=-1)).mean() + (
                1 - (image * F.normalize(frozen, dim=-1)).sum(dim=-1)
            ).mean()
        return terms
