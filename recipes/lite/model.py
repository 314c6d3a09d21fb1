"""The text tower and the image projection in training."""

from __future__ import annotations

import math
from typing import Any

import torch
import torch.nn.functional as F
from open_clip.transformer import TextTransformer
from recipes.lite.words import Lexicon, padded
from torch import Tensor, nn

CONTEXT = 77
FEATURES = 1280
BUCKETS = 4


class Learner(nn.Module):
    """open_clip's text transformer over some rows of the vocabulary, and a linear image projection.

    Args:
        lexicon: Which rows.
        mean: Of the pooled features.
        std: Of the pooled features.
        classifier: The network's rows [1000, 1280]; the projection starts at their principal
            directions.
        width: Of a token.
        heads: Of attention.
        layers: Blocks.
        embed_dim: Width of the shared space.
        dropout: Share of token features left out in training.
    """

    def __init__(
        self,
        lexicon: Lexicon,
        mean: Tensor,
        std: Tensor,
        classifier: Tensor,
        *,
        width: int,
        heads: int,
        layers: int,
        embed_dim: int,
        dropout: float,
    ) -> None:
        super().__init__()
        self.lexicon = lexicon
        self.dropout = dropout
        self.text: Any = TextTransformer(
            context_length=CONTEXT,
            vocab_size=len(lexicon.ids),
            width=width,
            heads=heads,
            layers=layers,
            output_dim=embed_dim,
        )
        self.image_projection = nn.Linear(FEATURES, embed_dim)
        nn.init.zeros_(self.image_projection.bias)
        with torch.no_grad():
            _, spread, rows = torch.linalg.svd(classifier * std, full_matrices=False)
            size = spread[:embed_dim, None] / spread[0]
            self.image_projection.weight.copy_(rows[:embed_dim] * size)
        self.logit_scale = nn.Parameter(torch.tensor(math.log(20.0)))
        self.register_buffer("mean", mean)
        self.register_buffer("std", std)

    def images(self, features: Tensor) -> Tensor:
        """Unit embeddings of pooled features."""
        return F.normalize(self.image_projection((features - self.mean) / self.std), dim=-1)

    def texts(self, sentences: list[str]) -> Tensor:
        """Unit embeddings of sentences, in groups of like length.

        What all of a group begin with is computed once.
        """
        rows = [self.lexicon.rows(text) for text in sentences]
        order = sorted(range(len(rows)), key=lambda index: len(rows[index]))
        size = -(-len(order) // BUCKETS)
        parts = [order[start : start + size] for start in range(0, len(order), size)]
        found = torch.cat([self._run([rows[index] for index in part]) for part in parts])
        place = torch.empty(len(order), dtype=torch.long)
        place[torch.tensor(order)] = torch.arange(len(order))
        return found[place]

    def _run(self, rows: list[list[int]]) -> Tensor:
        tower = self.text
        shared = _shared(rows)
        tokens, ends = padded([row[shared:] for row in rows])
        blocks = tower.transformer.resblocks
        first = self._tokens(torch.tensor([rows[0][:shared]]), 0)
        rest = self._tokens(tokens, shared)
        for block in blocks[:-1]:
            first, rest = _advance(block, first, rest)
        # the last block answers at the end token alone
        last = _finish(blocks[-1], first, rest, ends)
        return F.normalize(tower.ln_final(last) @ tower.text_projection, dim=-1)

    def _tokens(self, rows: Tensor, start: int) -> Tensor:
        found = self.text.token_embedding(rows)
        if self.training and self.dropout:
            found = F.dropout(found, self.dropout)
        return found + self.text.positional_embedding[start : start + rows.shape[1]]


def _shared(rows: list[list[int]]) -> int:
    """How many tokens all rows begin with; each keeps at least one of its own."""
    most = min(len(row) for row in rows) - 1
    count = 0
    while count < most and len({row[count] for row in rows}) == 1:
        count += 1
    return count


def _split(block: Any, tokens: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Query, key and value [n, heads, tokens, width / heads] of a block."""
    attention = block.attn
    count, length, width = tokens.shape
    joined = F.linear(block.ln_1(tokens), attention.in_proj_weight, attention.in_proj_bias)
    heads = attention.num_heads
    split = joined.view(count, length, 3, heads, width // heads).permute(2, 0, 3, 1, 4)
    return split[0], split[1], split[2]


def _after(block: Any, tokens: Tensor, mixed: Tensor) -> Tensor:
    """The rest of a block behind its attention."""
    tokens = tokens + block.attn.out_proj(mixed.transpose(1, 2).flatten(2))
    found: Tensor = tokens + block.mlp(block.ln_2(tokens))
    return found


def _advance(block: Any, first: Tensor, rest: Tensor) -> tuple[Tensor, Tensor]:
    """One block over the shared tokens [1, p, width] and what follows them [n, t, width]."""
    query, key, value = _split(block, first)
    asked, keys, values = _split(block, rest)
    before, own, count = first.shape[1], rest.shape[1], len(rest)
    keys = torch.cat([key.expand(count, -1, -1, -1), keys], dim=2)
    values = torch.cat([value.expand(count, -1, -1, -1), values], dim=2)
    seen = torch.ones(own, before + own, dtype=torch.bool).tril(before)
    mixed = F.scaled_dot_product_attention(asked, keys, values, attn_mask=seen)
    rest = _after(block, rest, mixed)
    if before:
        mixed = F.scaled_dot_product_attention(query, key, value, is_causal=True)
        first = _after(block, first, mixed)
    return first, rest


def _finish(block: Any, first: Tensor, rest: Tensor, ends: Tensor) -> Tensor:
    """The last block's output [n, width] at the end tokens."""
    _, key, value = _split(block, first)
    asked, keys, values = _split(block, rest)
    count, each = len(rest), torch.arange(len(rest))
    keys = torch.cat([key.expand(count, -1, -1, -1), keys], dim=2)
    values = torch.cat([value.expand(count, -1, -1, -1), values], dim=2)
    seen = torch.arange(keys.shape[2])[None] <= (ends + first.shape[1])[:, None]
    mixed = F.scaled_dot_product_attention(
        asked[each, :, ends][:, :, None], keys, values, attn_mask=seen[:, None, None]
    )
    return _after(block, rest[each, ends][:, None], mixed)[:, 0]
