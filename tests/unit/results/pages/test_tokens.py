"""The learned context token by token: the words it starts from."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from gopro.backbones.embedded import tokenizer
from gopro.backbones.text_tokens import TextTokens
from gopro.methods import find
from gopro.results.pages.tokens import starting_words


@pytest.mark.parametrize(
    ("name", "count", "words"),
    [
        ("coop", 2, ["of", "a"]),
        ("coop", 5, ["random", "a", "photo", "of", "a"]),
        ("maple", 2, ["a", "photo"]),
        ("coprompt", 3, ["a", "photo", "of"]),
        ("promptsrc", 1, ["a"]),
        ("promptsrc", 6, ["random", "random", "a", "photo", "of", "a"]),
    ],
)
def test_words_that_a_context_starts_from(name: str, count: int, words: list[str]) -> None:
    kind = find(name)
    backbone = SimpleNamespace(tokens=TextTokens(tokenizer(), "clip"))
    method: Any = SimpleNamespace(
        backbone=backbone, settings=kind.Settings(), leading_words=kind.leading_words
    )
    assert starting_words(method, count) == words
