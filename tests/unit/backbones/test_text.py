"""The prompt encoder against the plain loop: one image, one class, 77 tokens at a time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
import torch
from open_clip.model import CustomTextCLIP
from torch import Tensor

from gopro.backbones import Backbone, ClassContext, Prompts
from gopro.backbones.plain_text import PlainEncoder
from gopro.common.errors import GoproError
from small_clips import VIT, close, plain_prompts, small_backbone, small_clip, tokenizer

NAMES = [
    "cat",
    "Egyptian Mau with an uncommonly long and winding name",
    "golden retriever",
    "dog",
    "aeroplane, seen from the ground",
    "C-130 Hercules",
]


@pytest.fixture(scope="module")
def backbone() -> Backbone:
    return small_backbone()


def rand(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed)) * 0.1


def compare(
    backbone: Backbone,
    prompts: Prompts,
    plain: Tensor,
    inputs: Sequence[Tensor],
    tolerance: float = 2e-5,
) -> None:
    """Values and the gradients of all inputs, under a weighing that tells every entry apart."""
    found = backbone.encode_text(prompts)
    close(found, plain, tolerance)
    weights = rand(*plain.shape, seed=9)
    for mine, wanted in zip(
        torch.autograd.grad((found * weights).sum(), list(inputs)),
        torch.autograd.grad((plain * weights).sum(), list(inputs)),
        strict=True,
    ):
        assert wanted.abs().max() > 0
        close(mine, wanted, tolerance)


def compare_per_image(backbone: Backbone, names: Sequence[str], images: int) -> None:
    context = rand(images, 4, backbone.text_width).requires_grad_()
    plain = torch.stack([plain_prompts(backbone, names, one) for one in context])
    prompts = Prompts.after(context, backbone.class_tokens(names, 4))
    compare(backbone, prompts, plain, [context])


def test_shared_context(backbone: Backbone) -> None:
    context = rand(4, 64).requires_grad_()
    plain = plain_prompts(backbone, NAMES, context)[None]
    compare(backbone, Prompts.after(context, backbone.class_tokens(NAMES, 4)), plain, [context])


@pytest.mark.parametrize("images", [1, 3])
@pytest.mark.parametrize("classes", [1, 6])
def test_context_per_image(backbone: Backbone, images: int, classes: int) -> None:
    compare_per_image(backbone, NAMES[:classes], images)


def test_one_long_name_alone(backbone: Backbone) -> None:
    compare_per_image(backbone, NAMES[1:2], 2)


@pytest.mark.parametrize("tokens", [1, 16])
def test_other_numbers_of_context_tokens(backbone: Backbone, tokens: int) -> None:
    context = rand(2, tokens, 64).requires_grad_()
    plain = torch.stack([plain_prompts(backbone, NAMES, one) for one in context])
    prompts = Prompts.after(context, backbone.class_tokens(NAMES, tokens))
    compare(backbone, prompts, plain, [context])


def test_context_per_class(backbone: Backbone) -> None:
    context = rand(len(NAMES), 3, 64).requires_grad_()
    plain = plain_prompts(backbone, NAMES, context)[None]
    prompts = Prompts.per_class(context, backbone.class_tokens(NAMES, 3))
    compare(backbone, prompts, plain, [context])


def test_context_per_image_and_class(backbone: Backbone) -> None:
    context = rand(2, len(NAMES), 3, 64).requires_grad_()
    plain = torch.stack([plain_prompts(backbone, NAMES, one) for one in context])
    prompts = Prompts.per_class(context, backbone.class_tokens(NAMES, 3))
    compare(backbone, prompts, plain, [context])


@pytest.mark.parametrize("blocks", [1, 2])
def test_deep_prompts_for_all_images(backbone: Backbone, blocks: int) -> None:
    context = rand(4, 64).requires_grad_()
    deep = [rand(4, 64, seed=5 + block).requires_grad_() for block in range(blocks)]
    plain = plain_prompts(backbone, NAMES, context, deep)[None]
    classes = backbone.class_tokens(NAMES, 4)
    prompts = Prompts.after(context, classes, [part[None] for part in deep])
    compare(backbone, prompts, plain, [context, *deep])


@pytest.mark.parametrize("shared", [True, False])
def test_deep_prompts_per_image(backbone: Backbone, shared: bool) -> None:
    context = rand(1 if shared else 2, 4, 64).requires_grad_()
    deep = [rand(2, 4, 64, seed=5 + block).requires_grad_() for block in range(2)]
    plain = torch.stack(
        [
            plain_prompts(backbone, NAMES, context[0 if shared else i], [part[i] for part in deep])
            for i in range(2)
        ]
    )
    prompts = Prompts.after(context, backbone.class_tokens(NAMES, 4), deep)
    compare(backbone, prompts, plain, [context, *deep])


@pytest.mark.parametrize("chunk_tokens", [1, 20, 60])
def test_chunks_change_nothing(chunk_tokens: int) -> None:
    backbone = small_backbone(chunk_tokens=chunk_tokens)
    compare_per_image(backbone, NAMES, 2)
    context = rand(2, 4, 64)
    whole = small_backbone()
    with torch.no_grad():
        found = backbone.encode_text(Prompts.after(context, backbone.class_tokens(NAMES, 4)))
        wanted = whole.encode_text(Prompts.after(context, whole.class_tokens(NAMES, 4)))
    close(found, wanted)


def test_chunks_with_deep_and_per_class_context() -> None:
    backbone = small_backbone(chunk_tokens=20)
    classes = backbone.class_tokens(NAMES, 4)
    context, deep = rand(4, 64).requires_grad_(), rand(4, 64, seed=3).requires_grad_()
    plain = plain_prompts(backbone, NAMES, context, [deep])[None]
    compare(backbone, Prompts.after(context, classes, [deep[None]]), plain, [context, deep])
    own = rand(len(NAMES), 4, 64).requires_grad_()
    plain = plain_prompts(backbone, NAMES, own)[None]
    compare(backbone, Prompts.per_class(own, classes), plain, [own])


@pytest.mark.parametrize("block", [1, 2])
@pytest.mark.parametrize("chunk_tokens", [16_384, 30, 1])
def test_tokens_of_each_class_from_a_block_on(block: int, chunk_tokens: int) -> None:
    backbone = small_backbone(chunk_tokens=chunk_tokens)
    context, own = rand(4, 64).requires_grad_(), rand(6, 4, 64, seed=3).requires_grad_()
    plain = plain_prompts(backbone, NAMES, context, [*[None] * (block - 1), own])[None]
    prompts = Prompts.after(context, backbone.class_tokens(NAMES, 4))
    prompts = replace(prompts, class_context=ClassContext(block, own[None]))
    inputs = [own] if block == 1 else [context, own]
    compare(backbone, prompts, plain, inputs)


@pytest.mark.parametrize("shared", [True, False])
def test_tokens_of_each_class_and_image(backbone: Backbone, shared: bool) -> None:
    context = rand(1 if shared else 2, 4, 64).requires_grad_()
    own = rand(2, 6, 4, 64, seed=3).requires_grad_()
    plain = torch.stack(
        [
            plain_prompts(backbone, NAMES, context[0 if shared else i], [None, own[i]])
            for i in range(2)
        ]
    )
    prompts = Prompts.after(context, backbone.class_tokens(NAMES, 4))
    compare(backbone, replace(prompts, class_context=ClassContext(2, own)), plain, [context, own])


@pytest.mark.parametrize("block", [0, 3])
def test_blocks_that_no_class_tokens_can_stand_before(backbone: Backbone, block: int) -> None:
    prompts = Prompts.after(rand(4, 64), backbone.class_tokens(NAMES, 4))
    prompts = replace(prompts, class_context=ClassContext(block, rand(1, 6, 4, 64)))
    with pytest.raises(GoproError, match=f"got block {block} .* blocks 1 to 2"):
        backbone.encode_text(prompts)


def test_class_order_does_not_matter(backbone: Backbone) -> None:
    context = rand(2, 4, 64)
    order = [3, 0, 5, 1, 4, 2]
    plain = backbone.encode_text(Prompts.after(context, backbone.class_tokens(NAMES, 4)))
    names = [NAMES[index] for index in order]
    found = backbone.encode_text(Prompts.after(context, backbone.class_tokens(names, 4)))
    close(found, plain[:, order])


@pytest.mark.parametrize(
    "options",
    [
        {"quick_gelu": True},
        {"kind": CustomTextCLIP},
        {"text": {"ls_init_value": 0.5}},
        {"text": {"layers": 1}},
        {"text": {"context_length": 32, "heads": 1}},
        {"text": {"proj_bias": True}},
        {"text": {"proj_type": "none"}},
        {"text": {"pool_type": "eos", "eos_id": 49407}},
        {"text": {"mlp_ratio": 2.0, "norm_kwargs": {"eps": 1e-3}}},
    ],
    ids=lambda options: "-".join(str(value) for value in options.values()),
)
def test_other_towers(options: dict[str, Any]) -> None:
    compare_per_image(small_backbone(**options), NAMES, 2)


@pytest.mark.parametrize(("precision", "tolerance"), [("bf16", 0.06), ("fp16", 0.01)])
def test_half_precision_stays_close(precision: str, tolerance: float) -> None:
    backbone = small_backbone(text={"width": 128})
    context = rand(2, 4, 128).requires_grad_()
    names = NAMES[:4]
    plain = backbone.encode_text(Prompts.after(context, backbone.class_tokens(names, 4)))
    (wanted,) = torch.autograd.grad(plain.square().sum(), context)
    backbone.to("cpu", precision)
    found = backbone.encode_text(Prompts.after(context, backbone.class_tokens(names, 4)))
    (gradient,) = torch.autograd.grad(found.square().sum(), context)
    assert found.dtype == torch.float32
    close(found, plain, tolerance)
    close(gradient, wanted, 2 * tolerance)


@pytest.mark.parametrize(
    "text",
    [
        {"no_causal_mask": True},
        {"embed_cls": True},
        {"pool_type": "last"},
        {"pool_type": "first", "no_causal_mask": True},
        {"qk_norm": True, "block_type": "custom"},
    ],
    ids=lambda text: next(iter(text)),
)
def test_other_kinds_of_towers_take_the_plain_way(text: dict[str, Any]) -> None:
    model: Any = small_clip(kind=CustomTextCLIP, text=text).eval()
    backbone = Backbone(model, tokenizer(), name="odd")
    assert isinstance(backbone.text_encoder, PlainEncoder)
    words = tokenizer()([f"a photo of a {name}." for name in NAMES])
    with torch.no_grad():
        wanted = model.encode_text(words)
    close(backbone.encode_class_names(NAMES), wanted, 1e-5)


def test_a_tower_that_reads_no_single_token_is_refused() -> None:
    model = small_clip(kind=CustomTextCLIP, text={"pool_type": "none"})
    with pytest.raises(GoproError, match="text tower of odd has the pooling 'none'"):
        Backbone(model, tokenizer(), name="odd")


def test_vit_b_16_to_rounding() -> None:
    """The published size: 12 blocks of width 512; the image tower doesn't matter here."""
    text = {"width": 512, "heads": 8, "layers": 12}
    backbone = small_backbone(vision=VIT | {"layers": 1}, text=text, embed=512)
    compare_per_image(backbone, NAMES[:3], 2)
