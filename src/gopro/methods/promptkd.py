"""PromptKD: a student with image prompts, taught by a larger trained model on unlabelled images."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gopro.backbones import Backbone, ImageFeatures
from gopro.common.errors import GoproError
from gopro.methods.base import Batch, Method
from gopro.methods.class_indices import class_indices, class_places
from gopro.methods.deep_prompts import random_prompts, three_quarters


@dataclass(frozen=True)
class PromptKDSettings:
    """Options of PromptKD."""

    teacher: str | None = None
    """Folder of the teacher: a finished run of `gopro train`; for `gopro fit`, one of its
    classifiers. Usually of a larger backbone."""

    other_classes: bool = False
    """Allow a teacher that was trained on none of these classes, as in the paper's cross-dataset
    setting."""

    pictures: int | None = None
    """Largest number of unlabelled pictures, drawn with the seed; by default all of them. They are
    all in memory, 150 kB each for 224 pixels."""

    n_ctx: int = 4
    """Number of prompt tokens in a block of the image encoder."""

    depth: int | None = None
    """Number of blocks of the image encoder with prompts, from the first on; by default three
    quarters of them, as the paper's 9 of 12."""

    temperature: float = 1.0
    """Divides the scores of teacher and student before the softmax."""

    w_kd: float = 1000.0
    """Weight of the loss; its code has 200 for Aircraft, Flowers and DTD."""

    def __post_init__(self) -> None:
        if self.pictures is not None and self.pictures < 2:
            raise GoproError(f"got pictures = {self.pictures}; it must be 2 or more")
        if not 0 < self.temperature < math.inf:
            raise GoproError(f"got the temperature {self.temperature}; it must be above 0")
        if not 0 < self.w_kd < math.inf:  # a NaN fails this too
            raise GoproError(f"got w_kd = {self.w_kd}; the weight must be above 0")


