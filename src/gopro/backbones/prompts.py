"""The input of the text encoder: tokens shared by all classes, and tokens of each class."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from gopro.backbones.text_tokens import TextTokens
from gopro.common.errors import GoproError
from gopro.common.text import name_key, readable


@dataclass(frozen=True)
class Pairs:
    """Single prompts instead of all combinations of images and classes.

    Attributes:
        images: [n], the image of each prompt.
        lengths: [n], the number of tokens of its class, including the end-of-text token.
    """

    images: Tensor
    lengths: Tensor

    def __getitem__(self, rows: Tensor) -> Pairs:
        return Pairs(self.images[rows], self.lengths[rows])


@dataclass(frozen=True)
class ClassTokens:
    """Token embeddings of "NAME." and the end-of-text token, one row per class.

    Shape notation: C classes, S tokens of the longest, K start tokens, which is 1 with CLIP's
    tokenizer and can be 0 with others, d_t text width.

    Attributes:
        embedding: [C, S, d_t], rows padded with zeros after the end-of-text token; or
            [n, 1, S, d_t] for ``pairs``.
        lengths: C numbers of tokens, including the end-of-text token; S for ``pairs``.
        start: [K, d_t], the embeddings of what stands before a text.
        end: How many of a row's tokens stand after the text: 1, or 0 with a few tokenizers.
        pairs: Given if each row is the class of one image.
    """

    embedding: Tensor
    lengths: tuple[int, ...]
    start: Tensor
    end: int = 1
    pairs: Pairs | None = None

    def take(self, indices: Sequence[int]) -> ClassTokens:
        """The tokens of some classes, in the order of ``indices``."""
        lengths = tuple(self.lengths[index] for index in indices)
        return replace(
            self, embedding=self.embedding[list(indices), : max(lengths)], lengths=lengths
        )

    def paired(self, images: Tensor, indices: Tensor) -> ClassTokens:
        """Single classes of single images.

        Args:
            images: [n], each an index into the images of the prompts.
            indices: [n], the class of each.
        """
        lengths = torch.tensor(self.lengths, device=indices.device)[indices]
        longest = int(lengths.max())
        embedding = self.embedding[indices, None, :longest]
        return replace(self, embedding=embedding, lengths=(longest,), pairs=Pairs(images, lengths))


@dataclass(frozen=True)
class ClassContext:
    """Tokens of each class inside the text encoder (TCP's class-aware prompts).

    Attributes:
        block: They replace the last M tokens of the prefix before this block (1, 2, ...).
        tokens: [1 or B, C, M, d_t].
    """

    block: int
    tokens: Tensor


@dataclass(frozen=True)
class UpperTokens:
    """Tokens between start and text in the upper blocks only (MMRL's representation tokens).

    Attributes:
        block: They enter before this block (1, 2, ...); the text keeps its positions, and they
            have none.
        tokens: [M, d_t] for this block and each one after it, whose tokens replace the M before.
    """

    block: int
    tokens: tuple[Tensor, ...]

    def put(self, index: int, tokens: Tensor, start: int) -> Tensor:
        """The input [R, n, d_t] of block ``index``, with the tokens that it has here."""
        if not self.block <= index < self.block + len(self.tokens):
            return tokens
        own = self.tokens[index - self.block].to(tokens).expand(len(tokens), -1, -1)
        rest = start if index == self.block else start + own.shape[1]
        return torch.cat([tokens[:, :start], own, tokens[:, rest:]], dim=1)


@dataclass(frozen=True)
class Prompts:
    """A batch of prompts: ``[prefix, suffix of class c]`` for each image and class.

    Shape notation: B images (1 if the prompts don't depend on the image), C classes, P and S
    tokens, d_t text width.

    Attributes:
        prefix: [B, P, d_t], start-of-text and the tokens that all classes share, as token
            embeddings without positions.
        suffix: [1 or B, C, S, d_t], the tokens of each class, up to end-of-text.
        lengths: C numbers of tokens without padding. The last of them is end-of-text.
        start: K, the number of start tokens, which come first in the prefix.
        deep: For blocks 1, 2, ...: tokens [1 or B, M, d_t] that replace the prefix's M tokens
            after the start before that block (the deep prompts of MaPLe and PromptSRC).
        class_context: Tokens of each class that replace the prefix's context from one block on.
        upper: Tokens of the upper blocks alone; without ``deep`` and ``class_context``.
        pairs: With [n, 1, S, d_t] as suffix: each row is a class of one image. The result is
            [n, 1, e].
    """

    prefix: Tensor
    suffix: Tensor
    lengths: tuple[int, ...]
    start: int
    deep: tuple[Tensor, ...] = ()
    class_context: ClassContext | None = None
    upper: UpperTokens | None = None
    pairs: Pairs | None = None

    @classmethod
    def after(
        cls,
        context: Tensor,
        classes: ClassTokens,
        deep: Sequence[Tensor] = (),
        upper: UpperTokens | None = None,
    ) -> Prompts:
        """Start, context, class name, ".", end; the context is shared by all classes.

        Args:
            context: [M, d_t] for all images, or [B, M, d_t] per image.
            classes: The class names' tokens.
            deep: See ``Prompts.deep``.
            upper: See ``Prompts.upper``.
        """
        context = context if context.dim() == 3 else context[None]
        start = classes.start.to(context).expand(context.shape[0], -1, -1)
        prefix = torch.cat([start, context], dim=1)
        names = classes.embedding
        names = names if names.dim() == 4 else names[None]
        start_count, pairs = len(classes.start), classes.pairs
        return cls(
            prefix, names, classes.lengths, start_count, tuple(deep), upper=upper, pairs=pairs
        )

    @classmethod
    def per_class(cls, context: Tensor, classes: ClassTokens) -> Prompts:
        """Start, context, class name, ".", end, with a separate context for each class.

        Args:
            context: [C, M, d_t], or [B, C, M, d_t] per image and class.
            classes: The class names' tokens.
        """
        context = context if context.dim() == 4 else context[None]
        names = classes.embedding.to(context).expand(context.shape[0], -1, -1, -1)
        prefix = classes.start.to(context).expand(context.shape[0], -1, -1)
        lengths = tuple(length + context.shape[2] for length in classes.lengths)
        return cls(prefix, torch.cat([context, names], dim=2), lengths, len(classes.start))

    @classmethod
    def around(cls, before: Tensor, after: Tensor, names: ClassTokens, stop: Tensor) -> Prompts:
        """Context on both sides of the name: start, before, class name, after, stop, end.

        Args:
            before: [M, d_t] for all classes, or [C, M, d_t] for each; M may be 0.
            after: [K, d_t] for all classes, or [C, K, d_t] for each.
            names: The class names' tokens, from the template "{}".
            stop: [T, d_t], the tokens of the full stop.
        """
        count, longest, width = names.embedding.shape
        tail = after.shape[-2] + stop.shape[0]
        # all tokens of a class side by side, from which its order is gathered
        pool = torch.cat(
            [
                names.embedding.to(after),
                after.expand(count, -1, -1),
                stop.to(after).expand(count, -1, -1),
            ],
            dim=1,
        )
        position = torch.arange(longest + tail, device=after.device)
        end = torch.tensor(names.lengths, device=after.device)[:, None] - names.end
        order = torch.where(position < end, position, position - end + longest)
        order = torch.where(position < end + tail, order, (position - tail).clamp(max=longest - 1))
        rows = pool.gather(1, order[..., None].expand(-1, -1, width))
        start = names.start.to(after)
        if before.dim() == 2:
            lengths = tuple(length + tail for length in names.lengths)
            return cls(torch.cat([start, before])[None], rows[None], lengths, len(start))
        lengths = tuple(length + tail + before.shape[1] for length in names.lengths)
        return cls(start[None], torch.cat([before, rows], dim=1)[None], lengths, len(start))


def tokenize_class_names(
    names: Sequence[str],
    tokens: TextTokens,
    *,
    room: int,
    template: str = "{}.",
    following: bool = True,
) -> list[list[int]]:
    """Token ids of a template filled with each class name, end-of-text included, start not.

    Underscores are read as spaces, as the CoOp benchmark does.

    Args:
        names: Class names.
        tokens: The model's tokens.
        room: Number of tokens that fit: context length minus start and context tokens.
        template: The text around the name; "{}." after learned context tokens.
        following: Whether the text stands after context tokens.

    Raises:
        GoproError: For no names, a name without a token, a name that doesn't fit, or two
            different names (``name_key``) with the same tokens.
    """
    if not names:
        raise GoproError("got no class names; give at least one")
    seen: dict[tuple[int, ...], str] = {}
    rows, encode, ends = [], tokens.following if following else tokens.encode, len(tokens.end)
    for name in names:
        words = readable(name)
        bare = tuple(tokens.encode(words))
        if not bare:
            raise GoproError(
                f"the class name {name[:60]!r} has no text that the tokenizer can use; rename the "
                "class"
            )
        ids = encode(template.replace("{}", words))
        if len(ids) + ends > room:
            raise GoproError(
                f"the class name {name[:60]!r} is {len(ids)} tokens long and only "
                f"{max(0, room - ends)} fit next to the context; shorten the name or use fewer "
                "context tokens"
            )
        # classes with one name have passed ``check_class_names`` or are ImageNet's
        other = seen.setdefault(bare, name)
        if name_key(other) != name_key(name):
            raise GoproError(
                f"the classes {other!r} and {name!r} read the same in a prompt; rename one of them"
            )
        rows.append([*ids, *tokens.end])
    return rows


def tokenize_sentences(
    sentences: Sequence[str], tokens: TextTokens, *, room: int
) -> list[list[int]]:
    """Token ids of whole sentences, which may be equal, end-of-text included, start not.

    Underscores are read as spaces, as in class names.

    Args:
        sentences: Sentences about classes.
        tokens: The model's tokens.
        room: Number of tokens that fit: context length minus start tokens.

    Raises:
        GoproError: For a sentence without a token, or one that doesn't fit.
    """
    rows, fitting = [], room - len(tokens.end)
    for sentence in sentences:
        ids = tokens.encode(readable(sentence))
        if not ids:
            raise GoproError(
                f"the text {sentence[:60]!r} has no word that the tokenizer can use; change it"
            )
        if len(ids) > fitting:
            raise GoproError(
                f"the text {sentence[:60]!r} is {len(ids)} tokens long and only {fitting} fit; "
                "shorten it"
            )
        rows.append([*ids, *tokens.end])
    return rows
