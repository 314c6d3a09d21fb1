"""A frozen CLIP with two calls: ``encode_image`` and ``encode_text``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from gopro.backbones.features import ImageFeatures
from gopro.backbones.image import ImageTower
from gopro.backbones.plain_text import text_encoder
from gopro.backbones.prompts import (
    ClassTokens,
    Prompts,
    tokenize_class_names,
    tokenize_sentences,
)
from gopro.backbones.text_tokens import TextTokens
from gopro.common.errors import GoproError
from gopro.common.preprocessing import Preprocessing

DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}


class Backbone:
    """A frozen CLIP: never trained, and not saved with a method.

    It is not a ``Module``, so that its weights are not among the parameters of a method.

    Args:
        model: An ``open_clip`` model.
        tokenizer: Its tokenizer.
        name: Name of the model.
        pretrained: Tag or file of the weights.
        chunk_tokens: See ``PromptEncoder``.

    Raises:
        GoproError: If prompts can't be learned with its tokenizer, text tower or image tower.
    """

    def __init__(
        self,
        model: nn.Module,
        tokenizer: Any,
        *,
        name: str,
        pretrained: str = "",
        chunk_tokens: int = 8_192,
    ) -> None:
        self.model: Any = model.eval().requires_grad_(False)
        self.tokenizer = tokenizer
        self.name = name
        self.pretrained = pretrained
        self.image_encoder = ImageTower(model.get_submodule("visual"), name)
        self.tokens = TextTokens(tokenizer, name)
        self.text_encoder = text_encoder(model, self.tokens, name, chunk_tokens)
        # read before the model is rounded: in bf16 it would have an error of one percent
        scale = model.get_parameter("logit_scale").detach().float().exp().reshape(())
        bias = getattr(model, "logit_bias", None)
        # CLIP's training keeps the scale below 100, SigLIP's, which has a bias, doesn't
        self._scale = scale.clamp(max=100.0) if bias is None else scale
        self._bias = torch.zeros(()) if bias is None else bias.detach().float().reshape(())

    @property
    def device(self) -> torch.device:
        """Device of the weights."""
        return self.text_encoder.tower.weight.device

    @property
    def dtype(self) -> torch.dtype:
        """Data type of the weights and of the computation."""
        return self.text_encoder.tower.weight.dtype

    @property
    def image_size(self) -> int:
        """Side of the square input, in pixels."""
        return self.image_encoder.image_size

    @property
    def preprocessing(self) -> Preprocessing:
        """From a picture to the input, as the model's makers do it."""
        return self.image_encoder.preprocessing

    @property
    def normalisation(self) -> tuple[list[float], list[float]]:
        """Mean and standard deviation of each colour, used by ``encode_image``."""
        return self.image_encoder.mean.flatten().tolist(), self.image_encoder.std.flatten().tolist()

    @property
    def vision_widths(self) -> tuple[int, ...]:
        """Token width after each layer of the image encoder."""
        return self.image_encoder.widths

    @property
    def pooled_width(self) -> int:
        """Width of the input of the image encoder's last linear map; 0 if it ends otherwise."""
        return self.image_encoder.projection_input.width

    @property
    def feature_widths(self) -> dict[str, int]:
        """Widths of the parts of ``ImageFeatures``, by name and in order."""
        layers = sum(self.vision_widths)
        return {
            "embedding": self.embed_dim,
            "mean": layers,
            "std": layers,
            "pooled": self.pooled_width,
        }

    @property
    def text_width(self) -> int:
        """Width of a context token."""
        return self.text_encoder.tower.width

    @property
    def embed_dim(self) -> int:
        """Width of the shared image-text space."""
        return self.text_encoder.tower.embed_dim

    @property
    def logit_scale(self) -> Tensor:
        """``exp`` of the model's learned logit scale: a scalar, at most 100 for CLIP."""
        return self._scale.to(self.device)

    @property
    def logit_bias(self) -> Tensor:
        """SigLIP's learned bias, a scalar, and 0 for CLIP.

        SigLIP says that an image and a text belong together with the probability
        ``sigmoid(logit_scale * cos + logit_bias)``. Answers among classes don't depend on it.
        """
        return self._bias.to(self.device)

    def encode_image(self, pixels: Tensor, prompts: Sequence[Tensor] = ()) -> ImageFeatures:
        """Encode images.

        Args:
            pixels: [B, 3, image_size, image_size] in [0, 1], not normalised.
            prompts: Learned tokens [P, d_v] for each of the first blocks of a ViT; see
                ``visual_prompts``. With them there is a gradient, but no layer statistics.

        Raises:
            GoproError: If the images have another size.
        """
        if pixels.shape[-2:] != (self.image_size, self.image_size):
            raise GoproError(
                f"got images of {tuple(pixels.shape[-2:])} pixels, {self.name} takes "
                f"{self.image_size} x {self.image_size}; resize them first"
            )
        return (
            self.image_encoder.prompted(pixels, prompts) if prompts else self.image_encoder(pixels)
        )

    def encode_text(self, prompts: Prompts) -> Tensor:
        """Text embeddings [B, C, e] of prompts; B is 1 if they don't depend on the image."""
        return self.text_encoder(prompts)

    @torch.no_grad()
    def embed_tokens(self, ids: Sequence[int]) -> Tensor:
        """Token embeddings [len(ids), d_t], in float32."""
        index = torch.tensor(list(ids), dtype=torch.long, device=self.device)
        return self.text_encoder.tower.embed(index).float()

    def token_embeddings(self, text: str) -> Tensor:
        """Token embeddings [M, d_t] of a text, such as "a photo of a"."""
        return self.embed_tokens(self.tokens.encode(text))

    def class_tokens(
        self, names: Sequence[str], n_ctx: int, template: str = "{}.", *, after: int = 0
    ) -> ClassTokens:
        """Tokens of a template filled with each name, to follow the context tokens.

        Args:
            names: Class names; underscores are read as spaces.
            n_ctx: Number of context tokens before them; with none they begin the text, where some
                tokenizers have other tokens for a word.
            template: The text around the name.
            after: Number of tokens that come after them.

        Raises:
            GoproError: For a template without ``{}``, or names that are empty, too long for the
                text encoder, or different with the same tokens.
        """
        if "{}" not in template:
            raise GoproError(
                f"got the template {template!r} without {{}} for the class name; write it like "
                '"a photo of a {}."'
            )
        room = self._room - n_ctx - after
        return self._embedded(
            tokenize_class_names(
                names, self.tokens, room=room, template=template, following=n_ctx > 0
            )
        )

    def sentence_ids(self, sentences: Sequence[str]) -> list[list[int]]:
        """Token ids of sentences about classes, which may be equal, without those of the start.

        Raises:
            GoproError: For a sentence that is empty, or too long for the text encoder.
        """
        return tokenize_sentences(sentences, self.tokens, room=self._room)

    def sentence_tokens(self, sentences: Sequence[str]) -> ClassTokens:
        """Tokens of sentences about classes, without context; see ``sentence_ids``."""
        return self._embedded(self.sentence_ids(sentences))

    @property
    def _room(self) -> int:
        """Number of tokens, end-of-text included, that fit after the start."""
        ids = self.tokens
        return self.text_encoder.context_length - len(ids.start) - len(ids.last)

    def _embedded(self, rows: Sequence[Sequence[int]], longest: int | None = None) -> ClassTokens:
        longest = longest or max(len(row) for row in rows)
        embedding = torch.zeros(len(rows), longest, self.text_width, device=self.device)
        for index, row in enumerate(rows):
            embedding[index, : len(row)] = self.embed_tokens(row)
        start = self.embed_tokens(self.tokens.start)
        return ClassTokens(embedding, tuple(len(row) for row in rows), start, len(self.tokens.end))

    @torch.no_grad()
    def encode_class_names(self, names: Sequence[str], template: str | None = None) -> Tensor:
        """Text embeddings [C, e] of a template filled with each name, not normalised.

        Args:
            names: Class names.
            template: The text around the name; None for "a photo of a {}.".

        Raises:
            GoproError: For a template without ``{}``, or names that don't fit.
        """
        template = "a photo of a {}." if template is None else template
        return self._encode(self.class_tokens(names, 0, template))

    @torch.no_grad()
    def encode_sentences(self, sentences: Sequence[str]) -> Tensor:
        """Text embeddings [N, e] of sentences about classes, not normalised.

        Raises:
            GoproError: For a sentence that is empty, or too long for the text encoder.
        """
        ids = self.sentence_ids(sentences)
        longest = max(len(row) for row in ids)
        embeddings = torch.empty(len(ids), self.embed_dim, device=self.device)
        # token embeddings are a thousand times as large as ids: only those of one chunk are made
        for indices in self.text_encoder.chunks([len(row) for row in ids]):
            tokens = self._embedded([ids[index] for index in indices], longest)
            embeddings[indices] = self._encode(tokens)
        return embeddings

    def _encode(self, tokens: ClassTokens) -> Tensor:
        no_context = torch.empty(0, self.text_width, device=self.device)
        return self.encode_text(Prompts.after(no_context, tokens))[0]

    def to(self, device: torch.device | str, precision: str = "fp32") -> Backbone:
        """Move to a device and precision ("fp32", "bf16" or "fp16"), in place."""
        self.model.to(device=device, dtype=DTYPES[precision])
        return self


def describe(backbone: Backbone) -> dict[str, Any]:
    """Name and weights of a backbone, as a run folder records them."""
    pretrained = backbone.pretrained
    return {
        "name": backbone.name,
        "pretrained": Path(pretrained).name if Path(pretrained).is_file() else pretrained,
    }
