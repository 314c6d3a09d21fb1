"""The two encoders with other layer norms: copies that share all other weights.

A copy is made for each pass, which takes milliseconds, so that the frozen encoders stay as they are
and others can use them at the same time.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any, TypeVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gopro.backbones.clip import Backbone
from gopro.backbones.plain_text import text_encoder
from gopro.backbones.prompts import ClassTokens, Prompts
from gopro.backbones.text_towers import OpenClipText

M = TypeVar("M", bound=nn.Module)


class LearnedNorm(nn.LayerNorm):
    """A layer norm in float32, for tokens of any precision, that starts at a frozen one."""

    def __init__(self, frozen: nn.LayerNorm) -> None:
        shape, device = frozen.normalized_shape, frozen.weight.device
        super().__init__(shape, frozen.eps, bias=frozen.bias is not None, device=device)
        self.load_state_dict(frozen.state_dict())

    def forward(self, tokens: Tensor) -> Tensor:
        """Normalised tokens, of the same shape and type."""
        shape, bias = list(self.normalized_shape), self.bias
        return F.layer_norm(tokens.float(), shape, self.weight, bias, self.eps).to(tokens.dtype)


def image_norms(backbone: Backbone) -> dict[str, nn.LayerNorm]:
    """The layer norms in the blocks of the image encoder, by their names in it."""
    return _norms(backbone.image_encoder.visual, backbone.image_encoder.prompts.blocks)


def text_norms(backbone: Backbone) -> dict[str, nn.LayerNorm]:
    """The layer norms in the blocks of open_clip's text encoder, by their names in the model.

    There are none for text models of transformers.
    """
    tower = backbone.text_encoder.tower
    return _norms(backbone.model, tower.blocks if isinstance(tower, OpenClipText) else [])


def _norms(module: nn.Module, blocks: list[Any]) -> dict[str, nn.LayerNorm]:
    inside = {id(part) for block in blocks for part in block.modules()}
    return {
        name: part
        for name, part in module.named_modules()
        if isinstance(part, nn.LayerNorm) and part.elementwise_affine and id(part) in inside
    }


def with_parts(module: M, parts: Mapping[str, nn.Module]) -> M:
    """A copy of a module with other parts at some names; it shares everything else.

    Args:
        module: Stays as it is.
        parts: Name within the module -> what stands there in the copy.
    """
    twin = copy.copy(module)
    twin._modules = dict(module._modules)
    for child in dict.fromkeys(name.partition(".")[0] for name in parts):
        below = {
            name.partition(".")[2]: part
            for name, part in parts.items()
            if name.partition(".")[0] == child
        }
        twin._modules[child] = (
            below[""] if "" in below else with_parts(module.get_submodule(child), below)
        )
    return twin


def image_embedding(backbone: Backbone, pixels: Tensor, norms: Mapping[str, nn.Module]) -> Tensor:
    """Image embeddings [B, e], not normalised, with gradient to the norms.

    Args:
        backbone: Its image encoder is used.
        pixels: [B, 3, image_size, image_size] in [0, 1], not normalised.
        norms: Name within the image encoder -> layer norm.
    """
    tower = backbone.image_encoder
    return tower.embedding(pixels, with_parts(tower.visual, norms)).float()


def text_embedding(
    backbone: Backbone, classes: ClassTokens, norms: Mapping[str, nn.Module]
) -> Tensor:
    """Text embeddings [C, e] of whole sentences, not normalised, with gradient to the norms.

    Args:
        backbone: Its text encoder is used.
        classes: The sentences' tokens, from ``Backbone.class_tokens`` without context.
        norms: Name within the model -> layer norm.
    """
    encoder = backbone.text_encoder
    if norms:  # without any, a new encoder would add its hooks to the shared model in each pass
        model = with_parts(backbone.model, norms)
        encoder = text_encoder(model, backbone.tokens, backbone.name, encoder.chunk_tokens)
    no_context = torch.empty(0, backbone.text_width, device=backbone.device)
    return encoder(Prompts.after(no_context, classes))[0]
