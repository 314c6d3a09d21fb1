"""Small random CLIPs with the ordinary tokenizer, and a plain, slow text encoder for them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import open_clip
import torch
from open_clip.model import CLIP, CustomTextCLIP
from safetensors.torch import save_file
from torch import Tensor, nn

from gopro.backbones import Backbone

VIT = {"image_size": 32, "layers": 3, "width": 64, "head_width": 32, "patch_size": 8}
RESNET = {"image_size": 64, "layers": (1, 2, 1, 1), "width": 8, "head_width": 32}
TEXT = {"context_length": 77, "vocab_size": 49408, "width": 64, "heads": 4, "layers": 3}

# open_clip reads the vocabulary for every model, which takes longer than a tiny model's weights
open_clip.factory.SimpleTokenizer = cache(open_clip.SimpleTokenizer)


@cache
def tokenizer() -> Any:
    """CLIP's tokenizer."""
    return open_clip.get_tokenizer("ViT-B-32")


def small_clip(
    *,
    vision: dict[str, Any] | None = None,
    text: dict[str, Any] | None = None,
    kind: type[nn.Module] = CLIP,
    embed: int = 32,
    quick_gelu: bool = False,
    seed: int = 0,
) -> nn.Module:
    """A CLIP of a few layers. Every weight and bias is random, so that each one matters."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = kind(
            embed_dim=embed,
            vision_cfg=VIT | (vision or {}) if vision is not RESNET else RESNET,
            text_cfg=TEXT | (text or {}),
            quick_gelu=quick_gelu,
        )
        for name, tensor in model.named_parameters():
            if "token_embedding" not in name:  # large, and already random
                tensor.data += 0.03 * torch.randn_like(tensor)
        for name, tensor in model.named_buffers():
            if "running" in name:
                tensor += 0.1 * torch.rand_like(tensor)
        tower = model.text if kind is CustomTextCLIP else model
        tower.token_embedding.weight.data *= 5
        tower.positional_embedding.data *= 5
    return model


def clip_folder(folder: Path, **text: Any) -> Path:
    """A model as open_clip saves it."""
    folder.mkdir(parents=True)
    config = {
        "model_cfg": {"embed_dim": 32, "vision_cfg": VIT, "text_cfg": {**TEXT, **text}},
        "preprocess_cfg": {
            "mean": [0.5, 0.4, 0.3],
            "std": [0.5, 0.5, 0.5],
            "interpolation": "bilinear",
            "resize_mode": "squash",
        },
    }
    (folder / "open_clip_config.json").write_text(json.dumps(config), encoding="utf-8")
    state = small_clip(text=text, seed=3).state_dict()
    save_file(state, folder / "open_clip_model.safetensors")
    return folder


def small_backbone(*, chunk_tokens: int = 8_192, **options: Any) -> Backbone:
    """``small_clip`` as a backbone."""
    return Backbone(small_clip(**options), tokenizer(), name="small", chunk_tokens=chunk_tokens)


def plain_prompts(
    backbone: Backbone,
    names: Sequence[str],
    context: Tensor,
    deep: Sequence[Tensor | None] = (),
    suffix: str = "{}.",
) -> Tensor:
    """Text embeddings [C, e] of the prompts of one image, class by class, at full context length.

    Args:
        backbone: Its weights and tokenizer are used.
        names: Class names as in the sentence.
        context: [M, d_t], or [C, M, d_t] with one context per class.
        deep: For each of the blocks 1, 2, ...: what replaces tokens 1..M before it, [M, d_t] or
            [C, M, d_t], or nothing.
        suffix: What follows the context, with {} for the class name.
    """
    tower: Any = getattr(backbone.model, "text", backbone.model)
    embed = tower.token_embedding.weight
    words = backbone.tokenizer
    length = tower.positional_embedding.shape[0]
    mask = torch.full((length, length), -torch.inf).triu(1).to(embed)
    rows = []
    for index, name in enumerate(names):
        own = (context if context.dim() == 2 else context[index]).to(embed.dtype)
        ids = [*words.encode(suffix.replace("{}", name)), words.eot_token_id]
        tokens = torch.cat([embed[[words.sot_token_id]], own, embed[ids]])
        end = len(tokens) - 1
        tokens = torch.cat([tokens, embed[[0] * (length - len(tokens))]])
        tokens = (tokens + tower.positional_embedding)[None]
        for number, block in enumerate(tower.transformer.resblocks):
            put = deep[number - 1] if 0 < number <= len(deep) else None
            if put is not None:
                shift = (put if put.dim() == 2 else put[index]).to(embed.dtype)[None]
                tokens = torch.cat([tokens[:, :1], shift, tokens[:, 1 + shift.shape[1] :]], dim=1)
            tokens = block(tokens, attn_mask=mask)
        output = tower.ln_final(tokens)[0, end]
        if tower.text_projection is None:
            rows.append(output)
        elif isinstance(tower.text_projection, nn.Linear):
            rows.append(tower.text_projection(output))
        else:
            rows.append(output @ tower.text_projection)
    return torch.stack(rows).float()


def close(found: Tensor, wanted: Tensor, tolerance: float = 2e-5) -> None:
    """Assert that two tensors agree within a fraction of the largest expected entry."""
    assert found.shape == wanted.shape
    difference = (found - wanted).abs().max().item()
    assert difference <= tolerance * max(wanted.abs().max().item(), 1e-6), difference
