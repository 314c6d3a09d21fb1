"""Passes of the two frozen encoders with a term added to the attention's projections, for LoRA.

Where block l projects its normalised input h to query, key and value by ``W h + b``, these passes
compute ``W h + b + added(l, h)``; everything else is unchanged. There is a gradient to the added
term only. The encoders themselves are not modified, so others can use them at the same time.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from gopro.backbones.attention_terms import Added
from gopro.backbones.clip import Backbone
from gopro.backbones.plain_text import PlainEncoder
from gopro.backbones.prompts import ClassTokens
from gopro.backbones.text_towers import attend_with
from gopro.common.errors import GoproError


def image_blocks(backbone: Backbone) -> int:
    """Number of blocks of the image encoder.

    Raises:
        GoproError: If it has no transformer blocks, or their attention takes no added term.
    """
    encoder = backbone.image_encoder
    blocks: list[Any] = encoder.prompts.blocks
    if encoder.terms is not None and encoder.terms.possible:
        return len(encoder.layers)
    if not (blocks and isinstance(getattr(blocks[0], "attn", None), nn.MultiheadAttention)):
        reason = "is a ViT with another attention" if blocks else "has no transformer blocks"
        raise GoproError(
            f"clip_lora adapts query, key and value of each block, and the image tower of "
            f"{backbone.name} {reason}; choose a backbone such as ViT-B-16, or "
            "--clip_lora.tower text"
        )
    return len(blocks)


def image_embedding(backbone: Backbone, pixels: Tensor, added: Added) -> Tensor:
    """Image embeddings [B, e], not normalised.

    Args:
        backbone: With a ViT; see ``image_blocks``.
        pixels: [B, 3, image_size, image_size] in [0, 1], not normalised.
        added: The added term of each block.
    """
    encoder = backbone.image_encoder
    if encoder.terms is not None:
        with encoder.terms.adding(added):
            return encoder.embedding(pixels).float()
    visual: Any = encoder.visual
    tokens: Tensor = visual._embeds(encoder.normalised(pixels))
    for index, block in enumerate(encoder.prompts.blocks):
        tokens = attend_with(block, tokens, partial(added, index))
    pooled: Tensor = visual._pool(tokens)[0]
    projected: Tensor = pooled if visual.proj is None else pooled @ visual.proj
    return projected.float()


def text_blocks(backbone: Backbone) -> int:
    """Number of blocks of the text encoder.

    Raises:
        GoproError: If its attention takes no added term.
    """
    tower = backbone.text_encoder.tower
    if not tower.adaptable:
        raise GoproError(
            f"clip_lora adapts query, key and value of each block, and the text tower of "
            f"{backbone.name} has another attention; choose --clip_lora.tower image, or another "
            "--backbone"
        )
    return len(tower.blocks)


def text_embedding(backbone: Backbone, classes: ClassTokens, added: Added) -> Tensor:
    """Text embeddings [C, e] of whole sentences, not normalised.

    In a causal tower, tokens after the longest sentence's end-of-text token have no effect and are
    not computed. Sentences that don't fit into memory together run in chunks, which are computed
    again for the gradient.

    Args:
        backbone: Its text encoder is used.
        classes: The sentences' tokens, from ``Backbone.class_tokens`` without context.
        added: The added term of each block.
    """
    encoder = backbone.text_encoder
    if isinstance(encoder, PlainEncoder):
        return encoder.adapted(classes, added)
    tower = encoder.tower
    start = classes.start.expand(len(classes.lengths), -1, -1)
    tokens = torch.cat([start, classes.embedding], dim=1)
    tokens = (tokens + tower.positions[: tokens.shape[1]]).to(backbone.dtype)
    ends = torch.tensor(classes.lengths, device=tokens.device) + len(classes.start) - 1

    def encode(tokens: Tensor, ends: Tensor) -> Tensor:
        for index, block in enumerate(tower.blocks):
            tokens = attend_with(block, tokens, partial(added, index), causal=True)
        return tower.finish(tokens[torch.arange(len(ends)), ends])

    chunk = max(1, encoder.chunk_tokens // tokens.shape[1])
    chunks = list(zip(torch.split(tokens, chunk), torch.split(ends, chunk), strict=True))
    if len(chunks) > 1 and torch.is_grad_enabled():
        rows = [checkpoint(encode, *part, use_reentrant=False) for part in chunks]
    else:
        rows = [encode(*part) for part in chunks]
    return torch.cat(rows).float()
