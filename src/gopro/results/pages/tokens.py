"""The learned context of a method, token by token."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from torch import Tensor

from gopro.backbones.vocabulary import Near, nearest_words
from gopro.methods.base import Method


@dataclass(frozen=True)
class Token:
    """A context token: its position from 1, its initial word, and the nearest words now."""

    place: int
    started: str
    near: Sequence[Near]


def context_of(method: Method) -> Tensor | None:
    """The context [M, d_t] shared by all classes and images; None if the method has none."""
    context = getattr(method, "context", None)
    return context.detach() if isinstance(context, Tensor) and context.dim() == 2 else None


def tokens_of(method: Method, top: int = 6) -> list[Token]:
    """Each context token with its nearest words; empty for a method without a shared context."""
    context = context_of(method)
    if context is None or not len(context):
        return []
    initial = starting_words(method, len(context))
    rows = zip(initial, nearest_words(method.backbone, context, top), strict=True)
    return [Token(number, word, near) for number, (word, near) in enumerate(rows, start=1)]


def starting_words(method: Method, count: int) -> list[str]:
    """The initial word of each of ``count`` context tokens, or "random"."""
    tokens = method.backbone.tokens
    ids = tokens.encode(getattr(method.settings, "ctx_init", ""))
    words = [tokens.word(i) for i in (ids[:count] if method.leading_words else ids[-count:])]
    return ["random"] * (count - len(words)) + words
