"""GOPro: context tokens generated from each image's content and style, with three losses."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, ClassVar, Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gopro.backbones import Backbone, ImageFeatures, Prompts
from gopro.common.errors import GoproError
from gopro.methods.base import Batch, Method, initial_context
from gopro.methods.generators import PaperGenerator, ReleasedGenerator
from gopro.methods.losses import consistency, nt_xent
from gopro.methods.projectors import Residual

_PAPER_ONLY = (
    "content",
    "style",
    "layers",
    "rescale",
    "per_branch",
    "image_projector",
    "text_projector",
)


@dataclass(frozen=True)
class GOProSettings:
    """Options of GOPro.

    Each is a choice that the sources leave open, or a part that an ablation switches off.
    """

    variant: Literal["paper", "released"] = "paper"
    """paper: the abstract and the figure. released: the computation of the released code."""

    n_ctx: int = 4
    """Number of context tokens."""

    ctx_init: str = "a photo of a"
    """Initial words of the context; with fewer words than tokens, random tokens come first."""

    w_ce: float = 1.0
    """Weight of the cross-entropy between image and text."""

    w_sem: float = 1.0
    """Weight of the consistency loss of the views' prompts; 0 leaves the AugMix view out."""

    w_con: float = 0.1
    """Weight of the contrastive loss between x and its MoCo v3 view."""

    temperature: float = 0.1
    """Temperature of the contrastive loss."""

    moco: bool = True
    """Use the MoCo v3 view; without it there is no contrastive loss."""

    augmix: bool = True
    """Use the AugMix view."""

    content: bool = True
    """paper: generate from the token means of the layers."""

    style: bool = True
    """paper: generate from the mean and standard deviation of the last layer."""

    layers: tuple[int, ...] | None = None
    """paper: layers whose means are content, counted from 1, or back from -1; all by default."""

    rescale: bool = True
    """paper: normalise each primitive to zero mean and unit variance over its width."""

    per_branch: bool = True
    """paper: a separate projector rho for each view, as in the figure; otherwise one for all."""

    image_projector: bool = True
    """paper: the learned projector P_v after the image encoder; L_con needs it."""

    text_projector: bool = True
    """paper: the learned projector P_t after the text encoder."""

    def __post_init__(self) -> None:
        if self.variant not in ("paper", "released"):
            raise GoproError(f"got the variant {self.variant!r}; choose paper or released")
        if not (self.content or self.style):
            raise GoproError("gopro without content and style generates nothing; use coop for that")
        for name in ("w_ce", "w_sem", "w_con"):
            if not 0 <= getattr(self, name) < math.inf:  # a NaN fails this too
                raise GoproError(f"got {name} = {getattr(self, name)}; a weight is 0 or more")
        if not 0 < self.temperature < math.inf:
            raise GoproError(f"got the temperature {self.temperature}; it must be above 0")
        if self.variant == "released":
            defaults = {field.name: field.default for field in fields(self)}
            unfit = [name for name in _PAPER_ONLY if getattr(self, name) != defaults[name]]
            if unfit:
                raise GoproError(
                    f"the released variant has no setting {', '.join(unfit)}; leave it out or "
                    "choose --variant paper"
                )


