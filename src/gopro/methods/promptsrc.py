"""PromptSRC: prompts in both encoders, regularised by the frozen CLIP and averaged over epochs."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gopro.backbones import Backbone, ImageFeatures, Prompts
from gopro.common.errors import GoproError
from gopro.data.templates import ensemble_templates
from gopro.methods.base import Batch, Method
from gopro.methods.class_texts import text_means
from gopro.methods.deep_prompts import (
    check_text_depth,
    leading_context,
    random_prompts,
    three_quarters,
    tokens_after_context,
)


@dataclass(frozen=True)
class PromptSRCSettings:
    """Options of PromptSRC."""

    n_ctx: int = 4
    """Number of context tokens in a block of the text encoder."""

    n_ctx_vision: int = 4
    """Number of prompt tokens in a block of the image encoder."""

    ctx_init: str = "a photo of a"
    """First words of the prompt: the first of them initialise the context tokens, the others stay
    fixed; with fewer words than tokens, random tokens come first."""

    depth: int | None = None
    """Number of blocks of the text encoder with prompts, from the first on; by default three
    quarters of them, as the paper's 9 of 12."""

    image_depth: int | None = None
    """The same for the image encoder."""

    w_text: float = 25.0
    """Weight of the distance between prompted and frozen text embeddings."""

    w_image: float = 10.0
    """Weight of the distance between prompted and frozen image embeddings."""

    w_logits: float = 1.0
    """Weight of the divergence between prompted and frozen scores."""

    average: bool = True
    """Average the prompts of all epochs at the end."""

    texts: str | None = None
    """A JSON file with sentences about each class, instead of the 60 hand-written ones;
    ``--texts`` sets it."""

    mean: float = 15.0
    """The epoch, counted from 1, with the largest weight in the average."""

    std: float = 1.0
    """Standard deviation, in epochs, of the Gaussian weights around it."""

    def __post_init__(self) -> None:
        for name in ("w_text", "w_image", "w_logits"):
            if not 0 <= getattr(self, name) < math.inf:  # a NaN fails this too
                raise GoproError(f"got {name} = {getattr(self, name)}; a weight is 0 or more")
        if not (math.isfinite(self.mean) and 0 < self.std < math.inf):
            raise GoproError(
                f"got the mean {self.mean} and the standard deviation {self.std} of the average "
                "over epochs; wanted a number and a number above 0"
            )


