"""Tip-Adapter: the training images kept as a cache that answers beside zero-shot CLIP."""

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


@dataclass(frozen=True)
class TipAdapterSettings:
    """Options of Tip-Adapter."""

    trained: bool = True
    """Train the keys (Tip-Adapter-F); else the cache is used as it is and nothing is trained."""

    template: str | None = None
    """The sentence that each class name is put into; by default the data set's own, or "a photo
    of a {}."; the paper has several for ImageNet."""

    alpha: float = 1.17
    """Weight of the cache's answer beside zero-shot CLIP's."""

    beta: float = 1.0
    """Sharpness: how fast a training image's say falls off with its distance."""

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

    Tip-Adapter-F (``trained``, the default) learns the keys by cross-entropy. A class that isn't
    among the training classes has no entries, so its score is zero-shot CLIP's; on new classes
    alone the method is zero-shot CLIP.

    What we decided: keys are embeddings of the images as they are, where the released code takes
    the mean over 10 augmented copies; alpha and beta are that code's starting values for ImageNet,
    which it then searches on validation images; AdamW keeps its usual epsilon, and the learning
    rate falls each epoch, not each step.
    """

    Settings: ClassVar[type] = TipAdapterSettings
    paper: ClassVar[str] = "Zhang et al., ECCV 2022"
    about: ClassVar[str] = "a key for each training image, beside zero-shot CLIP"
    learns_from_features: ClassVar[bool] = True

    labels: Tensor

    def __init__(self, backbone: Backbone, class_names: Sequence[str], settings: Any) -> None:
        super().__init__(backbone, class_names, settings)
        self.trained_names = tuple(class_names)
        self._keep(
            torch.empty(0, backbone.embed_dim, device=backbone.device),
            torch.empty(0, dtype=torch.long, device=backbone.device),
        )
        self.set_class_names(class_names)

    def _keep(self, keys: Tensor, labels: Tensor) -> None:
        self.keys = nn.Parameter(keys.float(), requires_grad=self.settings.trained)
        self.register_buffer("labels", labels)

    def prepare(self, features: ImageFeatures, labels: Tensor) -> None:
        self._keep(F.normalize(features.embedding, dim=-1), labels)

    def _load_from_state_dict(self, state: dict[str, Any], prefix: str, *rest: Any) -> None:
        # the cache is as large as the training set, which nobody knows before
        keys, labels = state.get(f"{prefix}keys"), state.get(f"{prefix}labels")
        if keys is not None and labels is not None and keys.shape != self.keys.shape:
            like = self.keys
            if keys.shape[1:] == like.shape[1:] and keys.shape[:1] == labels.shape:
                self._keep(keys.to(like.device), labels.to(like.device))
        super()._load_from_state_dict(state, prefix, *rest)

    def set_class_names(self, names: Sequence[str]) -> None:
        self.text = self.template_embeddings(names)
        # row j: which of the names the training class j is, none where all zero
        rows = [[float(name == trained) for name in names] for trained in self.trained_names]
        self.same = torch.tensor(rows, device=self.text.device)

    def logits(self, features: ImageFeatures) -> Tensor:
        image = F.normalize(features.embedding, dim=-1)
        zero_shot = self.backbone.logit_scale * image @ self.text.T
        affinity = torch.exp(-self.settings.beta * (1 - image @ self.keys.T))
        scores: Tensor = zero_shot + self.settings.alpha * affinity @ self.same[self.labels]
        return scores
