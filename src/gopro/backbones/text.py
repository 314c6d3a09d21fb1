"""The frozen text encoder for prompts: exact results, without unnecessary computation.

CLIP's text encoder is causal. Therefore three savings change results by rounding only:

1. tokens after end-of-text are not computed, and classes are packed without padding;
2. the prefix that all classes of an image share (start and context) is computed once, and its
   keys and values are used for every class;
3. the last block is computed at the end-of-text token only.

Classes that don't fit into memory together run in chunks, whose activations are computed again in
the backward pass. Tests compare the results with the plain loop over 77 tokens.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.utils.checkpoint import checkpoint

from gopro.backbones.packing import Group, in_chunks, last_tokens, put_before, token_counts
from gopro.backbones.prompts import ClassContext, Pairs, Prompts, UpperTokens
from gopro.backbones.text_towers import OpenClipText
from gopro.common.errors import GoproError

# Keys and values of the prefix in one block, each [B, heads, P, d_t / heads]
KeysValues = tuple[Tensor, Tensor]


class PromptEncoder:
    """Runs a causal ``open_clip`` text tower on ``Prompts``.

    Args:
        tower: One that ``shares_prefixes``.
        chunk_tokens: Number of suffix tokens (images times tokens of all classes) whose
            activations are kept at once. With more, they are recomputed for the gradient, in
            chunks of half this size, because a chunk is in memory with its input and gradient.
    """

    def __init__(self, tower: OpenClipText, chunk_tokens: int = 8_192) -> None:
        self.tower = tower
        self.blocks = tower.blocks
        self.width = tower.width
        self.context_length = tower.context_length
        self.heads = int(self.blocks[0].attn.num_heads)
        self.chunk_tokens = chunk_tokens

    @property
    def positions(self) -> Tensor:
        """Positional embeddings [context_length, d_t]."""
        return self.tower.positions

    def __call__(self, prompts: Prompts) -> Tensor:
        """Encode prompts.

        Returns:
            [B, C, e] in float32, not normalised; B is 1 if nothing depends on the image. [n, 1, e]
            for ``Prompts.pairs``.
        """
        dtype = self.positions.dtype
        prefix = prompts.prefix.to(dtype)
        suffix = prompts.suffix.to(dtype)
        deep = tuple(part.to(dtype) for part in prompts.deep)
        class_context, extra = prompts.class_context, 0
        if prompts.upper is not None:
            check_block(prompts.upper.block, self.blocks)
        cache = self._run_prefix(prefix, deep, prompts.start, prompts.upper)
        if prompts.pairs is not None:
            room = max(1, self.chunk_tokens // suffix.shape[2])
            rows = torch.split(torch.arange(len(suffix), device=suffix.device), room)
            parts = [self._run_pairs(suffix[part, 0], prompts.pairs[part], cache) for part in rows]
            return torch.cat(parts).float()[:, None]
        batch = max(part.shape[0] for part in (prefix, suffix, *deep))
        if class_context is not None:
            check_block(class_context.block, self.blocks)
            class_context = ClassContext(class_context.block, class_context.tokens.to(dtype))
            batch, extra = max(batch, class_context.tokens.shape[0]), class_context.tokens.shape[2]
            left = prefix.shape[1] - extra  # tokens that are still shared from that block on
            later = cache[class_context.block :]
            cache[class_context.block :] = [(k[:, :, :left], v[:, :, :left]) for k, v in later]
        room = self.chunk_tokens // batch
        chunks = in_chunks(prompts.lengths, max(1, room), extra)
        recompute = len(chunks) > 1 and torch.is_grad_enabled()
        if recompute:
            chunks = in_chunks(prompts.lengths, max(1, room // 2), extra)
        run = partial(self._run_suffix, class_context=class_context)
        parts = []
        for groups in chunks:
            flat = [tensor for pair in cache for tensor in pair]
            if recompute:
                part = checkpoint(run, suffix, groups, *flat, use_reentrant=False)
            else:
                part = run(suffix, groups, *flat)
            parts.append(part)
        order = [index for groups in chunks for group in groups for index in group.classes]
        indices = torch.tensor(order).argsort()
        return torch.cat(parts, dim=1)[:, indices.to(suffix.device)].float()

    def chunks(self, lengths: Sequence[int]) -> list[list[int]]:
        """Indices of the classes that run at once, without context and without a gradient."""
        chunks = in_chunks(tuple(lengths), self.chunk_tokens)
        return [[index for group in groups for index in group.classes] for groups in chunks]

    def _run_prefix(
        self, prefix: Tensor, deep: tuple[Tensor, ...], start: int, upper: UpperTokens | None
    ) -> list[KeysValues]:
        tokens = prefix + self.positions[: prefix.shape[1]]
        cache: list[KeysValues] = []
        for index, block in enumerate(self.blocks):
            if 0 < index <= len(deep):
                tokens = _replace_context(tokens, deep[index - 1], start)
            if upper is not None:
                tokens = upper.put(index, tokens, start)
            query, key, value = self._heads_first(_project(block, block.ln_1(tokens), 3), 3)
            cache.append((key, value))
            if index + 1 < len(self.blocks):  # nothing uses the last block's output here
                mixed = F.scaled_dot_product_attention(query, key, value, is_causal=True)
                tokens = _finish(block, tokens, mixed.transpose(1, 2).flatten(2))
        return cache

    def _run_suffix(
        self,
        suffix: Tensor,
        groups: tuple[Group, ...],
        *cache: Tensor,
        class_context: ClassContext | None = None,
    ) -> Tensor:
        start = cache[0].shape[2]  # where the prefix ends
        tokens = torch.cat(
            [
                (
                    suffix[:, list(group.classes), : group.length]
                    + self.positions[start : start + group.length]
                ).flatten(1, 2)
                for group in groups
            ],
            dim=1,
        )
        for index, block in enumerate(self.blocks[:-1]):
            if class_context is not None and index == class_context.block:
                tokens, groups = put_before(tokens, groups, class_context.tokens)
            projected = _project(block, block.ln_1(tokens), 3)
            query, key, value = torch.split(projected, self.width, dim=-1)
            mixed = self._attend(query, key, value, groups, cache[2 * index], cache[2 * index + 1])
            tokens = _finish(block, tokens, mixed)
        if class_context is not None and class_context.block == len(self.blocks) - 1:
            tokens, groups = put_before(tokens, groups, class_context.tokens)
        return self._last_block(tokens, groups, cache[-2], cache[-1])

    def _run_pairs(self, tokens: Tensor, pairs: Pairs, cache: list[KeysValues]) -> Tensor:
        """Embeddings [n, e] of the suffixes [n, S, d_t], each after the prefix of its image."""
        start, longest = cache[0][0].shape[2], tokens.shape[1]
        places = torch.arange(start + longest, device=tokens.device)
        visible = places <= places[start:, None]  # [S, P + S]
        real = torch.nonzero(places[:longest] < pairs.lengths[:, None], as_tuple=True)
        rows, ends = torch.arange(len(tokens), device=tokens.device), pairs.lengths - 1
        tokens = (tokens + self.positions[start : start + longest])[real]  # packed
        for block, (prefix_key, prefix_value) in zip(self.blocks, cache, strict=True):
            padded = tokens.new_zeros(len(rows), longest, 3 * self.width)  # for the attention only
            padded[real] = _project(block, block.ln_1(tokens), 3)
            query, key, value = self._heads_first(padded, 3)
            key = torch.cat([prefix_key[pairs.images], key], dim=2)
            value = torch.cat([prefix_value[pairs.images], value], dim=2)
            mask, kept = visible, real
            if block is self.blocks[-1]:  # only the end-of-text token is read after it
                tokens, query = tokens[pairs.lengths.cumsum(0) - 1], query[rows, :, ends, None]
                mask, kept = visible[ends, None, None], (rows, torch.zeros_like(rows))
            mixed = F.scaled_dot_product_attention(query, key, value, attn_mask=mask)
            tokens = _finish(block, tokens, mixed.transpose(1, 2).flatten(2)[kept])
        return self.tower.finish(tokens)

    def _last_block(
        self, tokens: Tensor, groups: tuple[Group, ...], prefix_key: Tensor, prefix_value: Tensor
    ) -> Tensor:
        """The last block, final norm and projection at end-of-text: [B, C, e]."""
        block = self.blocks[-1]
        normal = block.ln_1(tokens)
        key, value = torch.split(_project(block, normal, 3, first=1), self.width, dim=-1)
        query = _project(block, last_tokens(normal, groups), 1)
        mixed = self._attend(query, key, value, groups, prefix_key, prefix_value)
        return self.tower.finish(_finish(block, last_tokens(tokens, groups), mixed))

    def _attend(
        self,
        query: Tensor,
        key: Tensor,
        value: Tensor,
        groups: tuple[Group, ...],
        prefix_key: Tensor,
        prefix_value: Tensor,
    ) -> Tensor:
        """Attention over the prefix and the suffix of the class.

        Args:
            query: [b, n, d_t], n = all packed tokens, or the last one of each class.
            key: [b, all packed tokens, d_t].
            value: The same.
            groups: How the tokens are packed.
            prefix_key: [B, heads, P, d_t / heads].
            prefix_value: The same.

        Returns:
            [B, n, d_t].
        """
        sizes = token_counts(groups)
        ends_only = query.shape[1] < key.shape[1]
        queries = [len(group.classes) for group in groups] if ends_only else sizes
        parts = zip(
            torch.split(query, queries, 1),
            torch.split(key, sizes, 1),
            torch.split(value, sizes, 1),
            groups,
            strict=True,
        )
        return torch.cat(
            [self._attend_group(*part, prefix_key, prefix_value) for part in parts], dim=1
        )

    def _attend_group(
        self,
        query: Tensor,
        key: Tensor,
        value: Tensor,
        group: Group,
        prefix_key: Tensor,
        prefix_value: Tensor,
    ) -> Tensor:
        classes, length = len(group.classes), group.length
        queries = query.shape[1] // classes
        width = self.width // self.heads

        def split(packed: Tensor, tokens: int) -> Tensor:  # -> [b, heads, classes, tokens, width]
            shape = (packed.shape[0], classes, tokens, self.heads, width)
            return packed.reshape(shape).permute(0, 3, 1, 2, 4)

        query = split(query, queries) * width**-0.5
        key, value = split(key, length).transpose(-1, -2), split(value, length)
        # one large product of all classes with the prefix, small ones of each with its suffix
        shared = query.flatten(2, 3) @ prefix_key.transpose(-1, -2)
        shared = torch.unflatten(shared, 2, (classes, queries))
        suffix = query @ key
        if queries > 1:
            suffix = suffix + _future(length, suffix)
        suffix = suffix.expand(*shared.shape[:-1], length)
        weights = torch.cat([shared, suffix], dim=-1).softmax(dim=-1)
        on_prefix, on_suffix = torch.split(weights, [prefix_key.shape[2], length], dim=-1)
        mixed = torch.unflatten(on_prefix.flatten(2, 3) @ prefix_value, 2, (classes, queries))
        mixed = mixed + on_suffix @ value
        return mixed.permute(0, 2, 3, 1, 4).flatten(-2).flatten(1, 2)

    def _heads_first(self, projected: Tensor, parts: int) -> tuple[Tensor, ...]:
        split = torch.unflatten(projected, -1, (parts, self.heads, -1)).permute(2, 0, 3, 1, 4)
        return tuple(split.unbind(0))


def _project(block: Any, tokens: Tensor, last: int, first: int = 0) -> Tensor:
    """Query, key and value number ``first`` to ``last`` of a block, side by side."""
    width = tokens.shape[-1]
    rows = slice(first * width, last * width)
    return F.linear(tokens, block.attn.in_proj_weight[rows], block.attn.in_proj_bias[rows])


def _finish(block: Any, tokens: Tensor, mixed: Tensor) -> Tensor:
    tokens = tokens + block.ls_1(block.attn.out_proj(mixed))
    result: Tensor = tokens + block.ls_2(block.mlp(block.ln_2(tokens)))
    return result


def _replace_context(tokens: Tensor, context: Tensor, start: int) -> Tensor:
    batch = max(tokens.shape[0], context.shape[0])
    tokens, context = tokens.expand(batch, -1, -1), context.expand(batch, -1, -1)
    return torch.cat([tokens[:, :start], context, tokens[:, start + context.shape[1] :]], dim=1)


def _future(length: int, like: Tensor) -> Tensor:
    return torch.full((length, length), float("-inf"), dtype=like.dtype, device=like.device).triu(1)


def check_block(block: int, blocks: Sequence[object]) -> None:
    """Check that tokens can enter before a block.

    Raises:
        GoproError: If not.
    """
    if not 0 < block < len(blocks):
        raise GoproError(
            f"got block {block} for tokens that enter later; they can enter before blocks 1 to "
            f"{len(blocks) - 1} of this text encoder"
        )
