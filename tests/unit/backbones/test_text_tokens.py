"""The tokens around a text and inside it, for each kind of tokenizer."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from open_clip.tokenizer import HFTokenizer

import small_tokenizers
from gopro.backbones.text_tokens import TextTokens
from gopro.common.errors import GoproError
from small_clips import tokenizer


class Plain:
    """A tokenizer that answers with a given layout; a word is the number of its letters."""

    context_length = 12

    def __init__(self, before: list[int], after: list[int]) -> None:
        self.before, self.after = before, after

    def __call__(self, texts: list[str]) -> torch.Tensor:
        words = self.tokenizer(texts[0]).input_ids
        return torch.tensor([[*self.before, *words, *self.after]])

    def clean_fn(self, text: str) -> str:
        return text

    def tokenizer(self, text: str, add_special_tokens: bool = False) -> Any:
        return SimpleNamespace(input_ids=[100 + len(word) for word in text.split()])


def parts(tokens: TextTokens) -> tuple[Any, ...]:
    return tokens.start, tokens.end, tokens.pad, tokens.last


def test_clips() -> None:
    tokens = TextTokens(tokenizer(), "small")
    assert parts(tokens) == ((49_406,), (49_407,), 0, ())
    assert tokens.following("cat.") == tokens.encode("cat.") == tokenizer().encode("cat.")
    assert tokens.words()["photo"] == tokens.encode("photo")[0]
    assert tokens.word(tokens.encode("photo")[0]) == "photo"
    assert tokens.largest == 49_407


def test_a_text_is_tokenized_once(monkeypatch: pytest.MonkeyPatch) -> None:
    clips = tokenizer()
    tokens, wanted = TextTokens(clips, "small"), clips.encode("sea horse")
    tokens.encode("sea horse").clear()  # the caller's own list
    monkeypatch.setattr(clips, "encode", None)
    assert tokens.encode("sea horse") == wanted


@pytest.mark.parametrize("marked", [True, False])
def test_a_word_inside_a_sentence_has_its_mark(tmp_path: Path, marked: bool) -> None:
    name = small_tokenizers.sentencepiece(tmp_path, first_marked=marked)
    tokens = TextTokens(HFTokenizer(name, context_length=16), "small")
    assert parts(tokens) == ((), (1,), 0, ())
    whole, first = tokens.encode("a photo of a tabby cat."), tokens.encode("a photo of a")
    assert whole == [*first, *tokens.following("tabby cat.")]
    assert (tokens.encode("cat") == tokens.following("cat")) == marked
    assert tokens.words()["cat"] == tokens.following("cat")[0]
    assert tokens.word(tokens.following("cat")[0]) == "cat"


def test_bert_without_its_separator(tmp_path: Path) -> None:
    name = small_tokenizers.wordpiece(tmp_path)
    kept = TextTokens(HFTokenizer(name, context_length=16), "small")
    assert parts(kept) == ((1,), (2,), 0, ())
    stripped = TextTokens(HFTokenizer(name, context_length=16, strip_sep_token=True), "small")
    assert parts(stripped) == ((1,), (), 0, ())


def test_a_token_after_the_padding() -> None:
    tokens = TextTokens(Plain([1], [2, *[0] * 8, 3]), "small")
    assert parts(tokens) == ((1,), (2,), 0, (3,))


@pytest.mark.parametrize(("before", "after"), [([0] * 10, [2]), ([1], [])], ids=["left", "none"])
def test_padding_elsewhere_is_refused(before: list[int], after: list[int]) -> None:
    with pytest.raises(GoproError, match="tokenizer of odd does not answer a word with"):
        TextTokens(Plain(before, after), "odd")
