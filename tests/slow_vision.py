"""A plain, slow ViT image encoder with prompt tokens, image by image."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from gopro.backbones import Backbone

MEAN = torch.tensor([0.48145466, 0.4578275, 0.40821073])[:, None, None]
STD = torch.tensor([0.26862954, 0.26130258, 0.27577711])[:, None, None]


def plain_image(
    backbone: Backbone, pixels: Tensor, prompts: Sequence[Tensor], behind_class: bool = False
) -> Tensor:
    """Image embeddings [B, e].

    Args:
        backbone: Its weights are used.
        pixels: [B, 3, S, S] in [0, 1].
        prompts: One [P, d_v] for each of the first blocks.
        behind_class: Whether prompts are between class token and patches, as in VPT; otherwise they
            are at the end, as in MaPLe.
    """
    tower: Any = backbone.model.visual
    rows = []
    for image in pixels:
        patches = tower.conv1(((image - MEAN) / STD)[None])[0].flatten(1).T
        own = torch.cat([tower.class_embedding[None], patches]) + tower.positional_embedding
        cut = 1 if behind_class else len(own)
        tokens = tower.ln_pre(torch.cat([own[:cut], prompts[0], own[cut:]]))
        for number, block in enumerate(tower.transformer.resblocks):
            if 0 < number < len(prompts):
                rest = tokens[cut + len(prompts[number - 1]) :]
                tokens = torch.cat([tokens[:cut], prompts[number], rest])
            tokens = block(tokens[None])[0]
        rows.append(_pooled(tower, tokens) @ tower.proj)
    return torch.stack(rows)


def _pooled(tower: Any, tokens: Tensor) -> Tensor:
    if tower.attn_pool is not None:
        output: Tensor = tower.ln_post(tower.attn_pool(tokens[None])[0])[0]
        return output
    if tower.final_ln_after_pool:
        average = tokens[1:].mean(dim=0) if tower.pool_type == "avg" else tokens[0]
        output = tower.ln_post(average)
        return output
    normal = tower.ln_post(tokens)
    output = normal[1:].mean(dim=0) if tower.pool_type == "avg" else normal[0]
    return output