class PromptKD(Method):
    """Li et al., "PromptKD: Unsupervised Prompt Distillation for Vision-Language Models",
    CVPR 2024.

    The teacher is a trained method on its own, usually larger CLIP, with the text embeddings t_c
    (width e') and the scores s°_ic of image i. The student's image encoder f_v has learned prompts
    V_1..V_J in its first blocks, as PromptSRC's. With

        h(x) = W_2 ReLU(BN(W_1 f_v(x; V))),   W_1: e -> e',  W_2: e' -> e',

    its scores are ``s_ic = exp(logit_scale) cos(h(x_i), t_c)``: it has no text encoder of its own.
    With p, p° the softmax of s / T, s° / T over the C classes, B unlabelled images of a step give

        L = w_kd T^2 / (B C) sum_ic p°_ic log(p°_ic / p_ic).

    The classes are all those to be told apart, on base-to-new both halves. Labels are not used. The
    text embeddings are saved with the student. A run reads its teacher in tests too, for other
    names; a saved classifier needs no teacher, and refuses other names.
    """

    Settings: ClassVar[type] = PromptKDSettings
    paper: ClassVar[str] = "Li et al., CVPR 2024"
    about: ClassVar[str] = "prompts in the image encoder, taught by another trained model"
    parts: ClassVar[dict[str, dict[str, Any]]] = {"no-deep": {"depth": 1}}
    modifies_image_encoder: ClassVar[bool] = True
    learns_from_teacher: ClassVar[bool] = True
    smallest_batch: ClassVar[int] = 2

    taught_text: Tensor

    def __init__(self, backbone: Backbone, class_names: Sequence[str], settings: Any) -> None:
        super().__init__(backbone, class_names, settings)
        depth = settings.depth
        if depth is None:
            depth = three_quarters(len(backbone.vision_widths))
        backbone.image_encoder.prompts.check("promptkd", depth)
        width = backbone.vision_widths[0]
        self.image_prompts = random_prompts(depth, settings.n_ctx, width)
        self._set_text(torch.zeros(len(class_names), backbone.embed_dim, device=backbone.device))
        self.taught_names = tuple(class_names)
        self.set_class_names(class_names)

    def _set_text(self, text: Tensor) -> None:
        """The teacher's text embeddings [C, e'], and a new projector of their width."""
        inputs, outputs = self.backbone.embed_dim, text.shape[1]
        self.register_buffer("taught_text", text)
        self.project = nn.Sequential(
            nn.Linear(inputs, outputs),
            nn.BatchNorm1d(outputs),
            nn.ReLU(),
            nn.Linear(outputs, outputs),
        ).to(text.device)

    def _load_from_state_dict(self, state: dict[str, Any], prefix: str, *rest: Any) -> None:
        # width and number of the text embeddings are the teacher's
        text = state.get(f"{prefix}taught_text")
        if text is not None and text.dim() == 2 and text.shape != self.taught_text.shape:
            self._set_text(text.to(self.taught_text))
        super()._load_from_state_dict(state, prefix, *rest)

    @property
    def loss_weights(self) -> Mapping[str, float]:
        return {"kd": self.settings.w_kd}

    def set_teacher(self, teacher: Method, names: Sequence[str]) -> None:
        trained = teacher.class_names
        known = any(place is not None for place in class_places(names, trained))
        if not (known or self.settings.other_classes):
            raise GoproError(
                f"the teacher was trained on {trained[0]!r} and {len(trained) - 1} "
                f"other classes, and on none of these, such as {names[0]!r}; choose another "
                "--promptkd.teacher, or add --promptkd.other_classes true"
            )
        teacher = teacher.eval().for_classes(names).requires_grad_(False)
        self.teachers, self.taught_names = (teacher,), tuple(names)
        with torch.no_grad():
            self._set_text(text_embeddings(teacher).to(self.taught_text))
        self.set_class_names(self.class_names)

    @property
    def teacher(self) -> Method:
        """The teacher, for all names that are taught.

        Raises:
            GoproError: If there is none.
        """
        if not self.teachers:
            raise GoproError("promptkd learns from a teacher and has none; give --promptkd.teacher")
        return self.teachers[0]

    @torch.no_grad()
    def set_class_names(self, names: Sequence[str]) -> None:
        self.other_text: Tensor | None = None
        if self.teachers and None in class_places(names, self.taught_names):
            text = text_embeddings(self.teacher.for_classes(names))
            self.other_text = text.to(self.taught_text)
        else:
            self.indices = class_indices(
                names, self.taught_names, "a text embedding of the teacher"
            )

    def encode_image(self, pixels: Tensor) -> ImageFeatures:
        """The projected embeddings h(x): [B, e']."""
        features = self.backbone.encode_image(pixels, list(self.image_prompts))
        return ImageFeatures.only(self.project(features.embedding))

    def encode_text(self) -> Tensor:
        """The teacher's unit text embeddings [C, e'] of the class names."""
        return self.taught_text[self.indices] if self.other_text is None else self.other_text

    def logits(self, features: ImageFeatures) -> Tensor:
        return self.cosine_logits(features, self.encode_text())

    def loss(self, batch: Batch) -> dict[str, Tensor]:
        teacher, temperature = self.teacher, self.settings.temperature
        # one view only: the norm of the projector depends on what is encoded together
        images = {name: pixels for name, pixels in batch.images.items() if name == "x"}
        features = self.encode(replace(batch, images=images))["x"]
        scores = self.cosine_logits(features, self.taught_text)
        with torch.no_grad():
            pixels = _resized(batch.images["x"], teacher.backbone.image_size)
            wanted = teacher.logits(teacher.encode_image(pixels)).to(scores)
        divergence = F.kl_div(
            (scores / temperature).log_softmax(dim=1),
            (wanted / temperature).log_softmax(dim=1),
            reduction="sum",
            log_target=True,
        )
        return {"kd": divergence * temperature**2 / scores.numel()}


def text_embeddings(teacher: Method) -> Tensor:
    """A trained method's unit text embeddings [C, e'] of its classes.

    Where it has none, because its prompts depend on the image or it has no text: those of its
    CLIP's sentence.
    """
    text: Any = getattr(teacher, "text", None)
    if not isinstance(text, Tensor) and not teacher.prompts_per_image:
        encode: Any = getattr(teacher, "encode_text", None)
        text = None if encode is None else encode()
    if not isinstance(text, Tensor):
        template = getattr(teacher.settings, "template", None)
        text = teacher.backbone.encode_class_names(teacher.class_names, template)
    return F.normalize(text.float(), dim=-1)


def _resized(pixels: Tensor, size: int) -> Tensor:
    """Pixels in [0, 1] for a model with another input size."""
    if pixels.shape[-1] == size:
        return pixels
    resized = F.interpolate(pixels, (size, size), mode="bicubic", antialias=True)
    return resized.clamp(0, 1)