class GOPro(Method):
    """GOPro (BMVC 2023, arXiv 2308.11605).

    With c_1..c_M learned context tokens and v_1..v_M the shifts generated from view k of image x,
    the prompt of class c is ``[c_1 + v_1, .., c_M + v_M, name of c, "."]`` and T_k(c) its text
    embedding. Scores are ``exp(logit_scale) * cos(P_v f_v(x), P_t T_x(c))``, and

        L_ce  = cross-entropy of the scores of x,
        L_sem = MSE(T_x, T_moco) + MSE(T_x, T_augmix) over unit text embeddings,
        L_con = NT-Xent(P_v f_v(x), P_v f_v(x_moco)).

    ``variant="paper"`` has a projector rho for each view, and uses P_v and P_t everywhere.
    ``variant="released"`` adds one shift to all tokens, has one generator for all views and no P_t,
    and uses P_v (linear and batch norm) in L_con only, where it can't change a prediction:
    L_con = NT-Xent(P_v(u(x)), P_v(u(x_moco))) with the unit embeddings u(x) = f_v(x) / |f_v(x)|.
    """

    Settings: ClassVar[type] = GOProSettings
    paper: ClassVar[str] = "Singha et al., BMVC 2023"
    about: ClassVar[str] = "context tokens generated from each image's content and style"
    without_views: ClassVar[Mapping[str, Any]] = {"w_sem": 0.0, "w_con": 0.0}
    prompts_per_image: ClassVar[bool] = True

    parts: ClassVar[dict[str, dict[str, Any]]] = {
        "no-sem": {"w_sem": 0.0},
        "no-con": {"w_con": 0.0},
        "no-image-projector": {"image_projector": False},
        "no-text-projector": {"text_projector": False},
        "no-content": {"content": False},
        "no-style": {"style": False},
        "no-moco": {"moco": False},
        "no-augmix": {"augmix": False},
        "one-rho": {"per_branch": False},
        "no-rescale": {"rescale": False},
        "last-layer": {"layers": (-1,)},
        "1-token": {"n_ctx": 1},
        "2-tokens": {"n_ctx": 2},
        "8-tokens": {"n_ctx": 8},
    }

    generator: PaperGenerator | ReleasedGenerator
    image_projector: nn.Module

    def __init__(self, backbone: Backbone, class_names: Sequence[str], settings: Any) -> None:
        super().__init__(backbone, class_names, settings)
        self.context = nn.Parameter(initial_context(backbone, settings.ctx_init, settings.n_ctx))
        width = backbone.embed_dim
        self.text_projector: nn.Module = nn.Identity()
        if settings.variant == "released":
            self.generator = ReleasedGenerator(backbone.vision_widths, backbone.text_width)
            projector = nn.Sequential(nn.Linear(width, width), nn.BatchNorm1d(width))
            self.image_projector = projector if self.contrasts else nn.Identity()
        else:
            self.generator = PaperGenerator(
                backbone.vision_widths,
                backbone.text_width,
                tokens=settings.n_ctx,
                content=settings.content,
                style=settings.style,
                layers=settings.layers,
                rescale=settings.rescale,
                branches=self.prompted if settings.per_branch else ("x",),
            )
            self.image_projector = Residual(width) if settings.image_projector else nn.Identity()
            self.text_projector = Residual(width) if settings.text_projector else nn.Identity()
        self.set_class_names(class_names)

    @property
    def views(self) -> tuple[str, ...]:
        options = self.settings
        moco = options.moco and (options.w_sem > 0 or self.contrasts)
        augmix = options.augmix and options.w_sem > 0
        return ("x", *(["moco"] if moco else []), *(["augmix"] if augmix else []))

    @property
    def prompted(self) -> tuple[str, ...]:
        """The views whose prompts are generated in training: those that L_sem compares."""
        return self.views if self.settings.w_sem > 0 else ("x",)

    @property
    def contrasts(self) -> bool:
        """Whether L_con is part of the loss; without P_v it would be constant."""
        options = self.settings
        return bool(options.moco and options.w_con > 0 and options.image_projector)

    @property
    def loss_weights(self) -> Mapping[str, float]:
        options = self.settings
        return {"ce": options.w_ce, "sem": options.w_sem, "con": options.w_con}

    def set_class_names(self, names: Sequence[str]) -> None:
        self.classes = self.backbone.class_tokens(names, self.settings.n_ctx)

    def image_embedding(self, features: ImageFeatures) -> Tensor:
        """Unit image embeddings [B, e] in the space of the scores."""
        embedding = F.normalize(features.embedding, dim=-1)
        if self.settings.variant == "released":
            return embedding
        return F.normalize(self.image_projector(embedding), dim=-1)

    def text_embedding(self, shifts: Tensor) -> Tensor:
        """Unit text embeddings [B, C, e] of prompts whose context is shifted by [B, M, d_t]."""
        text = self.backbone.encode_text(Prompts.after(self.context + shifts, self.classes))
        return F.normalize(self.text_projector(F.normalize(text, dim=-1)), dim=-1)

    def scores(self, features: ImageFeatures, text: Tensor) -> Tensor:
        """``exp(logit_scale) * cos``: [B, C]."""
        image = self.image_embedding(features)
        return self.backbone.logit_scale * torch.einsum("be,bce->bc", image, text)

    def shifts(self, features: ImageFeatures) -> Tensor:
        """Shifts [B, M or 1, d_t] of the context tokens in prediction."""
        shifts: Tensor = self.generator(features, "x")
        return shifts

    def logits(self, features: ImageFeatures) -> Tensor:
        return self.scores(features, self.text_embedding(self.shifts(features)))

    def loss(self, batch: Batch) -> dict[str, Tensor]:
        features = self.encode(batch)
        options = self.settings
        # one pass of the text encoder for the prompts of all views
        shifts = torch.cat([self.generator(features[name], name) for name in self.prompted])
        text = self.text_embedding(shifts).chunk(len(self.prompted))
        terms = {"ce": F.cross_entropy(self.scores(features["x"], text[0]), batch.labels)}
        if len(text) > 1:
            terms["sem"] = consistency(text[0], text[1:])
        if self.contrasts:
            x, moco = self._contrasted(features["x"]), self._contrasted(features["moco"])
            terms["con"] = nt_xent(x, moco, options.temperature)
        return terms

    def _contrasted(self, features: ImageFeatures) -> Tensor:
        """The input of NT-Xent, [B, e]."""
        embedding = self.image_embedding(features)
        # one image: batch norm has no variance, NT-Xent no negative
        if self.settings.variant == "paper" or (self.training and len(features) == 1):
            return embedding
        projected: Tensor = self.image_projector(embedding)
        return projected
