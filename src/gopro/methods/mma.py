"""MMA and MMA++: adapters beside the upper blocks of both encoders, with a shared layer."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gopro.backbones import Backbone, ImageFeatures
from gopro.backbones.plain_text import PlainEncoder
from gopro.common.errors import GoproError
from gopro.data.templates import DEFAULT, ensemble_templates
from gopro.methods.base import Batch, Method
from gopro.methods.class_texts import class_sentences
from gopro.methods.deep_prompts import check_upper_text, upper_blocks


@dataclass(frozen=True)
class MMASettings:
    """Options of MMA, and the additions of MMA++."""

    variant: Literal["base", "plus"] = "base"
    """base: MMA. plus: MMA++, with a consistency loss, a smaller scale in tests, many sentences,
    and its own training recipe."""

    width: int = 32
    """Hidden width of the adapters."""

    blocks: int | None = None
    """Number of blocks with an adapter in both encoders, the last ones; by default as the paper's
    8 of 12, of the encoder with fewer blocks."""

    scale: float | None = None
    """Scale of the adapters in training; by default 0.001, and 0.01 in plus."""

    test_scale: float | None = None
    """plus: scale of the adapters in tests; by default 0.0065."""

    w_con: float = 2.5
    """plus: weight of the distance to embeddings with a smaller scale."""

    dropout: float = 0.2
    """plus: dropout rate after the shared layer in training."""

    template: str = DEFAULT
    """base: sentence with {} for the class name; the same for every data set, as in its code. plus
    has the 80 sentences of CLIP's authors for ImageNet."""

    texts: str | None = None
    """plus: a JSON file with sentences about each class, instead of the 80 sentences; ``--texts``
    sets it."""

    def __post_init__(self) -> None:
        if self.variant not in ("base", "plus"):
            raise GoproError(f"got the variant {self.variant!r}; choose base or plus")
        if self.texts is not None and self.variant == "base":
            raise GoproError(
                "the variant base has one sentence for all classes, so --texts has no use in it; "
                "leave it out, or add --mma.variant plus"
            )
        if self.width < 1:
            raise GoproError(f"got the width {self.width}; it must be 1 or more")
        for name in ("scale", "test_scale"):
            value = getattr(self, name)
            if value is not None and not 0 < value < math.inf:
                raise GoproError(f"got {name} = {value}; it must be above 0")
        if not 0 <= self.w_con < math.inf:  # a NaN fails this too
            raise GoproError(f"got w_con = {self.w_con}; a weight is 0 or more")
        if not 0 <= self.dropout < 1:
            raise GoproError(f"got the dropout {self.dropout}; it is a share from 0 to below 1")


