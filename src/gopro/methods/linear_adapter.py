"""The regularised linear adapter: a linear map of the image embedding, kept near the identity."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gopro.backbones import Backbone, ImageFeatures
from gopro.common.errors import GoproError
from gopro.methods.base import Batch, Method


@dataclass(frozen=True)
class LinearAdapterSettings:
    """Options of the regularised linear adapter, and of ProLIP."""

    template: str | None = None
    """Sentence with {} for the class name; by default the data set's own, or "a photo of a {}."."""

    strength: float | None = None
    """Weight of the squared distance to the start; by default 1 / (training images per class)."""

    def __post_init__(self) -> None:
        if self.strength is not None and not 0 <= self.strength < float("inf"):
            raise GoproError(f"got strength = {self.strength}; it must be 0 or more")


class LinearAdapter(Method):
    """The regularised linear adapter of Fahes et al., "CLIP's Visual Embedding Projector is a
    Few-shot Cornucopia", arXiv 2410.05270, 2024.

    With f the image embedding (not normalised), t_c the template's text embedding and D [e, e] the
    learned change, initially 0, the score of class c is

        exp(logit_scale) cos((I + D) f, t_c),

    and the loss is the cross-entropy and ``lambda |D|^2``, the squared distance of the map to the
    identity (the Frobenius norm). By default lambda = 1 / N for N training images per class, as
    published for training without validation images; so nothing has to be searched. The scores of
    new names are those of the changed image embedding with their texts.
    """

    Settings: ClassVar[type] = LinearAdapterSettings
    paper: ClassVar[str] = "Fahes et al., arXiv 2024"
    about: ClassVar[str] = "a linear map of the image embedding, kept near the identity"
    parts: ClassVar[Mapping[str, Mapping[str, Any]]] = {"no-distance": {"strength": 0.0}}
    learns_from_features: ClassVar[bool] = True
    feature_parts: ClassVar[tuple[str, ...]] = ("embedding",)

    strength: Tensor

    def __init__(self, backbone: Backbone, class_names: Sequence[str], settings: Any) -> None:
        super().__init__(backbone, class_names, settings)
        self.change = nn.Parameter(torch.zeros(backbone.embed_dim, self.input_width(backbone)))
        # saved, so that a training that continues from a file has it
        self.register_buffer("strength", torch.tensor(settings.strength or 0.0))
        self.set_class_names(class_names)

    def input_width(self, backbone: Backbone) -> int:
        """Width of what the changed map is given."""
        return backbone.embed_dim

    def map_input(self, features: ImageFeatures) -> Tensor:
        """What the changed map is given, [B, input_width]."""
        return features.embedding

    def prepare(self, features: ImageFeatures, labels: Tensor) -> None:
        if self.settings.strength is None:
            self.strength.fill_(len(self.class_names) / len(labels))

    @property
    def loss_weights(self) -> Mapping[str, float]:
        return {"ce": 1.0, "distance": self.strength.item()}

    def set_class_names(self, names: Sequence[str]) -> None:
        self.text = self.template_embeddings(names)

    def logits(self, features: ImageFeatures) -> Tensor:
        image = features.embedding + F.linear(self.map_input(features), self.change)
        return self.backbone.logit_scale * F.normalize(image, dim=-1) @ self.text.T

    def loss(self, batch: Batch) -> dict[str, Tensor]:
        return {**super().loss(batch), "distance": self.change.square().sum()}
