"""ProGrad: CoOp with gradients that don't conflict with zero-shot CLIP's predictions."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor

from gopro.backbones import Backbone
from gopro.common.distributed import average_gradients
from gopro.common.errors import GoproError
from gopro.data.templates import templates_for
from gopro.methods.base import Batch
from gopro.methods.coop import ContextSettings, CoOp


@dataclass(frozen=True)
class ProGradSettings(ContextSettings):
    """Options of ProGrad: CoOp's and those of the second gradient."""

    n_ctx: int = 16
    """Number of context tokens."""

    ctx_init: str | None = None
    """Initial words of the context, with random tokens before them; by default those that
    ``template`` has before the class name, as in its code."""

    template: str | None = None
    """The hand-written prompt of zero-shot CLIP; by default the data set's own, or "a photo of a
    {}."."""

    strength: float = 1.0
    """How much of the conflicting part is removed from the gradient (the paper's lambda)."""

    temperature: float = 1.0
    """Temperature of both softmax distributions in the KL term."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0 <= self.strength < math.inf:  # a NaN fails this too
            raise GoproError(f"got strength = {self.strength}; it must be 0 or more")
        if not 0 < self.temperature < math.inf:
            raise GoproError(f"got the temperature {self.temperature}; it must be above 0")


class ProGrad(CoOp):
    """Zhu et al., "Prompt-aligned Gradient for Prompt Tuning", ICCV 2023.

    Prompts and scores s are CoOp's; s' are zero-shot CLIP's. With T the temperature,

        L_kl = T^2 KL(softmax(s' / T) || softmax(s / T)),  averaged over images,
        G_d = gradient of the cross-entropy,  G_g = gradient of L_kl,

    a step follows G_d if the two agree (G_d . G_g >= 0), and otherwise, with lambda the strength,
    ``G_d - lambda (G_d . G_g / |G_g|^2) G_g``. L_kl is reported, but not a part of the loss. Its
    code reports the cross-entropy with the soft labels instead, which is larger by the entropy
    ``T^2 H(softmax(s' / T))``, a constant of the image without gradient: both have the same G_g.
    The published recipe is that of its base-to-new comparison, with 4 shots per class.
    """

    Settings: ClassVar[type] = ProGradSettings
    paper: ClassVar[str] = "Zhu et al., ICCV 2023"
    about: ClassVar[str] = "context tokens, by gradients that agree with zero-shot CLIP"
    sentences: ClassVar[dict[str, dict[str, str]]] = {
        "oxford_pets": {"template": "a type of pet, a photo of a {}."},
        "oxford_flowers": {"template": "a type of flower, a photo of a {}."},
        "food101": {"template": "a type of food, a photo of {}."},
        "fgvc_aircraft": {"template": "a type of aircraft, a photo of a {}."},
        "dtd": {"template": "a texture of {}."},
    }

    def __init__(self, backbone: Backbone, class_names: Sequence[str], settings: Any) -> None:
        if settings.ctx_init is None:
            template = templates_for(settings.template)[0]
            settings = replace(settings, ctx_init=template.partition("{}")[0].strip())
        super().__init__(backbone, class_names, settings)

    @property
    def loss_weights(self) -> Mapping[str, float]:
        return {"ce": 1.0, "kl": 0.0}

    def set_class_names(self, names: Sequence[str]) -> None:
        super().set_class_names(names)
        self.template_text = self.template_embeddings(names)

    def loss(self, batch: Batch) -> dict[str, Tensor]:
        features, temperature = self.encode(batch)["x"], self.settings.temperature
        learned, zero_shot = (
            self.cosine_logits(features, text) for text in (self.encode_text(), self.template_text)
        )
        log_p, log_target = (F.log_softmax(s / temperature, dim=1) for s in (learned, zero_shot))
        kl = F.kl_div(log_p, log_target, reduction="batchmean", log_target=True)
        return {"ce": F.cross_entropy(learned, batch.labels), "kl": temperature**2 * kl}

    def backward(self, terms: Mapping[str, Tensor], backward: Callable[..., None]) -> None:
        backward(terms["kl"], retain_graph=True)
        general = self._take_gradient()
        backward(terms["ce"])
        self.context.grad = project(self._take_gradient(), general, self.settings.strength)

    def _take_gradient(self) -> Tensor:
        # of the whole batch, before the projection, which is not linear
        average_gradients([self.context])
        gradient, self.context.grad = self.context.grad, None
        assert gradient is not None  # both terms depend on the context
        return gradient


def project(gradient: Tensor, guide: Tensor, strength: float) -> Tensor:
    """Remove from a gradient the part that points against the guide.

    ``G - strength * (G . g) g`` with g the unit vector of the guide if G . g < 0, else G; both
    tensors are flattened.
    """
    direction = F.normalize(guide.flatten(), dim=0).view_as(guide)
    agreement = (gradient * direction).sum()
    return gradient - strength * torch.clamp(agreement, max=0.0) * direction
