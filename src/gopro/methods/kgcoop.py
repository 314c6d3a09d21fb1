"""KgCoOp: CoOp with a penalty for the distance to hand-written prompts."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

import torch.nn.functional as F
from torch import Tensor

from gopro.common.errors import GoproError
from gopro.methods.base import Batch
from gopro.methods.class_texts import text_means
from gopro.methods.coop import CoOp, CoOpSettings


@dataclass(frozen=True)
class KgCoOpSettings(CoOpSettings):
    """Options of KgCoOp: CoOp's and those of the second loss term."""

    template: str | None = None
    """The hand-written prompt; by default the data set's own, or "a photo of a {}."."""

    texts: str | None = None
    """A JSON file with sentences about each class: their mean embedding instead of that of the
    hand-written prompt; ``--texts`` sets it."""

    w_kg: float = 8.0
    """Weight of the distance to the hand-written prompts."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0 <= self.w_kg < math.inf:  # a NaN fails this too
            raise GoproError(f"got w_kg = {self.w_kg}; a weight is 0 or more")


class KgCoOp(CoOp):
    """Yao et al., "Visual-Language Prompt Tuning with Knowledge-guided Context Optimization",
    CVPR 2023.

    Prompts and scores are CoOp's. With w_c and w'_c the unit text embeddings of class c from the
    learned and the hand-written prompt,

        L = cross-entropy + w_kg L_kg,   L_kg = 1/C sum_c (1 - cos(w_c, w'_c)).

    The paper writes L_kg as the squared distance, which for unit vectors is twice this. Its code
    uses the cosine, with the weight of 8.
    """

    Settings: ClassVar[type] = KgCoOpSettings
    paper: ClassVar[str] = "Yao et al., CVPR 2023"
    about: ClassVar[str] = "context tokens, kept near hand-written prompts"
    sentences: ClassVar[dict[str, dict[str, str]]] = {
        "dtd": {"template": "a photo of a {}, a type of texture."}
    }

    @property
    def loss_weights(self) -> Mapping[str, float]:
        return {"ce": 1.0, "kg": self.settings.w_kg}

    def set_class_names(self, names: Sequence[str]) -> None:
        super().set_class_names(names)
        self.frozen_text: Tensor | None = None

    def template_text(self) -> Tensor:
        """Unit frozen text embeddings [C, e]; needed in training."""
        if self.frozen_text is None:
            names, file = self.class_names, self.settings.texts
            self.frozen_text = (
                text_means(self.backbone, file, names) if file else self.template_embeddings(names)
            )
        return self.frozen_text

    def loss(self, batch: Batch) -> dict[str, Tensor]:
        features, text = self.encode(batch)["x"], self.encode_text()
        return {
            "ce": F.cross_entropy(self.cosine_logits(features, text), batch.labels),
            "kg": 1 - (text * self.template_text()).sum(dim=-1).mean(),
        }
