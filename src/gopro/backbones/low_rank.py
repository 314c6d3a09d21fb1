"""Passes of the two frozen encoders with a term added to the attention's projections, for LoRA.

Where block l projects its normalised input h to query, key and value by ``W h + b``, these passes
compute ``W h + b + added(l, h)``; everything else is unchanged. There is a gradient to the added
term only. The encoders themselves are not modified, so others can use them at the same time.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from gopro.backbones.clip import Backbone
from gopro.backbones.prompts import ClassTokens
from gopro.common.errors import GoproError

Added = Callable[[int, Tensor], Tensor]
"""Number of a block, counted from 0, and its normalised input [.., n, d] -> [.., n, 3 d]."""


def image_blocks(backbone: Backbone) -> int:
    """Number of blocks of the image encoder.

    Raises:
        GoproError: If it has no transformer blocks, or is a ViT with another attention than CLIP's.
    """
    blocks = backbone.image_encoder.prompts.blocks
    attention = getattr(blocks[0], "attn", None) if blocks else None
    if not isinstance(attention, nn.MultiheadAttention):
        reason = "is a ViT of another kind" if blocks else "has no transformer blocks"
        raise GoproError(
            f"clip_lora adapts the attention of CLIP's ViT, and the image tower of {backbone.name} "
            f"{reason}; choose a backbone such as ViT-B-16, or --clip_lora.tower text"
        )
    return len(blocks)


def image_embedding(backbone: Backbone, pixels: Tensor, added: Added) -> Tensor:
    """Image embeddings [B, e], not normalised.

    Args:
        backbone: With a ViT; see ``image_blocks``.
        pixels: [B, 3, image_size, image_size] in [0, 1], not normalised.
        added: The added term of each block.
    """
    visual: Any = backbone.image_encoder.visual
    tokens: Tensor = visual._embeds(backbone.image_encoder.normalised(pixels))
    for index, block in enumerate(backbone.image_encoder.prompts.blocks):
        tokens = _run(block, tokens, partial(added, index), causal=False)
    pooled: Tensor = visual._pool(tokens)[0]
    projected: Tensor = pooled if visual.proj is None else pooled @ visual.proj
    return projected.float()


def text_embedding(backbone: Backbone, classes: ClassTokens, added: Added) -> Tensor:
    """Text embeddings [C, e] of whole sentences, not normalised.

    Tokens after the longest sentence's end-of-text token have no effect and are not computed.
    Sentences that don't fit into memory together run in chunks, which are computed again for the
    gradient.

    Args:
        backbone: Its text encoder is used.
        classes: The sentences' tokens, from ``Backbone.class_tokens`` without context.
        added: The added term of each block.
    """
    encoder = backbone.text_encoder
    start = classes.start.expand(len(classes.lengths), 1, -1)
    tokens = torch.cat([start, classes.embedding], dim=1)
    tokens = (tokens + encoder.positions[: tokens.shape[1]]).to(backbone.dtype)
    ends = torch.tensor(classes.lengths, device=tokens.device)

    def encode(tokens: Tensor, ends: Tensor) -> Tensor:
        for index, block in enumerate(encoder.blocks):
            tokens = _run(block, tokens, partial(added, index), causal=True)
        output: Tensor = encoder.tower.ln_final(tokens[torch.arange(len(ends)), ends])
        projection: Any = encoder.tower.text_projection
        if projection is None:
            return output
        linear = isinstance(projection, nn.Linear)
        projected: Tensor = projection(output) if linear else output @ projection
        return projected

    chunk = max(1, encoder.chunk_tokens // tokens.shape[1])
    chunks = list(zip(torch.split(tokens, chunk), torch.split(ends, chunk), strict=True))
    if len(chunks) > 1 and torch.is_grad_enabled():
        rows = [checkpoint(encode, *part, use_reentrant=False) for part in chunks]
    else:
        rows = [encode(*part) for part in chunks]
    return torch.cat(rows).float()


def _run(block: Any, tokens: Tensor, added: Callable[[Tensor], Tensor], *, causal: bool) -> Tensor:
    """One transformer block: from [B, n, d] to [B, n, d]."""
    attention, normal = block.attn, block.ln_1(tokens)
    projected = F.linear(normal, attention.in_proj_weight, attention.in_proj_bias) + added(normal)
    parts = torch.unflatten(projected, -1, (3, attention.num_heads, -1)).permute(2, 0, 3, 1, 4)
    query, key, value = parts.unbind(0)
    mixed = F.scaled_dot_product_attention(query, key, value, is_causal=causal)
    tokens = tokens + block.ls_1(attention.out_proj(mixed.transpose(1, 2).flatten(2)))
    result: Tensor = tokens + block.ls_2(block.mlp(block.ln_2(tokens)))
    return result
