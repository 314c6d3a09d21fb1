"""The frozen text encoder for prompts, in the plain way: every text as its tower defines it.

For towers in which tokens depend on later ones, or that read their result elsewhere than at the
end of the text: SigLIP's, MobileCLIP's, CoCa's, and text models of transformers. ``PromptEncoder``
is faster for the others. Where padding counts, each text is as long as the tower's full length.
Texts run in chunks, whose activations are computed again in the backward pass.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor
from torch.utils.checkpoint import checkpoint

from gopro.backbones.attention_terms import Added
from gopro.backbones.beside_blocks import Beside
from gopro.backbones.hub_text import HubText
from gopro.backbones.prompts import ClassTokens, Prompts
from gopro.backbones.text import PromptEncoder, check_block
from gopro.backbones.text_tokens import TextTokens
from gopro.backbones.text_towers import Change, OpenClipText, TextTower
from gopro.common.errors import GoproError


def text_encoder(
    model: Any, tokens: TextTokens, name: str, chunk_tokens: int
) -> PromptEncoder | PlainEncoder:
    """The encoder that a model's text tower allows.

    Args:
        model: An ``open_clip`` model.
        tokens: Its tokens.
        name: Its name, for messages.
        chunk_tokens: See the encoders.

    Raises:
        GoproError: If prompts can't be learned in its text tower.
    """
    module: Any = getattr(model, "text", model)
    if hasattr(getattr(module, "transformer", None), "resblocks"):
        tower = OpenClipText(module, name, tokens)
        if tower.shares_prefixes:
            return PromptEncoder(tower, chunk_tokens)
        return PlainEncoder(tower, tokens, chunk_tokens)
    if hasattr(module, "pooler") and hasattr(module, "transformer"):
        return PlainEncoder(HubText(module, name, tokens.length), tokens, chunk_tokens)
    raise GoproError(
        f"the text tower of {name} is a {type(module).__name__}, and gopro knows open_clip's own "
        "and those of transformers; choose another --backbone"
    )


class PlainEncoder:
    """Runs a text tower on ``Prompts``.

    Args:
        tower: The tower.
        tokens: Its tokens, for the padding.
        chunk_tokens: Number of tokens whose activations are kept at once. With more, they are
            recomputed for the gradient, in chunks of half this size.
    """

    def __init__(self, tower: TextTower, tokens: TextTokens, chunk_tokens: int = 8_192) -> None:
        self.tower = tower
        self.tokens = tokens
        self.blocks = tower.blocks
        self.context_length = tower.context_length
        self.chunk_tokens = chunk_tokens

    def __call__(self, prompts: Prompts) -> Tensor:
        """Encode prompts.

        Returns:
            [B, C, e] in float32, not normalised; B is 1 if nothing depends on the image. [n, 1, e]
            for ``Prompts.pairs``.
        """
        pairs = prompts.pairs
        if pairs is not None:
            prompts = replace(prompts, prefix=prompts.prefix[pairs.images])
        own, start, upper = prompts.class_context, prompts.start, prompts.upper
        for later in (own, upper):
            if later is not None:
                check_block(later.block, self.blocks)
        parts = [prompts.prefix, prompts.suffix, *prompts.deep, *([own.tokens] if own else [])]
        images, classes = max(len(part) for part in parts), len(prompts.lengths)
        lengths = torch.tensor(prompts.lengths, device=self.tower.weight.device)
        prefix = prompts.prefix.shape[1]

        def encode(rows: Tensor) -> Tensor:
            image, index = rows // classes, rows % classes

            def of_image(part: Tensor) -> Tensor:
                return part[image if len(part) > 1 else 0 * image]

            def of_pair(part: Tensor) -> Tensor:
                return part[image if len(part) > 1 else 0 * image, index]

            def change(block: int, tokens: Tensor) -> Tensor:
                if block <= len(prompts.deep):
                    tokens = _put(tokens, of_image(prompts.deep[block - 1]), start)
                if own is not None and block == own.block:
                    context = of_pair(own.tokens)
                    tokens = _put(tokens, context, prefix - context.shape[1])
                return tokens if upper is None else upper.put(block, tokens, start)

            tokens = torch.cat([of_image(prompts.prefix), of_pair(prompts.suffix)], dim=1)
            used = prefix + (lengths[index] if pairs is None else pairs.lengths[rows])
            return self._run(tokens, used, change if prompts.deep or own or upper else None)

        longest = prefix + max(prompts.lengths)
        embedding = self._in_chunks(encode, images * classes, longest)
        return torch.unflatten(embedding, 0, (images, classes))

    def chunks(self, lengths: Sequence[int]) -> list[list[int]]:
        """Indices of the classes that run at once, without context and without a gradient."""
        room = self._texts_at_once(len(self.tokens.start) + max(lengths))
        return [list(range(len(lengths)))[at : at + room] for at in range(0, len(lengths), room)]

    @classmethod
    def of(cls, encoder: PromptEncoder | PlainEncoder, tokens: TextTokens) -> PlainEncoder:
        """The plain encoder of another one's tower."""
        if isinstance(encoder, PlainEncoder):
            return encoder
        return cls(encoder.tower, tokens, encoder.chunk_tokens)

    def adapted(
        self, classes: ClassTokens, added: Added | None = None, beside: Beside | None = None
    ) -> Tensor:
        """Text embeddings [C, e] of whole sentences, with a term for each block.

        Args:
            classes: The sentences' tokens, without context.
            added: A term added to the attention.
            beside: A term added to the output.
        """
        start = classes.start
        lengths = torch.tensor(classes.lengths, device=self.tower.weight.device) + len(start)

        def encode(rows: Tensor) -> Tensor:
            first = start.expand(len(rows), -1, -1)
            tokens = torch.cat([first, classes.embedding[rows]], dim=1)
            return self._run(tokens, lengths[rows], None, added, beside)

        return self._in_chunks(encode, len(lengths), int(max(classes.lengths)) + len(start))

    def _run(
        self,
        tokens: Tensor,
        used: Tensor,
        change: Change | None,
        added: Added | None = None,
        beside: Beside | None = None,
    ) -> Tensor:
        """Fill texts up and run the tower: [R, e].

        Args:
            tokens: [R, n, d_t], with anything after the end of a text.
            used: [R], the number of tokens of each text.
            change: See ``TextTower.run``.
            added: The same.
            beside: The same.
        """
        count, ids, device = self._length(tokens.shape[1]), self.tokens, tokens.device
        last = len(ids.last) if self.tower.fills else 0
        frame = self.tower.embed(torch.tensor([ids.pad, *ids.last], device=device)).to(tokens)
        missing = frame[0].expand(len(tokens), max(0, count - tokens.shape[1]), -1)
        tokens = torch.cat([tokens[:, :count], missing], dim=1)
        valid = torch.arange(count, device=device) < used[:, None]
        tokens = torch.where(valid[..., None], tokens, frame[0])
        if last:
            tokens = torch.cat([tokens[:, :-last], frame[1:].expand(len(tokens), -1, -1)], dim=1)
            valid = torch.cat([valid[:, :-last], torch.ones_like(valid[:, :last])], dim=1)
        tokens = tokens.to(self.tower.weight.dtype)
        return self.tower.run(tokens, valid, used - 1, change, added, beside)

    def _texts_at_once(self, longest: int) -> int:
        return max(1, self.chunk_tokens // self._length(longest))

    def _length(self, longest: int) -> int:
        return self.context_length if self.tower.fills else longest

    def _in_chunks(self, encode: Callable[[Tensor], Tensor], rows: int, longest: int) -> Tensor:
        """[rows, e] in float32, of as many rows at once as ``chunk_tokens`` allows."""
        numbers = torch.arange(rows, device=self.tower.weight.device)
        room = self._texts_at_once(longest)
        if rows <= room or not torch.is_grad_enabled():
            return torch.cat([encode(part) for part in torch.split(numbers, room)]).float()
        parts = torch.split(numbers, max(1, room // 2))
        return torch.cat([checkpoint(encode, part, use_reentrant=False) for part in parts]).float()


def _put(tokens: Tensor, context: Tensor, start: int) -> Tensor:
    """Replace tokens [R, n, d_t] from ``start`` on by [R, M, d_t]."""
    end = start + context.shape[1]
    return torch.cat([tokens[:, :start], context.to(tokens), tokens[:, end:]], dim=1)
