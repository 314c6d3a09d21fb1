"""VPT: prompts among the image encoder's tokens, with a fixed text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from torch import Tensor

from gopro.backbones import Backbone, ImageFeatures
from gopro.common.errors import GoproError
from gopro.data.templates import DEFAULT
from gopro.methods.base import Method
from gopro.methods.deep_prompts import random_prompts


@dataclass(frozen=True)
class VPTSettings:
    """Options of VPT."""

    variant: Literal["deep", "shallow"] = "deep"
    """deep: separate prompts for each block. shallow: for the first block only."""

    n_ctx: int = 8
    """Number of prompt tokens in a block."""

    depth: int | None = None
    """deep: number of blocks with prompts, from the first on; by default all."""

    template: str | None = DEFAULT
    """Sentence with {} for the class name."""

    def __post_init__(self) -> None:
        if self.variant not in ("deep", "shallow"):
            raise GoproError(f"got the variant {self.variant!r}; choose deep or shallow")
        if self.variant == "shallow" and self.depth not in (None, 1):
            raise GoproError(
                f"got the depth {self.depth}, but shallow prompts are in the first block only; "
                "leave the depth out or choose --vpt.variant deep"
            )


class VPT(Method):
    """Jia et al., "Visual Prompt Tuning", ECCV 2022, on CLIP as in MaPLe's comparison.

    P learned tokens p_0 are added to the image's tokens; ``deep`` replaces them by p_(l-1) before
    each block l (``backbones/visual_prompts.py``). With f_v(x; p) the image embedding
    and t_c the template's text embedding, scores are ``exp(logit_scale) * cos(f_v(x; p), t_c)``,
    trained by cross-entropy.
    """

    Settings: ClassVar[type] = VPTSettings
    paper: ClassVar[str] = "Jia et al., ECCV 2022"
    about: ClassVar[str] = "prompts among the image encoder's tokens"
    parts: ClassVar[dict[str, dict[str, Any]]] = {"no-deep": {"variant": "shallow", "depth": None}}
    modifies_image_encoder: ClassVar[bool] = True

    def __init__(self, backbone: Backbone, class_names: Sequence[str], settings: Any) -> None:
        super().__init__(backbone, class_names, settings)
        depth = 1 if settings.variant == "shallow" else settings.depth
        depth = len(backbone.vision_widths) if depth is None else depth
        backbone.image_encoder.prompts.check("vpt", depth)
        self.prompts = random_prompts(depth, settings.n_ctx, backbone.vision_widths[0])
        self.set_class_names(class_names)

    def set_class_names(self, names: Sequence[str]) -> None:
        self.text = self.template_embeddings(names)

    def encode_image(self, pixels: Tensor) -> ImageFeatures:
        return self.backbone.encode_image(pixels, list(self.prompts))

    def logits(self, features: ImageFeatures) -> Tensor:
        return self.cosine_logits(features, self.text)
