"""Learned image prompts and low-rank additions in timm's transformers, and in other text towers."""

from __future__ import annotations

import copy
from typing import Any

import pytest
import torch
from torch import Tensor

from gopro.backbones import Backbone
from gopro.backbones.low_rank import image_blocks, image_embedding, text_blocks, text_embedding
from gopro.common.errors import GoproError
from small_clips import close
from small_towers import FAMILIES, near, pictures, shared_family, small_family

PROMPTED = [name for name, family in FAMILIES.items() if family.trunk and family.blocks]
IMAGE = ["siglip", "eva01", "eva02", "pe-core", "mobileclip-vit", "relative", "clipa", "coca"]
TEXT = ["siglip", "mobileclip", "clipa", "worldwide", "coca", "roberta", "mt5", "nllb"]
LAYERS = ("qkv", "q_proj", "k_proj", "v_proj", "query", "key", "value", "q", "k", "v")


def rand(*shape: int, seed: int = 0, scale: float = 0.5) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed)) * scale


def plain_image(backbone: Backbone, pixels: Tensor, prompts: list[Tensor]) -> Tensor:
    """timm's parts one by one, with the prompts among the tokens that have no place."""
    visual: Any = backbone.image_encoder.visual
    trunk = copy.deepcopy(visual.trunk)
    embedded = trunk._pos_embed(trunk.patch_embed(backbone.image_encoder.normalised(pixels)))
    tokens, rope = embedded if isinstance(embedded, tuple) else (embedded, None)
    count = len(prompts[0])
    # in front of the patches, where EVA rotates nothing; an average takes those at the end too
    cut = tokens.shape[1] if trunk.global_pool == "avg" else trunk.num_prefix_tokens
    for part in trunk.modules():
        if rope is not None and hasattr(part, "num_prefix_tokens") and part is not trunk:
            part.num_prefix_tokens += count
    first = prompts[0].expand(len(tokens), -1, -1)
    tokens = trunk.norm_pre(torch.cat([tokens[:, :cut], first, tokens[:, cut:]], dim=1))
    for number, block in enumerate(trunk.blocks):
        if 0 < number < len(prompts):
            new = prompts[number].expand(len(tokens), -1, -1)
            tokens = torch.cat([tokens[:, :cut], new, tokens[:, cut + count :]], dim=1)
        tokens = block(tokens) if rope is None else block(tokens, rope=rope)
    output: Tensor = visual.head(trunk.forward_head(trunk.norm(tokens)))
    return output


@pytest.mark.parametrize("family", PROMPTED)
def test_image_prompts(family: str) -> None:
    backbone = shared_family(family)
    pixels = pictures(backbone, 2)
    shape = 3, backbone.vision_widths[0]
    prompts = [rand(*shape, seed=seed).requires_grad_() for seed in (1, 2)]
    before = backbone.encode_image(pixels)
    found = backbone.encode_image(pixels, prompts).embedding
    wanted = plain_image(backbone, pixels, prompts)
    near(found, wanted, 2e-5)
    weights = rand(*wanted.shape, seed=9)
    mine = torch.autograd.grad((found * weights).sum(), prompts)
    plain = torch.autograd.grad((wanted * weights).sum(), prompts)
    for one, other in zip(mine, plain, strict=True):
        assert other.any()
        close(one, other, 5e-4)
    after = backbone.encode_image(pixels)
    assert torch.equal(before.embedding, after.embedding)
    assert torch.equal(before.mean, after.mean)


@pytest.mark.parametrize("family", [name for name, one in FAMILIES.items() if not one.blocks])
def test_towers_without_plain_blocks_say_so(family: str) -> None:
    with pytest.raises(GoproError, match=f"image tower of {family} has no transformer blocks"):
        shared_family(family).image_encoder.prompts.check("vpt", 1)


def changed(blocks: list[Any], terms: list[Tensor]) -> None:
    """Add ``terms`` [d, 3 d] to the weights that make query, key and value."""
    for block, term in zip(blocks, terms, strict=True):
        if hasattr(block, "attn") and hasattr(block.attn, "in_proj_weight"):
            block.attn.in_proj_weight.data += term.T
            continue
        layers = [part for name, part in block.named_modules() if name.split(".")[-1] in LAYERS]
        layers = [part for part in layers if isinstance(part, torch.nn.Linear)]
        by_name = {name.split(".")[-1]: part for name, part in block.named_modules()}
        if len(layers) == 3:
            order = next(
                names
                for names in (("q_proj", "k_proj", "v_proj"), ("query", "key", "value"), "qkv")
                if all(isinstance(by_name.get(name), torch.nn.Linear) for name in names)
            )
            layers = [by_name[name] for name in order]
        for layer, part in zip(layers, term.T.chunk(len(layers)), strict=True):
            layer.weight.data += part


@pytest.mark.parametrize("family", IMAGE)
def test_low_rank_in_the_image_tower(family: str) -> None:
    backbone = small_family(family)
    width, pixels = backbone.vision_widths[0], pictures(backbone, 2)
    terms = [rand(width, 3 * width, seed=n, scale=0.05) for n in range(image_blocks(backbone))]
    before = backbone.encode_image(pixels).embedding
    found = image_embedding(backbone, pixels, lambda block, tokens: tokens @ terms[block])
    assert torch.equal(backbone.encode_image(pixels).embedding, before)
    changed(backbone.image_encoder.prompts.blocks or list(backbone.image_encoder.layers), terms)
    with torch.no_grad():
        wanted = backbone.image_encoder.embedding(pixels)
    near(found, wanted, 2e-5)
    assert (found - before).abs().max() > 1e-3


@pytest.mark.parametrize("family", TEXT)
def test_low_rank_in_the_text_tower(family: str) -> None:
    backbone = small_family(family, chunk_tokens=1 if family == "siglip" else 8_192)
    names, width = ["tabby cat", "dog"], backbone.text_width
    classes = backbone.class_tokens(names, 0, "a photo of a {}.")
    terms = [rand(width, 3 * width, seed=n, scale=0.05) for n in range(text_blocks(backbone))]
    before = backbone.encode_class_names(names)
    found = text_embedding(backbone, classes, lambda block, tokens: tokens @ terms[block])
    assert torch.equal(backbone.encode_class_names(names), before)
    changed(backbone.text_encoder.blocks, terms)
    near(found, backbone.encode_class_names(names), 2e-5)
    assert (found - before).abs().max() > 1e-3


def test_towers_without_such_attention_are_refused() -> None:
    with pytest.raises(GoproError, match="image tower of mobileclip has no transformer blocks"):
        image_blocks(shared_family("mobileclip"))