class PromptSRC(Method):
    """Khattak et al., "Self-regulating Prompts: Foundational Model Adaptation without Forgetting",
    ICCV 2023.

    T_1..T_J are learned tokens in the first J blocks of the text encoder, V_1..V_J independent ones
    of the image encoder; T_j (V_j) replaces T_(j-1) (V_(j-1)). With v_i and t_c the unit embeddings
    of image i and of ``[T_1, rest of the words, name of c, "."]``, v'_i the unit image embedding of
    the frozen encoder, t'_c the unit mean of the frozen embeddings of 60 sentences about
    class c, s_ic = exp(logit_scale) v_i t_c, s'_ic = exp(logit_scale) v'_i t'_c and p, p' their
    softmax over classes,

        L = cross-entropy(s) + w_text mean |t_c - t'_c| + w_image mean |v_i - v'_i|
            + w_logits 1/(B C) sum_ic p'_ic log(p'_ic / p_ic),

    with means over all entries of the vectors. At the end each parameter is the average of its
    values after epochs 1..E; epoch a has the weight exp(-(a - mean)^2 / (2 std^2)), divided by the
    sum of all weights.
    """

    Settings: ClassVar[type] = PromptSRCSettings
    paper: ClassVar[str] = "Khattak et al., ICCV 2023"
    about: ClassVar[str] = "prompts in the blocks of both encoders, regularised by the frozen CLIP"
    parts: ClassVar[dict[str, dict[str, Any]]] = {
        "no-deep": {"depth": 1, "image_depth": 1},
        "no-text": {"w_text": 0.0},
        "no-image": {"w_image": 0.0},
        "no-logits": {"w_logits": 0.0},
        "no-average": {"average": False},
    }
    modifies_image_encoder: ClassVar[bool] = True
    leading_words: ClassVar[bool] = True

    def __init__(self, backbone: Backbone, class_names: Sequence[str], settings: Any) -> None:
        super().__init__(backbone, class_names, settings)
        depth, image_depth = settings.depth, settings.image_depth
        if depth is None:
            depth = three_quarters(len(backbone.text_encoder.blocks))
        if image_depth is None:
            image_depth = three_quarters(len(backbone.vision_widths))
        backbone.image_encoder.prompts.check("promptsrc", image_depth)
        check_text_depth(backbone, depth)
        self.context = nn.Parameter(leading_context(backbone, settings.ctx_init, settings.n_ctx))
        self.deep = random_prompts(depth - 1, settings.n_ctx, backbone.text_width)
        width = backbone.vision_widths[0]
        self.image_prompts = random_prompts(image_depth, settings.n_ctx_vision, width)
        self.set_class_names(class_names)

    @property
    def loss_weights(self) -> Mapping[str, float]:
        options = self.settings
        return {
            "ce": 1.0,
            "text": options.w_text,
            "image": options.w_image,
            "logits": options.w_logits,
        }

    def set_class_names(self, names: Sequence[str]) -> None:
        options = self.settings
        self.classes = tokens_after_context(self.backbone, names, options.ctx_init, options.n_ctx)
        self.template_text: Tensor | None = None

    def frozen_text(self) -> Tensor:
        """Unit mean [C, e] of the frozen text embeddings of all sentences; needed in training."""
        if self.template_text is None and self.settings.texts is not None:
            file, names = self.settings.texts, self.class_names
            self.template_text = text_means(self.backbone, file, names, unit=False)
        if self.template_text is None:
            templates = ensemble_templates("imagenet")[:60]  # the official code has these 60
            parts = [self.backbone.encode_class_names(self.class_names, one) for one in templates]
            self.template_text = F.normalize(torch.stack(parts).mean(dim=0), dim=-1)
        return self.template_text

    def encode_image(self, pixels: Tensor) -> ImageFeatures:
        return self.backbone.encode_image(pixels, list(self.image_prompts))

    def encode_text(self) -> Tensor:
        """Unit text embeddings [C, e] of the prompts."""
        deep = [part[None] for part in self.deep]
        text = self.backbone.encode_text(Prompts.after(self.context, self.classes, deep))[0]
        return F.normalize(text, dim=-1)

    def logits(self, features: ImageFeatures) -> Tensor:
        return self.cosine_logits(features, self.encode_text())

    def loss(self, batch: Batch) -> dict[str, Tensor]:
        image = F.normalize(self.encode(batch)["x"].embedding, dim=-1)
        text, scale = self.encode_text(), self.backbone.logit_scale
        frozen_image = F.normalize(self.backbone.encode_image(batch.images["x"]).embedding, dim=-1)
        frozen_text = self.frozen_text()
        scores, frozen_scores = scale * image @ text.T, scale * frozen_image @ frozen_text.T
        divergence = F.kl_div(
            scores.log_softmax(dim=1),
            frozen_scores.log_softmax(dim=1),
            reduction="sum",
            log_target=True,
        )
        return {
            "ce": F.cross_entropy(scores, batch.labels),
            "text": F.l1_loss(text, frozen_text),
            "image": F.l1_loss(image, frozen_image),
            "logits": divergence / scores.numel(),
        }

    @torch.no_grad()
    def end_epoch(self, epoch: int, epochs: int) -> None:
        options = self.settings
        if not options.average:
            return
        numbers = torch.arange(1, epochs + 1, dtype=torch.float64)
        weights = (-((numbers - options.mean) ** 2) / (2 * options.std**2)).softmax(dim=0)
        for name, parameter in self.named_parameters():
            term = weights[epoch].item() * parameter
            self.extra_state[name] = term if epoch == 0 else self.extra_state[name] + term
            if epoch + 1 == epochs:
                parameter.copy_(self.extra_state[name])
