"""2SFS: layer norms of both encoders first, then a classifier that starts from the texts."""

from __future__ import annotations

import math
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gopro.backbones import Backbone, ImageFeatures
from gopro.backbones.layer_norms import (
    LearnedNorm,
    image_embedding,
    image_norms,
    text_embedding,
    text_norms,
)
from gopro.common.errors import GoproError
from gopro.data.templates import DEFAULT
from gopro.methods import configs
from gopro.methods.base import Method, Recipe
from gopro.methods.class_indices import class_places


@dataclass(frozen=True)
class TwoStageSettings:
    """Options of 2SFS."""

    share: float = 0.6
    """Share of the epochs for the layer norms; the others are for the classifier."""

    tower: Literal["both", "image", "text"] = "both"
    """The encoders whose layer norms are trained; text works with every image encoder."""

    template: str = DEFAULT
    """Sentence with {} for the class name; the same for every data set, as in its code."""

    def __post_init__(self) -> None:
        if not 0 <= self.share <= 1:
            raise GoproError(f"got share = {self.share}; it is a share from 0 to 1")
        if self.tower not in ("both", "image", "text"):
            raise GoproError(f"got the tower {self.tower!r}; choose both, image or text")


class TwoStage(Method):
    """2SFS: Farina et al., "Rethinking Few-Shot Adaptation of Vision-Language Models in Two
    Stages", CVPR 2025.

    First stage: weights and biases of the layer norms in the blocks of both encoders are learned.
    With f_v', f_t' these encoders, scores are ``exp(logit_scale) cos(f_v'(x), f_t'(template of
    c))``. Second stage: the layer norms stay, and a classifier W [C, e] is learned, which starts at
    the unit text embeddings of the first stage: ``exp(logit_scale) cos(f_v'(x), W_c)``. Both by
    cross-entropy, each stage with its own learning-rate curve.

    In the end a trained name has the score of its W_c and a new one that of its text, so both can
    stand side by side ("selective inference").

    Its code takes 300 steps of 32 images for each shot, for any number of classes C. These are
    ``9600 / C`` epochs: 192 for the 50 base classes of Caltech101. It lists the layer norms before
    and after the blocks as trained and then freezes them; here too they are not trained.
    """

    Settings: ClassVar[type] = TwoStageSettings
    paper: ClassVar[str] = "Farina et al., CVPR 2025"
    about: ClassVar[str] = "the blocks' layer norms, then a classifier that starts from the texts"
    parts: ClassVar[dict[str, dict[str, Any]]] = {
        "no-norms": {"share": 0.0},
        "no-classifier": {"share": 1.0},
        "no-image-tower": {"tower": "text"},
        "no-text-tower": {"tower": "image"},
    }
    modifies_image_encoder: ClassVar[bool] = True

    has_classifier: Tensor

    def __init__(self, backbone: Backbone, class_names: Sequence[str], settings: Any) -> None:
        super().__init__(backbone, class_names, settings)
        self.trained_names = tuple(class_names)
        image, text = self._frozen("image"), self._frozen("text")
        self.image_names, self.text_names = list(image), list(text)
        self.image_norms = nn.ModuleList(LearnedNorm(norm) for norm in image.values())
        self.text_norms = nn.ModuleList(LearnedNorm(norm) for norm in text.values())
        start = torch.zeros(len(class_names), backbone.embed_dim, device=backbone.device)
        self.classifier = nn.Parameter(start)
        self.register_buffer("has_classifier", torch.tensor(False))
        self.set_class_names(class_names)
        if settings.share == 0:
            self._start_classifier()

    def _frozen(self, tower: str) -> dict[str, nn.LayerNorm]:
        """The layer norms that one encoder's learned ones start from, by name.

        Raises:
            GoproError: If there are none.
        """
        other = {"image": "text", "text": "image"}[tower]
        if self.settings.tower == other:
            return {}
        norms = (image_norms if tower == "image" else text_norms)(self.backbone)
        if not norms:
            raise GoproError(
                f"two_stage trains the layer norms of transformer blocks, and the {tower} tower of "
                f"{self.backbone.name} has none that it can train; choose --two_stage.tower "
                f"{other}, or a --backbone such as ViT-B-16"
            )
        return norms

    @classmethod
    def recipe_for(cls, backbone: str, classes: int | None = None, options: Any = None) -> Recipe:
        recipe = super().recipe_for(backbone, classes, options)
        if "epochs" in configs.values("two_stage", backbone):
            return recipe
        return replace(recipe, epochs=math.ceil(300 * recipe.batch / (classes or 50)))

    def set_class_names(self, names: Sequence[str]) -> None:
        self.rows = class_places(names, self.trained_names)
        self.classes = self.backbone.class_tokens(names, 0, self.settings.template)

    def stage_of(self, epoch: int, epochs: int) -> tuple[int, int]:
        first = self._first_stage(epochs)
        return (0, first) if epoch < first else (first, epochs - first)

    def end_epoch(self, epoch: int, epochs: int) -> None:
        if epoch + 1 == self._first_stage(epochs) < epochs:
            self._start_classifier()

    def _first_stage(self, epochs: int) -> int:
        """Number of epochs for the layer norms."""
        share = self.settings.share
        return 0 if share == 0 else max(1, int(share * epochs))

    @torch.no_grad()
    def _start_classifier(self) -> None:
        self.classifier.copy_(self.encode_text())
        self.has_classifier.fill_(True)

    def encode_image(self, pixels: Tensor) -> ImageFeatures:
        if not self.image_norms:
            return self.backbone.encode_image(pixels)
        norms = dict(zip(self.image_names, self.image_norms, strict=True))
        with torch.no_grad() if self.has_classifier else nullcontext():
            return ImageFeatures.only(image_embedding(self.backbone, pixels, norms))

    def encode_text(self) -> Tensor:
        """Unit text embeddings [C, e] of the encoder with learned layer norms."""
        norms = dict(zip(self.text_names, self.text_norms, strict=True))
        return F.normalize(text_embedding(self.backbone, self.classes, norms), dim=-1)

    def class_embeddings(self) -> Tensor:
        """Unit embeddings [C, e]: rows of the classifier for trained names, texts for others."""
        if not self.has_classifier:
            return self.encode_text()
        known = [row for row in self.rows if row is not None]
        classifier = F.normalize(self.classifier[known], dim=-1)
        if len(known) == len(self.rows):
            return classifier
        with torch.no_grad():
            text = self.encode_text()
        indices = [index for index, row in enumerate(self.rows) if row is not None]
        places = torch.tensor(indices, dtype=torch.long, device=text.device)
        return text.index_copy(0, places, classifier)

    def logits(self, features: ImageFeatures) -> Tensor:
        return self.cosine_logits(features, self.class_embeddings())
