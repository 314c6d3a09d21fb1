"""What the prompt encoder keeps for the gradient: a known number of bytes a token, in chunks."""

from __future__ import annotations

import torch
from torch import Tensor

from gopro.backbones import Backbone, Prompts
from small_clips import small_backbone

NAMES = [
    f"{colour} {thing}" for colour in ("red", "blue", "old") for thing in ("cat", "dog", "bee")
]
WIDTHS_A_BLOCK = 10
"""Activations of a token and block in widths: 2 norms, query, key, value, 4 of GELU's, the rest."""


def kept(backbone: Backbone, images: int) -> int:
    """Bytes that a text pass of so many images keeps, each storage counted once."""
    storages: dict[int, int] = {}
    weights = {p.untyped_storage().data_ptr() for p in backbone.model.parameters()}
    alive: list[Tensor] = []  # else a place in memory would be used twice

    def keep(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in weights:
            storages[storage.data_ptr()] = storage.nbytes()
            alive.append(tensor)
        return tensor

    context = torch.randn(images, 4, backbone.text_width, requires_grad=True)
    prompts = Prompts.after(context, backbone.class_tokens(NAMES, 4))
    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        backbone.encode_text(prompts)
    return sum(storages.values())


def test_a_token_keeps_ten_widths_a_block() -> None:
    # 247 kB on ViT-B/16's text tower in float32, so that 8,192 tokens take 2 GB
    backbone = small_backbone(text={"width": 128, "layers": 6})
    tokens = sum(backbone.class_tokens(NAMES, 4).lengths)
    added = (kept(backbone, 12) - kept(backbone, 4)) / (8 * (tokens + 5))
    assert 0.7 < added / (WIDTHS_A_BLOCK * 6 * 128 * 4) < 1.3


def test_in_chunks_almost_nothing_is_kept() -> None:
    whole, cut = small_backbone(), small_backbone(chunk_tokens=40)
    assert kept(cut, 8) < 0.35 * kept(whole, 8)
