"""Text towers from token embeddings on: open_clip's transformers.

A tower starts from embeddings, so that some of them can be learned. ``PromptEncoder`` and
``PlainEncoder`` run it.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, Protocol

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gopro.backbones.attention_terms import Added
from gopro.backbones.beside_blocks import Beside
from gopro.backbones.text_tokens import TextTokens
from gopro.common.errors import GoproError

Change = Callable[[int, Tensor], Tensor]
"""Number of a block and its input [R, n, d_t] -> what the block gets instead."""


class TextTower(Protocol):
    """What the encoders need of a tower.

    Attributes:
        blocks: The transformer's blocks.
        width: d_t.
        embed_dim: Width of the shared space.
        context_length: Number of tokens of a full text.
        fills: Whether padding changes the result, so that texts run at full length.
        adaptable: Whether ``run`` takes an added term, for LoRA.
        extensible: Whether ``run`` takes a term beside blocks, and a ``change`` that adds tokens.
    """

    blocks: list[Any]
    width: int
    context_length: int
    adaptable: bool
    extensible: bool

    @property
    def embed_dim(self) -> int: ...

    @property
    def fills(self) -> bool: ...

    @property
    def weight(self) -> Tensor:
        """The embeddings of the vocabulary; device and precision are those of the tower."""

    def embed(self, ids: Tensor) -> Tensor:
        """Token embeddings of ids, as the first block gets them but for positions."""

    def run(
        self,
        tokens: Tensor,
        valid: Tensor,
        ends: Tensor,
        change: Change | None = None,
        added: Added | None = None,
        beside: Beside | None = None,
    ) -> Tensor:
        """Text embeddings [R, e].

        Args:
            tokens: [R, n, d_t], token embeddings without positions.
            valid: [R, n], False for padding.
            ends: [R], the position of the last token of each text.
            change: Replaces tokens before blocks 1, 2, ..., or adds some near the start.
            added: A term for the attention of each block.
            beside: A term for the output of each block.
        """


class OpenClipText:
    """open_clip's ``TextTransformer``, or a ``CLIP`` that has its parts.

    Args:
        tower: The module.
        name: The model's name, for messages.
        tokens: Its tokens.

    Raises:
        GoproError: If it doesn't read its result at one token, or at one that prompts don't know.
    """

    extensible = True

    def __init__(self, tower: Any, name: str, tokens: TextTokens) -> None:
        self.tower = tower
        self.blocks: list[Any] = list(tower.transformer.resblocks)
        self.width = int(tower.token_embedding.embedding_dim)
        self.class_token: Tensor | None = getattr(tower, "cls_emb", None)
        self.context_length = int(self.positions.shape[0]) - (self.class_token is not None)
        self.causal = getattr(tower, "attn_mask", None) is not None
        self.pool = getattr(tower, "text_pool_type", getattr(tower, "pool_type", ""))
        self.plain_attention = isinstance(self.blocks[0].attn, nn.MultiheadAttention)
        self.adaptable = self.plain_attention
        self._masks_padding = bool(getattr(tower, "use_pad_mask", False))
        if self.class_token is None and self.pool not in ("argmax", "eos", "first", "last"):
            raise GoproError(
                f"the text tower of {name} has the pooling {self.pool!r}; gopro needs one that "
                "reads one token: choose another --backbone"
            )
        if self.class_token is None and self.pool == "argmax" and tokens.end != (tokens.largest,):
            raise GoproError(
                f"the text tower of {name} reads its result at the token with the largest id, "
                "which is not its tokenizer's end token; choose another --backbone"
            )

    @property
    def shares_prefixes(self) -> bool:
        """Whether a token never depends on later ones, and the last one of a text is read."""
        at_end = self.class_token is None and self.pool in ("argmax", "eos")
        return self.causal and at_end and self.plain_attention

    @property
    def fills(self) -> bool:
        """Whether padding changes the result: not if nothing that is read looks at it."""
        return not self.causal or self.class_token is not None or self.pool == "last"

    @property
    def positions(self) -> Tensor:
        """Positional embeddings [context_length, d_t], with one more for a class token."""
        positions: Tensor = self.tower.positional_embedding
        return positions

    @property
    def weight(self) -> Tensor:
        weight: Tensor = self.tower.token_embedding.weight
        return weight

    @property
    def embed_dim(self) -> int:
        projection = self.tower.text_projection
        if projection is None:
            return self.width
        linear = isinstance(projection, nn.Linear)
        return int(projection.out_features if linear else projection.shape[1])

    def embed(self, ids: Tensor) -> Tensor:
        embedding: Tensor = self.tower.token_embedding(ids)
        return embedding

    def finish(self, output: Tensor) -> Tensor:
        """The final norm and projection of the tokens that are read: [.., d_t] to [.., e]."""
        output = self.tower.ln_final(output)
        projection: Any = self.tower.text_projection
        if projection is None:
            return output
        linear = isinstance(projection, nn.Linear)
        result: Tensor = projection(output) if linear else output @ projection
        return result

    def run(
        self,
        tokens: Tensor,
        valid: Tensor,
        ends: Tensor,
        change: Change | None = None,
        added: Added | None = None,
        beside: Beside | None = None,
    ) -> Tensor:
        rows = len(tokens)
        if self.class_token is not None:
            own = self.class_token.to(tokens.dtype).expand(rows, 1, -1)
            tokens, ends = torch.cat([tokens, own], dim=1), torch.full_like(ends, tokens.shape[1])
        tokens = tokens + self.positions[: tokens.shape[1]].to(tokens.dtype)
        mask = self._mask(valid, tokens)
        for index, block in enumerate(self.blocks):
            if change is not None and index:
                before, tokens = tokens.shape[1], change(index, tokens)
                if more := tokens.shape[1] - before:
                    valid, ends = F.pad(valid, (more, 0), value=True), ends + more
                    mask = self._mask(valid, tokens)
            given = tokens
            if added is not None:
                tokens = attend_with(block, tokens, partial(added, index), mask=mask)
            else:
                tokens = block(tokens, attn_mask=self._for_heads(mask, rows))
            if beside is not None and (term := beside(index, block.ln_1(given))) is not None:
                tokens = tokens + term
        if self.class_token is None and self.pool in ("first", "last"):
            return self.finish(tokens[:, 0 if self.pool == "first" else -1])
        return self.finish(tokens[torch.arange(rows, device=tokens.device), ends])

    def _mask(self, valid: Tensor, tokens: Tensor) -> Tensor | None:
        """What is added to the attention's scores: [n, n], or [R, 1, n, n] to mask padding."""
        count = tokens.shape[1]
        mask: Tensor | None = None
        if self.causal:  # a mask of any size, as tokens may be added to a full text
            mask = torch.full((count, count), float("-inf")).triu(1).to(tokens)
        if self.class_token is None and not self._masks_padding:
            return mask
        if self.class_token is not None:
            always = torch.ones_like(valid[:, :1])
            # the published CoCa weights were trained with a mask that is one token late
            late = not getattr(self.tower, "correct_cls_mask", False)
            valid = torch.cat([always, valid] if late else [valid, always], dim=1)
        padding = torch.zeros(valid.shape, dtype=tokens.dtype, device=tokens.device)
        padding = padding.masked_fill(~valid, float("-inf"))[:, None, None]
        return padding if mask is None else padding + mask.to(tokens.dtype)

    def _for_heads(self, mask: Tensor | None, rows: int) -> Tensor | None:
        """The mask as blocks take it: [n, n], or [R * heads, n, n]."""
        if mask is None or mask.dim() == 2:
            return mask
        count, heads = mask.shape[-1], int(self.blocks[0].attn.num_heads)
        return mask.expand(rows, heads, count, count).reshape(-1, count, count)


def attend_with(
    block: Any,
    tokens: Tensor,
    added: Callable[[Tensor], Tensor],
    *,
    causal: bool = False,
    mask: Tensor | None = None,
) -> Tensor:
    """One of open_clip's blocks with a term added to the attention's query, key and value.

    Args:
        block: With a ``MultiheadAttention``.
        tokens: [B, n, d].
        added: Of the normalised input: [.., d] to [.., 3 d].
        causal: Whether no token attends to later ones; then without ``mask``.
        mask: Added to the attention's scores.
    """
    attention, normal = block.attn, block.ln_1(tokens)
    projected = F.linear(normal, attention.in_proj_weight, attention.in_proj_bias) + added(normal)
    parts = torch.unflatten(projected, -1, (3, attention.num_heads, -1)).permute(2, 0, 3, 1, 4)
    query, key, value = parts.unbind(0)
    mask = None if mask is None else mask.to(query.dtype)
    mixed = F.scaled_dot_product_attention(query, key, value, attn_mask=mask, is_causal=causal)
    tokens = tokens + block.ls_1(attention.out_proj(mixed.transpose(1, 2).flatten(2)))
    result: Tensor = tokens + block.ls_2(block.mlp(block.ln_2(tokens)))
    return result
