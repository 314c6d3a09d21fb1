"""The learned context of a method, token by token."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from torch import Tensor

from gopro.backbones.vocabulary import Near, nearest_words
from gopro.methods.base import Method


@dataclass(frozen=True)
class Token:
    """A context token: its place from 1, the word it started as, and the words it is near now."""

    place: int
    started: str
    near: Sequence[Near]


def context_of(method: Method) -> Tensor | None:
    """The context vectors [M, d_t] that all classes and images share; None where there are none."""
    context = getattr(method, "context", None)
    return context.detach() if isinstance(context, Tensor) and context.dim() == 2 else None


def tokens_of(method: Method, top: int = 6) -> list[Token]:
    """Each context token with its nearest words; none for a method without a shared context."""
    context = context_of(method)
    if context is None or not len(context):
        return []
    started = starting_words(method, len(context))
    found = nearest_words(method.backbone, context, top)
    rows = zip(started, found, strict=True)
    return [Token(place, word, near) for place, (word, near) in enumerate(rows, start=1)]


def starting_words(method: Method, count: int) -> list[str]:
    """What each of ``count`` context tokens started as: a token of the words, or "random"."""
    tokenizer = method.backbone.tokenizer
    ids = tokenizer.encode(getattr(method.settings, "ctx_init", ""))[-count:]
    decoder: dict[int, str] = getattr(tokenizer, "decoder", {})
    words = [decoder.get(number, "?").removesuffix("</w>") for number in ids]
    return ["random"] * (count - len(words)) + words