class MMA(Method):
    """Yang et al., "MMA: Multi-Modal Adapter for Vision-Language Models", CVPR 2024, and "MMA++:
    Effective Multi-Modal Adaptation for Vision-Language Models", TPAMI 2026.

    With LN the first norm of block l, a scale a, and D: d -> r, S: r -> r, U: r -> d linear maps,
    each of the last J blocks of both encoders becomes

        block_l(x) + a U(ReLU(S ReLU(D LN(x)))).

    Each block of each encoder has its own D and U; the k-th of these blocks of both encoders share
    one S. Scores are ``exp(logit_scale) * cos(f_v'(x), f_t'(sentence about c))`` with the changed
    encoders.

    ``base`` is trained by cross-entropy. As in its code, a scales the output and the gradient that
    goes on to lower blocks, but not the gradient of the adapter's own weights.

    ``plus``: each step draws one of the sentences about each class, with t_c the text embeddings
    and v_i the image embeddings, and a scale b, uniform between 0 and a, that gives t'_c and v'_i
    without a gradient:

        L = cross-entropy + w_con (1 - mean_c cos(t_c, t'_c)) + w_con (1 - mean_i cos(v_i, v'_i)).

    In training, a fifth of the outputs of S is dropped. Tests have a smaller scale, and the unit
    mean of the unit embeddings of all sentences.
    """

    Settings: ClassVar[type] = MMASettings
    paper: ClassVar[str] = "Yang et al., CVPR 2024"
    about: ClassVar[str] = "adapters beside the upper blocks of both encoders, with a shared layer"
    modifies_image_encoder: ClassVar[bool] = True

    def __init__(self, backbone: Backbone, class_names: Sequence[str], settings: Any) -> None:
        super().__init__(backbone, class_names, settings)
        if not backbone.image_encoder.beside.possible:
            raise GoproError(
                f"mma puts adapters beside the blocks of a ViT, and the image tower of "
                f"{backbone.name} has no transformer blocks; choose a backbone such as ViT-B-16, "
                "or another --method"
            )
        check_upper_text(backbone, "mma")
        count = upper_blocks(backbone, settings.blocks, 2 / 3)
        self.first_image = len(backbone.image_encoder.prompts.blocks) - count
        self.first_text = len(backbone.text_encoder.blocks) - count
        width, plus = settings.width, settings.variant == "plus"

        def layers(inputs: int, outputs: int) -> nn.ModuleList:
            return nn.ModuleList(_linear(inputs, outputs, bias=plus) for _ in range(count))

        self.image_down = layers(backbone.vision_widths[0], width)
        self.image_up = layers(width, backbone.vision_widths[0])
        self.text_down = layers(backbone.text_width, width)
        self.text_up = layers(width, backbone.text_width)
        self.shared = layers(width, width)
        self.scale: float = settings.scale or (0.01 if plus else 0.001)
        self.test_scale: float = (settings.test_scale or 0.0065) if plus else self.scale
        self.set_class_names(class_names)

    @property
    def loss_weights(self) -> Mapping[str, float]:
        return {"ce": 1.0, "text": self.settings.w_con, "image": self.settings.w_con}

    @property
    def templates(self) -> tuple[str, ...]:
        """The sentences that the class names are put into."""
        plus = self.settings.variant == "plus"
        return ensemble_templates("imagenet") if plus else (self.settings.template,)

    def set_class_names(self, names: Sequence[str]) -> None:
        self.class_sentences = class_sentences(
            self.backbone, names, self.templates, self.settings.texts
        )
        self.tested: tuple[tuple[int, ...], Tensor] | None = None

    def adapter(self, down: nn.ModuleList, up: nn.ModuleList, first: int, scale: float) -> Any:
        """What one encoder adds beside its blocks; see ``Beside``."""
        inner = self.settings.variant == "base"

        def beside(block: int, tokens: Tensor) -> Tensor | None:
            number = block - first
            if number < 0:
                return None
            hidden = _gradient_times(tokens, scale) if inner else tokens
            hidden = F.relu(down[number](hidden.float()))
            hidden = F.relu(self.shared[number](hidden))
            if not inner:
                hidden = F.dropout(hidden, self.settings.dropout, self.training)
            term = up[number](hidden) * scale
            term = _gradient_times(term, 1 / scale) if inner else term
            result: Tensor = term.to(tokens.dtype)
            return result

        return beside

    def encode_image(self, pixels: Tensor) -> ImageFeatures:
        return self.encode_image_at(pixels, self.scale if self.training else self.test_scale)

    def encode_image_at(self, pixels: Tensor, scale: float) -> ImageFeatures:
        """Features of images, with the adapters at a scale."""
        encoder = self.backbone.image_encoder
        beside = self.adapter(self.image_down, self.image_up, self.first_image, scale)
        with encoder.beside.adding(beside):
            return ImageFeatures.only(encoder.embedding(pixels).float())

    def encode_sentences(self, sentences: Sequence[str], scale: float) -> Tensor:
        """Unit text embeddings [C, e] of one sentence about each class, at a scale."""
        tokens = self.backbone.sentence_tokens(sentences)
        beside = self.adapter(self.text_down, self.text_up, self.first_text, scale)
        encoder = PlainEncoder.of(self.backbone.text_encoder, self.backbone.tokens)
        return F.normalize(encoder.adapted(tokens, beside=beside), dim=-1)

    def encode_text(self) -> Tensor:
        """Unit text embeddings [C, e] for tests; kept until a weight changes."""
        versions = tuple(part._version for part in self.parameters())
        if self.tested is not None and self.tested[0] == versions:
            return self.tested[1]
        rows: list[Tensor] = []
        classes: list[int] = []
        for k in range(max(map(len, self.class_sentences))):
            members = [c for c, sentences in enumerate(self.class_sentences) if k < len(sentences)]
            kth = [self.class_sentences[c][k] for c in members]
            rows.append(self.encode_sentences(kth, self.test_scale))
            classes += members
        embeddings = torch.cat(rows)
        sums = embeddings.new_zeros(len(self.class_sentences), embeddings.shape[1])
        index = torch.tensor(classes, device=embeddings.device)
        text = F.normalize(sums.index_add(0, index, embeddings), dim=-1)
        if not text.requires_grad:
            self.tested = versions, text
        return text

    def logits(self, features: ImageFeatures) -> Tensor:
        return self.cosine_logits(features, self.encode_text())

    def loss(self, batch: Batch) -> dict[str, Tensor]:
        features = self.encode(batch)["x"]
        sentences = [rows[int(torch.randint(len(rows), ()))] for rows in self.class_sentences]
        text = self.encode_sentences(sentences, self.scale)
        terms = {"ce": F.cross_entropy(self.cosine_logits(features, text), batch.labels)}
        if self.settings.variant == "plus" and self.settings.w_con > 0:
            scale = torch.rand(()).item() * self.scale
            with torch.no_grad():
                less_text = self.encode_sentences(sentences, scale)
                less = self.encode_image_at(batch.images["x"], scale).embedding
            terms["text"] = 1 - F.cosine_similarity(text, less_text).mean()
            terms["image"] = 1 - F.cosine_similarity(features.embedding, less).mean()
        return terms


class _GradientTimes(torch.autograd.Function):
    """The identity, whose gradient is multiplied by a number."""

    @staticmethod
    def forward(ctx: Any, tokens: Tensor, factor: float) -> Tensor:
        ctx.factor = factor
        return tokens.view_as(tokens)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        return gradient * ctx.factor, None


_gradient_times: Callable[[Tensor, float], Tensor] = _GradientTimes.apply


def _linear(inputs: int, outputs: int, *, bias: bool) -> nn.Linear:
    """A layer for ReLU, initialised as in its code; ``bias``: it starts at random values."""
    layer = nn.Linear(inputs, outputs)
    nn.init.kaiming_normal_(layer.weight, mode="fan_out", nonlinearity="relu")
    if not bias:
        nn.init.zeros_(layer.bias)
    return layer
