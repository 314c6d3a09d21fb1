"""CoOp: context tokens shared by all images, learned by cross-entropy."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gopro.backbones import Backbone, ImageFeatures, Prompts
from gopro.common.errors import GoproError
from gopro.methods.base import Method, initial_context
from gopro.methods.class_indices import class_indices


@dataclass(frozen=True)
class ContextSettings:
    """Options of CoOp's prompts without the words they start from."""

    n_ctx: int = 4
    """Number of context tokens; 4 and 16 in the paper."""

    class_specific: bool = False
    """A separate context for each class; the method then works for the training classes only."""

    position: Literal["end", "middle", "front"] = "end"
    """Position of the class name: after the context, in its middle, or before it."""

    def __post_init__(self) -> None:
        if self.position not in ("end", "middle", "front"):
            raise GoproError(f"got the position {self.position!r}; choose end, middle or front")


@dataclass(frozen=True)
class CoOpSettings(ContextSettings):
    """Options of CoOp."""

    ctx_init: str = "a photo of a"
    """Initial words of the context; with fewer words than tokens, random tokens come first. With
    an empty text all are random."""


class CoOp(Method):
    """Zhou et al., "Learning to Prompt for Vision-Language Models", IJCV 2022.

    With M learned vectors v, for all classes or for each (``class_specific``), the prompt of
    class c is

        end:     [v_1 .. v_M, name of c, "."]
        middle:  [v_1 .. v_h, name of c, v_h+1 .. v_M, "."] with h = M / 2 rounded down
        front:   [name of c, v_1 .. v_M, "."]

    and scores are ``exp(logit_scale) * cos(f_v(x), f_t(prompt of c))``. The published recipe is
    that of the base-to-new comparison (Zhou et al., CVPR 2022): 50 epochs from "a photo of a".
    """

    Settings: ClassVar[type] = CoOpSettings
    paper: ClassVar[str] = "Zhou et al., IJCV 2022"
    about: ClassVar[str] = "context tokens shared by all images"

    def __init__(self, backbone: Backbone, class_names: Sequence[str], settings: Any) -> None:
        super().__init__(backbone, class_names, settings)
        self.trained_names = tuple(class_names)
        if settings.class_specific:
            start = [
                initial_context(backbone, settings.ctx_init, settings.n_ctx) for _ in class_names
            ]
            self.context = nn.Parameter(torch.stack(start))
        else:
            self.context = nn.Parameter(
                initial_context(backbone, settings.ctx_init, settings.n_ctx)
            )
        self.set_class_names(class_names)

    def set_class_names(self, names: Sequence[str]) -> None:
        options, backbone = self.settings, self.backbone
        if options.class_specific:
            self.indices = class_indices(names, self.trained_names, "a separate context")
        if options.position == "end":
            self.classes = backbone.class_tokens(names, options.n_ctx)
        else:  # the full stop is a token after the context, separate from the name
            self.stop, before = backbone.token_embeddings("."), self.before
            after = options.n_ctx - before + len(self.stop)
            self.classes = backbone.class_tokens(names, before, "{}", after=after)

    @property
    def before(self) -> int:
        """Number of context tokens before a name that isn't at the end."""
        return self.settings.n_ctx // 2 if self.settings.position == "middle" else 0

    def prompts(self) -> Prompts:
        """The prompts of all classes."""
        options = self.settings
        context = self.context[self.indices] if options.class_specific else self.context
        if options.position == "end":
            order = Prompts.per_class if options.class_specific else Prompts.after
            return order(context, self.classes)
        before, after = context[..., : self.before, :], context[..., self.before :, :]
        return Prompts.around(before, after, self.classes, self.stop)

    def encode_text(self) -> Tensor:
        """Unit text embeddings [C, e] of the prompts."""
        return F.normalize(self.backbone.encode_text(self.prompts())[0], dim=-1)

    def logits(self, features: ImageFeatures) -> Tensor:
        return self.cosine_logits(features, self.encode_text())
