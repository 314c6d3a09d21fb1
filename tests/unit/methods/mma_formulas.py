"""MMA's formulas, one picture, sentence and token at a time."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from gopro.methods.mma import MMA
from slow_vision import MEAN, STD


def relu(rows: Tensor) -> Tensor:
    return torch.where(rows > 0, rows, torch.zeros_like(rows))


def adapter(method: MMA, encoder: str, number: int, row: Tensor) -> Tensor:
    """U(ReLU(S ReLU(D x))) of one token."""
    learned = dict(method.named_parameters())

    def layer(name: str, row: Tensor) -> Tensor:
        return learned[f"{name}.{number}.weight"] @ row + learned[f"{name}.{number}.bias"]

    hidden = relu(layer(f"{encoder}_down", row))
    return layer(f"{encoder}_up", relu(layer("shared", hidden)))


def blocks(
    method: MMA, encoder: str, tokens: Tensor, tower: Any, scale: float, mask: bool
) -> Tensor:
    """All blocks on [n, d], with the adapters beside the last ones."""
    count = len(method.shared)
    first = len(tower) - count
    future = torch.full((len(tokens), len(tokens)), -torch.inf).triu(1) if mask else None
    for number, block in enumerate(tower):
        given = tokens
        tokens = block(tokens[None], attn_mask=future)[0]
        if number >= first:
            rows = [adapter(method, encoder, number - first, row) for row in block.ln_1(given)]
            tokens = tokens + scale * torch.stack(rows)
    return tokens


def literal_images(method: MMA, images: Tensor, scale: float) -> Tensor:
    tower: Any = method.backbone.model.visual
    rows = []
    for image in images:
        patches = tower.conv1(((image - MEAN) / STD)[None])[0].flatten(1).T
        tokens = torch.cat([tower.class_embedding[None], patches]) + tower.positional_embedding
        tokens = tower.ln_pre(tokens)
        tokens = blocks(method, "image", tokens, tower.transformer.resblocks, scale, False)
        rows.append(tower.ln_post(tokens[0]) @ tower.proj)
    return torch.stack(rows)


def literal_text(method: MMA, sentences: list[str], scale: float) -> Tensor:
    tower: Any = method.backbone.model
    known, rows = method.backbone.tokenizer, []
    length = tower.positional_embedding.shape[0]
    for sentence in sentences:
        ids = [known.sot_token_id, *known.encode(sentence), known.eot_token_id]
        end = len(ids) - 1
        tokens = tower.token_embedding.weight[ids + [0] * (length - len(ids))]
        tokens = tokens + tower.positional_embedding
        tokens = blocks(method, "text", tokens, tower.transformer.resblocks, scale, True)
        rows.append(tower.ln_final(tokens[end]) @ tower.text_projection)
    return torch.stack(rows)
