"""Zero-shot CLIP: a template, nothing learned."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import torch.nn.functional as F
from torch import Tensor

from gopro.backbones import Backbone, ImageFeatures
from gopro.errors import GoproError
from gopro.methods.base import Batch, Method, Recipe


@dataclass(frozen=True)
class ZeroShotSettings:
    """Options of zero-shot CLIP."""

    template: str = "a photo of a {}."
    """The sentence that each class name is put into."""


class ZeroShot(Method):
    """CLIP as it is (Radford et al., "Learning Transferable Visual Models From Natural Language
    Supervision", ICML 2021): ``exp(logit_scale) * cos(f_v(x), f_t(template of c))``.
    """

    Settings: ClassVar[type] = ZeroShotSettings
    recipes: ClassVar[dict[str, Recipe]] = {"published": Recipe(epochs=0)}
    paper: ClassVar[str] = "Radford et al., ICML 2021"
    about: ClassVar[str] = "nothing: CLIP with a fixed template"

    def __init__(self, backbone: Backbone, class_names: Sequence[str], settings: Any) -> None:
        super().__init__(backbone, class_names, settings)
        self.set_class_names(class_names)

    def set_class_names(self, names: Sequence[str]) -> None:
        text = self.backbone.template(names, self.settings.template)
        self.text = F.normalize(text, dim=-1)

    def logits(self, features: ImageFeatures) -> Tensor:
        image = F.normalize(features.embedding, dim=-1)
        return self.backbone.logit_scale * image @ self.text.T

    def loss(self, batch: Batch) -> dict[str, Tensor]:
        raise GoproError("zeroshot learns nothing; choose another --method to train")
