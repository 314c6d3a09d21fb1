"""Zero-shot CLIP: hand-written sentences, without training."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import torch
import torch.nn.functional as F
from torch import Tensor

from gopro.backbones import Backbone, ImageFeatures
from gopro.common.errors import GoproError
from gopro.data.templates import templates_for
from gopro.methods.base import Batch, Method
from gopro.methods.class_texts import text_means


@dataclass(frozen=True)
class ZeroShotSettings:
    """Options of zero-shot CLIP."""

    template: str | None = None
    """Sentence with {} for the class name; by default the data set's own, or "a photo of a {}."."""

    ensemble: Literal["none", "select", "imagenet"] = "none"
    """Average the text embeddings of several sentences: select has the 7 that CLIP's authors
    selected for ImageNet and the data set's own, imagenet all their 80."""

    texts: str | None = None
    """A JSON file with sentences about each class, instead of these; ``--texts`` sets it."""

    def __post_init__(self) -> None:
        if self.texts is not None and self.ensemble != "none":
            raise GoproError(f"got texts and the ensemble {self.ensemble}; choose one of them")
        if self.ensemble not in ("none", "select", "imagenet"):
            raise GoproError(f"got the ensemble {self.ensemble!r}; choose none, select or imagenet")


class ZeroShot(Method):
    """CLIP without training (Radford et al., "Learning Transferable Visual Models From Natural
    Language Supervision", ICML 2021): ``exp(logit_scale) * cos(f_v(x), t_c)``.

    With s_1 .. s_n the sentences filled with the name of class c, t_c is the mean of the unit
    vectors ``f_t(s_i) / |f_t(s_i)|``; n is 1 without an ensemble. With ``texts``, s_1 .. s_n are
    the sentences of the file about class c.
    """

    Settings: ClassVar[type] = ZeroShotSettings
    paper: ClassVar[str] = "Radford et al., ICML 2021"
    about: ClassVar[str] = "nothing: CLIP with fixed sentences"

    def __init__(self, backbone: Backbone, class_names: Sequence[str], settings: Any) -> None:
        super().__init__(backbone, class_names, settings)
        self.set_class_names(class_names)

    def set_class_names(self, names: Sequence[str]) -> None:
        if self.settings.texts is not None:
            self.text = text_means(self.backbone, self.settings.texts, names)
            return
        texts = [
            F.normalize(self.backbone.encode_class_names(names, sentence), dim=-1)
            for sentence in templates_for(self.settings.template, self.settings.ensemble)
        ]
        self.text = F.normalize(torch.stack(texts).mean(dim=0), dim=-1)

    def logits(self, features: ImageFeatures) -> Tensor:
        return self.cosine_logits(features, self.text)

    def loss(self, batch: Batch) -> dict[str, Tensor]:
        raise GoproError("zeroshot learns nothing; choose another --method to train")
