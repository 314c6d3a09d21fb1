"""Tip-Adapter: a cache of the training images, added to zero-shot CLIP's scores."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gopro.backbones import Backbone, ImageFeatures
from gopro.common.errors import GoproError
from gopro.methods.base import Method
from gopro.methods.class_indices import class_places


@dataclass(frozen=True)
class TipAdapterSettings:
    """Options of Tip-Adapter."""

    trained: bool = True
    """Train the keys (Tip-Adapter-F); otherwise nothing is trained."""

    template: str | None = None
    """Sentence with {} for the class name; by default the data set's own, or "a photo of a {}.".
    The paper has several for ImageNet."""

    alpha: float = 1.17
    """Weight of the cache's scores relative to zero-shot CLIP's."""

    beta: float = 1.0
    """Sharpness: how fast a training image's weight falls with its distance."""

    def __post_init__(self) -> None:
        for name in ("alpha", "beta"):
            if not 0 <= getattr(self, name) < float("inf"):
                raise GoproError(f"got {name} = {getattr(self, name)}; it must be 0 or more")


class TipAdapter(Method):
    """Zhang et al., "Tip-Adapter: Training-free Adaption of CLIP for Few-shot Classification",
    ECCV 2022.

    With z the unit image embedding, t_c the template's text embedding, k_i the key of training
    image i (at first its unit embedding) and y_i its label, the score of class c is

        exp(logit_scale) cos(z, t_c) + alpha sum over i with y_i = c of exp(-beta (1 - z . k_i)).

    Tip-Adapter-F (``trained``, the default) learns the keys by cross-entropy. The cache has no
    entries for other classes than the training classes: their scores are zero-shot CLIP's.

    Our choices: keys are embeddings of the images without augmentation (the released code takes
    the mean over 10 augmented copies); alpha and beta are that code's initial values for ImageNet,
    which it then searches on validation images; AdamW has its default epsilon, and the learning
    rate falls each epoch, not each step.
    """

    Settings: ClassVar[type] = TipAdapterSettings
    paper: ClassVar[str] = "Zhang et al., ECCV 2022"
    about: ClassVar[str] = "a key for each training image, added to zero-shot CLIP"
    learns_from_features: ClassVar[bool] = True

    labels: Tensor

    def __init__(self, backbone: Backbone, class_names: Sequence[str], settings: Any) -> None:
        super().__init__(backbone, class_names, settings)
        self.trained_names = tuple(class_names)
        self._set_cache(
            torch.empty(0, backbone.embed_dim, device=backbone.device),
            torch.empty(0, dtype=torch.long, device=backbone.device),
        )
        self.set_class_names(class_names)

    def _set_cache(self, keys: Tensor, labels: Tensor) -> None:
        self.keys = nn.Parameter(keys.float(), requires_grad=self.settings.trained)
        self.register_buffer("labels", labels)

    def prepare(self, features: ImageFeatures, labels: Tensor) -> None:
        self._set_cache(F.normalize(features.embedding, dim=-1), labels)

    def _load_from_state_dict(self, state: dict[str, Any], prefix: str, *rest: Any) -> None:
        # the size of the cache is that of the training set
        keys, labels = state.get(f"{prefix}keys"), state.get(f"{prefix}labels")
        if keys is not None and labels is not None and keys.shape != self.keys.shape:
            current = self.keys
            if keys.shape[1:] == current.shape[1:] and keys.shape[:1] == labels.shape:
                self._set_cache(keys.to(current.device), labels.to(current.device))
        super()._load_from_state_dict(state, prefix, *rest)

    def set_class_names(self, names: Sequence[str]) -> None:
        self.text = self.template_embeddings(names)
        # row j: 1 for the name of training class j, all 0 if it isn't among the names
        places = class_places(names, self.trained_names)
        rows = [[float(place == j) for place in places] for j in range(len(self.trained_names))]
        self.same = torch.tensor(rows, device=self.text.device)

    def logits(self, features: ImageFeatures) -> Tensor:
        image = F.normalize(features.embedding, dim=-1)
        zero_shot = self.backbone.logit_scale * image @ self.text.T
        affinity = torch.exp(-self.settings.beta * (1 - image @ self.keys.T))
        scores: Tensor = zero_shot + self.settings.alpha * affinity @ self.same[self.labels]
        return scores
