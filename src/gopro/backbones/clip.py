"""CLIP as the rest of the project sees it: ``encode_image`` and ``encode_text``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from gopro.backbones.features import ImageFeatures
from gopro.backbones.image import ImageTower
from gopro.backbones.prompts import ClassTokens, Prompts, Tokenizer, encode_class_names
from gopro.backbones.text import PromptEncoder
from gopro.common.errors import GoproError

DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}


class Backbone:
    """A frozen CLIP. Nothing of it is trained, and no method saves it.

    It is not a ``Module`` on purpose: a method that holds one doesn't list its weights.

    Args:
        model: An ``open_clip`` model.
        tokenizer: Its tokenizer.
        name: For messages and run folders.
        pretrained: Tag or file of the weights, for run folders.
        chunk_tokens: See ``PromptEncoder``.

    Raises:
        GoproError: When a tower is not one of CLIP's.
    """

    def __init__(
        self,
        model: nn.Module,
        tokenizer: Tokenizer,
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
        self.text_encoder = PromptEncoder(model, name, chunk_tokens)
        # taken before the model is rounded: in bf16 it would be off by one percent
        scale = model.get_parameter("logit_scale").detach().float()
        self._scale = scale.exp().clamp(max=100.0).reshape(())

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        return self.text_encoder.positions.device

    @property
    def dtype(self) -> torch.dtype:
        """In what precision the towers compute."""
        return self.text_encoder.positions.dtype

    @property
    def image_size(self) -> int:
        """Side of the square input, in pixels."""
        return self.image_encoder.image_size

    @property
    def normalisation(self) -> tuple[list[float], list[float]]:
        """Mean and standard deviation of each colour that ``encode_image`` normalises with."""
        return self.image_encoder.mean.flatten().tolist(), self.image_encoder.std.flatten().tolist()

    @property
    def vision_widths(self) -> tuple[int, ...]:
        """Token width after each layer of the image tower."""
        return self.image_encoder.widths

    @property
    def text_width(self) -> int:
        """Width of a context token."""
        return self.text_encoder.width

    @property
    def embed_dim(self) -> int:
        """Width of the shared image-text space."""
        projection = self.text_encoder.tower.text_projection
        if projection is None:
            return self.text_width
        return int(
            projection.out_features if isinstance(projection, nn.Linear) else projection.shape[1]
        )

    @property
    def logit_scale(self) -> Tensor:
        """CLIP's learned inverse temperature, exponentiated: a scalar, at most 100."""
        return self._scale.to(self.device)

    def encode_image(self, pixels: Tensor, prompts: Sequence[Tensor] = ()) -> ImageFeatures:
        """Encode images.

        Args:
            pixels: [B, 3, image_size, image_size] in [0, 1], not normalised.
            prompts: Learned tokens [P, d_v] for each of the first blocks of a ViT; see
                ``visual_prompts``. With them there is a gradient, and there are no statistics.

        Raises:
            GoproError: When the images have another size.
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
        """Encode prompts: [B, C, e], or [1, C, e] when nothing depends on the image."""
        return self.text_encoder(prompts)

    @torch.no_grad()
    def embed_tokens(self, ids: Sequence[int]) -> Tensor:
        """Token embeddings [len(ids), d_t], in float32."""
        index = torch.tensor(list(ids), dtype=torch.long, device=self.device)
        embedding: Tensor = self.text_encoder.tower.token_embedding(index)
        return embedding.float()

    def words(self, text: str) -> Tensor:
        """Token embeddings [M, d_t] of a few words, such as "a photo of a"."""
        return self.embed_tokens(self.tokenizer.encode(text))

    def class_tokens(
        self, names: Sequence[str], context: int, template: str = "{}."
    ) -> ClassTokens:
        """Tokens of a template filled with each name, to stand behind the context tokens.

        Args:
            names: Class names; underscores are read as spaces.
            context: How many context tokens stand before.
            template: What surrounds the name.

        Raises:
            GoproError: For names that are empty, equal, or too long for the text tower.
        """
        room = self.text_encoder.context_length - 1 - context
        rows = encode_class_names(names, self.tokenizer, room=room, template=template)
        longest = max(len(row) for row in rows)
        embedding = torch.zeros(len(rows), longest, self.text_width, device=self.device)
        for index, row in enumerate(rows):
            embedding[index, : len(row)] = self.embed_tokens(row)
        start = self.embed_tokens([self.tokenizer.sot_token_id])[0]
        return ClassTokens(embedding, tuple(len(row) for row in rows), start)

    @torch.no_grad()
    def template(self, names: Sequence[str], template: str | None = None) -> Tensor:
        """Text embeddings [C, e] of a template filled with each name, not normalised.

        Args:
            names: Class names.
            template: What surrounds a name; None for "a photo of a {}.".

        Raises:
            GoproError: For a template without ``{}``, or names that don't fit.
        """
        template = "a photo of a {}." if template is None else template
        if "{}" not in template:
            raise GoproError(
                f"got the template {template!r} without a place for the class name; write it as "
                'in "a photo of a {}."'
            )
        nothing = torch.empty(0, self.text_width, device=self.device)
        return self.encode_text(Prompts.after(nothing, self.class_tokens(names, 0, template)))[0]

    def to(self, device: torch.device | str, precision: str = "fp32") -> Backbone:
        """Move to a device and precision ("fp32", "bf16" or "fp16"), in place."""
        self.model.to(device=device, dtype=DTYPES[precision])
        return self


def describe(backbone: Backbone) -> dict[str, Any]:
    """What identifies a backbone in a run folder."""
    pretrained = backbone.pretrained
    return {
        "name": backbone.name,
        "pretrained": Path(pretrained).name if Path(pretrained).is_file() else pretrained,
    }
