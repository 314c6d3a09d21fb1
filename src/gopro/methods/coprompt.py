"""CoPrompt: MaPLe with adapters, held to the frozen CLIP's answer to changed inputs."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gopro.backbones import Backbone, ImageFeatures
from gopro.common.errors import GoproError
from gopro.data.templates import ensemble_templates
from gopro.methods.base import Batch
from gopro.methods.maple import MaPLe, MaPLeSettings


@dataclass(frozen=True)
class CoPromptSettings(MaPLeSettings):
    """Options of CoPrompt: MaPLe's, and those of its adapters and its second term."""

    n_ctx: int = 4
    """Number of context tokens in a block; its code has 2 or 4, by data set."""

    depth: int | None = None
    """In how many blocks of both towers, from the first on, there are prompts; by default in all
    of those of the tower with fewer. Its code has 9 or 12 of 12, by data set."""

    w_con: float = 8.0
    """Weight of the distance to the frozen CLIP; its code has 0.1 to 8, by data set."""

    image_ratio: float = 0.1
    """Share of the image adapter in the mixture."""

    text_ratio: float = 0.2
    """Share of the text adapter in the mixture."""

    descriptions: str | None = None
    """A JSON file with a list of sentences about each class, by its name: a language model's, as in
    the paper; by default hand-written ones."""

    reduction: int = 4
    """How many times narrower the adapters' middle is than the embedding."""

    def __post_init__(self) -> None:
        if not 0 <= self.w_con < math.inf:  # a NaN fails this too
            raise GoproError(f"got w_con = {self.w_con}; a weight is 0 or more")
        for name in ("image_ratio", "text_ratio"):
            if not 0 <= getattr(self, name) <= 1:
                raise GoproError(f"got {name} = {getattr(self, name)}; it is a share from 0 to 1")
        if self.reduction < 1:
            raise GoproError(f"got the reduction {self.reduction}; it must be 1 or more")


class CoPrompt(MaPLe):
    """Roy and Etemad, "Consistency-guided Prompt Learning for Vision-Language Models", ICLR 2024.

    Prompts are MaPLe's. On both embeddings f of the prompted towers there is an adapter,

        (1 - r) f + r A(f),  A(f) = ReLU(W_2 ReLU(W_1 f)),  W_1: e -> e/4,  W_2: e/4 -> e,

    without bias, r = 0.1 for images and 0.2 for texts. With v_i and t_c what comes out, x''_i an
    augmented view of image i, s_k(c) the k-th sentence about class c, k drawn in each step, and
    f_v, f_t the frozen towers,

        L = cross-entropy + w_con L_con,
        L_con = 1/C sum_c (1 - cos(t_c, f_t(s_k(c)))) + 1/B sum_i (1 - cos(v_i, f_v(x''_i))).

    The paper's sentences are a language model's descriptions of each class; where ``descriptions``
    has none, the 80 hand-written ones of CLIP's authors for ImageNet stand in their place. x'' is
    the AugMix view.
    """

    Settings: ClassVar[type] = CoPromptSettings
    paper: ClassVar[str] = "Roy and Etemad, ICLR 2024"
    about: ClassVar[str] = "MaPLe's prompts and two adapters, held to the frozen CLIP's answers"
    parts: ClassVar[dict[str, dict[str, Any]]] = {
        "no-deep": {"depth": 1},
        "no-con": {"w_con": 0.0},
        "no-image-adapter": {"image_ratio": 0.0},
        "no-text-adapter": {"text_ratio": 0.0},
    }

    def __init__(self, backbone: Backbone, class_names: Sequence[str], settings: Any) -> None:
        super().__init__(backbone, class_names, settings)
        self.adapt_image = _adapter(backbone.embed_dim, settings.reduction)
        self.adapt_text = _adapter(backbone.embed_dim, settings.reduction)

    @staticmethod
    def default_depth(blocks: int) -> int:
        return blocks

    @property
    def views(self) -> tuple[str, ...]:
        return ("x", "augmix") if self.settings.w_con > 0 else ("x",)

    @property
    def loss_weights(self) -> Mapping[str, float]:
        return {"ce": 1.0, "con": self.settings.w_con}

    def set_class_names(self, names: Sequence[str]) -> None:
        super().set_class_names(names)
        self.written: dict[int, Tensor] = {}
        self.described: list[tuple[str, ...]] = []

    def frozen_text(self) -> Tensor:
        """Unit text embeddings [C, e] of a sentence drawn for each class, by the frozen tower."""
        file = self.settings.descriptions
        if file is not None and not self.described:
            self.described = read_descriptions(Path(file).expanduser(), self.class_names)
        templates = ensemble_templates("imagenet")
        many = min(map(len, self.described)) if self.described else len(templates)
        k = int(torch.randint(many, ()))
        if k not in self.written:
            if self.described:
                text = self.backbone.encode_class_names([rows[k] for rows in self.described], "{}")
            else:
                text = self.backbone.encode_class_names(self.class_names, templates[k])
            self.written[k] = F.normalize(text, dim=-1)
        return self.written[k]

    def encode_image(self, pixels: Tensor) -> ImageFeatures:
        embedding, ratio = super().encode_image(pixels).embedding, self.settings.image_ratio
        return ImageFeatures.only((1 - ratio) * embedding + ratio * self.adapt_image(embedding))

    def encode_text(self) -> Tensor:
        embedding, ratio = super().encode_text(), self.settings.text_ratio
        adapted: Tensor = (1 - ratio) * embedding + ratio * self.adapt_text(embedding)
        return adapted

    def loss(self, batch: Batch) -> dict[str, Tensor]:
        seen = {name: pixels for name, pixels in batch.images.items() if name == "x"}
        features = self.encode(replace(batch, images=seen))["x"]
        image, text = (
            F.normalize(features.embedding, dim=-1),
            F.normalize(self.encode_text(), dim=-1),
        )
        scores = self.backbone.logit_scale * image @ text.T
        terms = {"ce": F.cross_entropy(scores, batch.labels)}
        if self.settings.w_con > 0:
            written = self.frozen_text()
            frozen = self.backbone.encode_image(batch.images["augmix"]).embedding
            terms["con"] = (1 - (text * written).sum(dim=-1)).mean() + (
                1 - (image * F.normalize(frozen, dim=-1)).sum(dim=-1)
            ).mean()
        return terms


def read_descriptions(file: Path, names: Sequence[str]) -> list[tuple[str, ...]]:
    """Sentences about classes.

    Args:
        file: JSON: class name -> list of sentences. Underscores in names count as spaces.
        names: Of the classes.

    Raises:
        GoproError: When the file is missing or something else, or a class has no sentences.
    """
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise GoproError(
            f"can't read descriptions from {file} ({error}); give a JSON file with a list of "
            "sentences for each class name"
        ) from error
    known = found if isinstance(found, dict) else {}
    known = {name.replace("_", " "): rows for name, rows in known.items()}
    described = []
    for name in names:
        rows = known.get(name.replace("_", " "))
        if not isinstance(rows, list) or not rows or not all(isinstance(r, str) for r in rows):
            raise GoproError(
                f"{file} has no list of sentences for the class {name!r}; add one, or leave out "
                "--coprompt.descriptions"
            )
        described.append(tuple(rows))
    return described


def _adapter(width: int, reduction: int) -> nn.Sequential:
    middle = max(1, width // reduction)
    return nn.Sequential(
        nn.Linear(width, middle, bias=False),
        nn.ReLU(),
        nn.Linear(middle, width, bias=False),
        nn.ReLU(),
    )
