"""SLIP as a few-shot method: cross-entropy and a contrastive loss on one learned projector."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import torch.nn.functional as F
from torch import Tensor

from gopro.backbones import Backbone, ImageFeatures
from gopro.common.errors import GoproError
from gopro.methods.base import Batch, Method
from gopro.methods.losses import nt_xent
from gopro.methods.projectors import Residual


@dataclass(frozen=True)
class SLIPSettings:
    """Options of SLIP."""

    template: str | None = None
    """Sentence with {} for the class name; by default the data set's own, or "a photo of a {}."."""

    w_con: float = 1.0
    """Weight of the contrastive loss between x and its MoCo v3 view."""

    temperature: float = 0.1
    """Temperature of the contrastive loss."""

    def __post_init__(self) -> None:
        if not 0 <= self.w_con < math.inf:  # a NaN fails this too
            raise GoproError(f"got w_con = {self.w_con}; a weight is 0 or more")
        if not 0 < self.temperature < math.inf:
            raise GoproError(f"got the temperature {self.temperature}; it must be above 0")


class SLIP(Method):
    """After Mu et al., "SLIP: Self-supervision meets Language-Image Pre-training", ECCV 2022.

    SLIP trains both encoders from scratch with CLIP's loss plus SimCLR's. GOPro's comparison has
    it on a frozen CLIP and does not describe how; this form is ours. With P a learned projector
    that is initially the identity, x' the MoCo v3 view (SimCLR's operations) and t_c the
    template's text embedding, scores are ``exp(logit_scale) * cos(P f_v(x), t_c)`` and

        L = cross-entropy + w_con NT-Xent(P f_v(x), P f_v(x')).

    Our choices: one projector for both terms, because a separate projector for the contrastive
    loss would not change any score of a frozen encoder; x on one side of the contrastive loss, as
    in GOPro's L_con, so that this is no difference between the two; SLIP's weight (1) and
    temperature (0.1) of the SimCLR term; CoOp's schedule, because no other is known.
    """

    Settings: ClassVar[type] = SLIPSettings
    paper: ClassVar[str] = "Mu et al., ECCV 2022"
    about: ClassVar[str] = "a projector of the image embedding, with a contrastive loss of views"
    without_views: ClassVar[Mapping[str, Any]] = {"w_con": 0.0}
    parts: ClassVar[dict[str, dict[str, Any]]] = {"no-con": {"w_con": 0.0}}

    def __init__(self, backbone: Backbone, class_names: Sequence[str], settings: Any) -> None:
        super().__init__(backbone, class_names, settings)
        self.projector = Residual(backbone.embed_dim)
        self.set_class_names(class_names)

    @property
    def views(self) -> tuple[str, ...]:
        return ("x", "moco") if self.settings.w_con > 0 else ("x",)

    @property
    def loss_weights(self) -> Mapping[str, float]:
        return {"ce": 1.0, "con": self.settings.w_con}

    def set_class_names(self, names: Sequence[str]) -> None:
        self.text = self.template_embeddings(names)

    def projected(self, features: ImageFeatures) -> Tensor:
        """Unit projected embeddings [B, e]."""
        return F.normalize(self.projector(F.normalize(features.embedding, dim=-1)), dim=-1)

    def logits(self, features: ImageFeatures) -> Tensor:
        return self.backbone.logit_scale * self.projected(features) @ self.text.T

    def loss(self, batch: Batch) -> dict[str, Tensor]:
        features = self.encode(batch)
        terms = {"ce": F.cross_entropy(self.logits(features["x"]), batch.labels)}
        if self.settings.w_con > 0:
            x, moco = self.projected(features["x"]), self.projected(features["moco"])
            terms["con"] = nt_xent(x, moco, self.settings.temperature)
        return terms
