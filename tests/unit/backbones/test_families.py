"""Every family of open_clip's models against open_clip's own passes."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from functools import partial
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gopro.backbones import Backbone, ClassContext, Prompts
from gopro.backbones.image import token_statistics
from gopro.backbones.plain_text import PlainEncoder
from small_clips import close
from small_towers import FAMILIES, near, pictures, shared_family, small_family

NAMES = ["tabby cat", "dog", "golden retriever, one"]
WORDS = "a photo of a"
M = 4
TIMM = [name for name, one in FAMILIES.items() if one.trunk or "timm_model_name" in one.vision]
DEEP = ["siglip", "siglip2", "mobileclip", "clipa", "coca", "worldwide", "roberta", "mt5", "nllb"]


def rand(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed)) * 0.3


def plain_text(backbone: Backbone, context: Tensor, deep: Sequence[Tensor | None] = ()) -> Tensor:
    """open_clip's pass of "a photo of a NAME." with other embeddings of the first four words.

    Args:
        backbone: Its model and tokenizer are used.
        context: [M, d_t].
        deep: What replaces those tokens before blocks 1, 2, ...: [M, d_t], [C, M, d_t] or nothing.
    """
    model, start = backbone.model, len(backbone.tokens.start)
    ids = backbone.tokenizer([f"{WORDS} {name}." for name in NAMES])

    def put(new: Tensor, tokens: Tensor) -> Tensor:
        new = new.expand(len(tokens), -1, -1)
        return torch.cat([tokens[:, :start], new, tokens[:, start + M :]], dim=1)

    def before(new: Tensor, block: nn.Module, args: Any, options: Any) -> Any:
        if args:
            return (put(new, args[0]), *args[1:]), options
        return args, {**options, "hidden_states": put(new, options["hidden_states"])}

    tower = backbone.text_encoder.tower
    embedding: Any = getattr(tower, "embedding", None) or tower.tower.token_embedding
    with ExitStack() as hooks:
        put_first = embedding.register_forward_hook(lambda *call: put(context, call[2]))
        hooks.callback(put_first.remove)
        for number, new in enumerate(deep, start=1):
            if new is not None:
                hook = tower.blocks[number].register_forward_pre_hook(
                    partial(before, new), with_kwargs=True
                )
                hooks.callback(hook.remove)
        text: Tensor = model.encode_text(ids)
    return text


@pytest.mark.parametrize("family", FAMILIES)
def test_images_and_texts_are_open_clips(family: str) -> None:
    backbone = shared_family(family)
    model, pixels = backbone.model, pictures(backbone, 2)
    mean, std = (torch.tensor(part)[:, None, None] for part in backbone.normalisation)
    sentences = [f"{WORDS} {name}." for name in NAMES]
    with torch.no_grad():
        image = model.encode_image((pixels - mean) / std)
        text = model.encode_text(backbone.tokenizer(sentences))
    features = backbone.encode_image(pixels)
    near(features.embedding, image)
    near(backbone.encode_class_names(NAMES, f"{WORDS} {{}}."), text)
    assert features.embedding.shape[1] == text.shape[1] == backbone.embed_dim
    assert features.mean.shape == features.std.shape == (2, sum(backbone.vision_widths))
    unit = F.normalize(text, dim=-1)
    assert (unit[0] - unit[1]).abs().max() > 1e-3  # the towers tell texts apart


@pytest.mark.parametrize("family", TIMM)
def test_statistics_are_those_of_timms_own_features(family: str) -> None:
    backbone = shared_family(family)
    pixels = backbone.image_encoder.normalised(pictures(backbone, 2))
    trunk: Any = backbone.image_encoder.visual.trunk
    tokens = len(set(backbone.vision_widths)) == 1
    extra = {"return_prefix_tokens": True, "output_fmt": "NLC"} if tokens else {}
    with torch.no_grad():
        layers = trunk.forward_intermediates(pixels, intermediates_only=True, **extra)
    if tokens:
        pairs = [layer if isinstance(layer, tuple) else (layer, None) for layer in layers]
        layers = [
            patches if prefix is None else torch.cat([prefix, patches], dim=1)
            for patches, prefix in pairs
        ]
    means, stds = zip(*(token_statistics(one, channels_first=True) for one in layers), strict=True)
    found = backbone.encode_image(pictures(backbone, 2))
    close(found.mean, torch.cat(means, dim=1))
    close(found.std, torch.cat(stds, dim=1))


@pytest.mark.parametrize("family", FAMILIES)
def test_prompts_are_open_clips_pass_with_other_embeddings(family: str) -> None:
    backbone = shared_family(family)
    context = rand(2, M, backbone.text_width).requires_grad_()
    found = backbone.encode_text(Prompts.after(context, backbone.class_tokens(NAMES, M)))
    wanted = torch.stack([plain_text(backbone, one) for one in context])
    near(found, wanted)
    weights = rand(*wanted.shape, seed=9)
    unit = partial(F.normalize, dim=-1)
    (mine,) = torch.autograd.grad((unit(found) * weights).sum(), context)
    (plain,) = torch.autograd.grad((unit(wanted) * weights).sum(), context)
    assert plain.any()
    close(mine, plain, 2e-4)


@pytest.mark.parametrize("family", DEEP)
def test_deep_prompts_and_tokens_of_each_class(family: str) -> None:
    backbone = shared_family(family)
    width, last = backbone.text_width, len(backbone.text_encoder.blocks) - 1
    context, deep, own = rand(M, width), rand(M, width, seed=1), rand(3, M, width, seed=2)
    classes = backbone.class_tokens(NAMES, M)
    found = backbone.encode_text(Prompts.after(context, classes, [deep[None]]))[0]
    near(found, plain_text(backbone, context, [deep]))
    prompts = Prompts.after(context, classes)
    prompts = Prompts(
        prompts.prefix,
        prompts.suffix,
        prompts.lengths,
        prompts.start,
        class_context=ClassContext(last, own[None]),
    )
    plain = plain_text(backbone, context, [*[None] * (last - 1), own])
    near(backbone.encode_text(prompts)[0], plain)


@pytest.mark.parametrize("family", ["siglip2", "coca", "mt5"])
def test_chunks_change_nothing(family: str) -> None:
    whole, small = shared_family(family), small_family(family, chunk_tokens=1)
    assert isinstance(small.text_encoder, PlainEncoder)
    context = rand(2, M, whole.text_width).requires_grad_()
    texts = [
        one.encode_text(Prompts.after(context, one.class_tokens(NAMES, M)))
        for one in (whole, small)
    ]
    close(texts[1], texts[0])
    gradients = [torch.autograd.grad(text.square().sum(), context)[0] for text in texts]
    close(gradients[1], gradients[0])


def test_siglips_scale_and_bias_are_read_as_they_are() -> None:
    backbone = small_family("siglip")
    backbone.model.logit_scale.data.fill_(4.7647)
    backbone.model.logit_bias.data.fill_(-12.9)
    again = Backbone(backbone.model, backbone.tokenizer, name="siglip")
    assert again.logit_scale.item() == pytest.approx(117.3, abs=0.1)
    assert again.logit_bias.item() == pytest.approx(-12.9)
    assert shared_family("convnext").logit_bias.item() == 0
