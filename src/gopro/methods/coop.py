"""CoOp: context tokens shared by all images, learned by cross-entropy."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import torch.nn.functional as F
from torch import Tensor, nn

from gopro.backbones import Backbone, ImageFeatures, Prompts
from gopro.methods.base import Batch, Method, Recipe, initial_context


@dataclass(frozen=True)
class CoOpSettings:
    """Options of CoOp."""

    tokens: int = 4
    """Number of context tokens."""

    words: str = "a photo of a"
    """Words the context starts from; where there are fewer words than tokens, random ones lead."""


class CoOp(Method):
    """Zhou et al., "Learning to Prompt for Vision-Language Models", IJCV 2022.

    The prompt of class c is ``[v_1 .. v_M, name of c, "."]`` with M learned vectors v; scores are
    ``exp(logit_scale) * cos(f_v(x), f_t(prompt of c))``.
    """

    Settings: ClassVar[type] = CoOpSettings
    recipes: ClassVar[dict[str, Recipe]] = {
        "published": Recipe(epochs=50, batch=32, lr=0.002),
        "mini": Recipe(epochs=20, batch=32, lr=0.05),
    }
    about: ClassVar[str] = "context tokens shared by all images (CoOp, 2022)"

    def __init__(self, backbone: Backbone, class_names: Sequence[str], settings: Any) -> None:
        super().__init__(backbone, class_names, settings)
        self.context = nn.Parameter(initial_context(backbone, settings.words, settings.tokens))
        self.set_class_names(class_names)

    def set_class_names(self, names: Sequence[str]) -> None:
        self.classes = self.backbone.class_tokens(names, self.settings.tokens)

    def logits(self, features: ImageFeatures) -> Tensor:
        text = self.backbone.text(Prompts.after(self.context, self.classes))[0]
        image = F.normalize(features.embedding, dim=-1)
        return self.backbone.logit_scale * image @ F.normalize(text, dim=-1).T

    def loss(self, batch: Batch) -> dict[str, Tensor]:
        features = self.encode(batch)["x"]
        return {"ce": F.cross_entropy(self.logits(features), batch.labels)}
