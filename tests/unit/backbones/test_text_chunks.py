"""The prompt encoder in chunks of classes: what they hold, and what is kept for the gradient."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor

from gopro.backbones import Backbone, Prompts
from gopro.backbones.packing import in_chunks
from small_clips import small_backbone
from small_towers import shared_family


def rand(*shape: int) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(0)) * 0.1


def saved_bytes(backbone: Backbone, classes: int) -> int:
    names = [f"thing {index}" for index in range(classes)]
    context = rand(2, 4, 64).requires_grad_()
    tokens = backbone.class_tokens(names, 4)
    own = {tensor.untyped_storage().data_ptr() for tensor in backbone.model.parameters()}
    own.add(tokens.embedding.untyped_storage().data_ptr())
    kept: dict[int, int] = {}

    def pack(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in own:
            kept[storage.data_ptr()] = storage.nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        backbone.encode_text(Prompts.after(context, tokens))
    return sum(kept.values())


def test_kept_activations_do_not_grow_with_the_classes() -> None:
    small = small_backbone(chunk_tokens=64)
    few, many = saved_bytes(small, 20), saved_bytes(small, 320)
    assert many - few < 320 * 64  # an index a class; one token of one block alone is 256 bytes
    whole = small_backbone()
    assert saved_bytes(whole, 320) > 20 * many


def test_deep_prompts_per_image_count_for_the_chunk_size(monkeypatch: pytest.MonkeyPatch) -> None:
    backbone = small_backbone(chunk_tokens=64)
    run, chunks = backbone.text_encoder._run_suffix, []

    def spy(suffix: Tensor, groups: Any, *cache: Tensor, class_context: Any) -> Tensor:
        chunks.append(8 * sum(group.length * len(group.classes) for group in groups))
        return run(suffix, groups, *cache, class_context=class_context)

    monkeypatch.setattr(backbone.text_encoder, "_run_suffix", spy)
    classes = backbone.class_tokens([f"thing {index}" for index in range(10)], 4)
    backbone.encode_text(Prompts.after(rand(4, 64), classes, [rand(8, 4, 64)]))
    assert len(chunks) > 1
    assert max(chunks) <= 64


def test_no_gradient_keeps_nothing() -> None:
    backbone = small_backbone(chunk_tokens=64)
    with torch.no_grad():
        assert saved_bytes(backbone, 20) == 0


@pytest.mark.parametrize("family", ["clip", "siglip", "roberta", "coca"])
def test_token_embeddings_of_many_sentences_are_not_made_at_once(
    family: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    backbone = small_backbone() if family == "clip" else shared_family(family)
    monkeypatch.setattr(backbone.text_encoder, "chunk_tokens", 100)
    sentences = [f"cat number{' one' * (index % 7)} {index}" for index in range(40)]
    wanted = backbone.encode_class_names(sentences, "{}")
    encode, numbers = backbone.encode_text, []

    def spy(prompts: Prompts) -> Tensor:
        numbers.append(len(prompts.lengths))
        return encode(prompts)

    monkeypatch.setattr(backbone, "encode_text", spy)
    assert torch.equal(backbone.encode_sentences(sentences), wanted)
    assert sum(numbers) == 40 and len(numbers) > 3 and max(numbers) <= 25


def test_chunks_hold_every_class_once_and_stay_within_their_size() -> None:
    lengths = (3, 9, 3, 4, 30, 4, 3)
    chunks = in_chunks(lengths, 12)
    classes = [index for chunk in chunks for group in chunk for index in group.classes]
    assert sorted(classes) == list(range(7))
    for chunk in chunks:
        used = sum(group.length * len(group.classes) for group in chunk)
        assert used <= 12 or sum(len(group.classes) for group in chunk) == 1
        assert all(lengths[i] == group.length for group in chunk for i in group.classes)
