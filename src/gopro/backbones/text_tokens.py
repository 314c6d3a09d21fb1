"""The token ids of a text, whichever tokenizer a model has.

A tokenizer puts special tokens around a text and fills it up with padding to the model's full
length. Prompts need the parts one by one, so they are read off the tokenizer's own answer for one
word: ``[start, word, end, padding .., last]``.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from itertools import groupby
from typing import Any

from gopro.common.errors import GoproError

_PROBE = "a"
_KEPT = 10_000  # texts whose ids are kept
_WORD_STARTS = ("▁", "Ġ")  # of SentencePiece, and of byte-level byte-pair encoding


class TextTokens:
    """Token ids of texts without special tokens, and the special ones.

    Args:
        tokenizer: One that ``open_clip.get_tokenizer`` returns.
        name: The model's name, for messages.

    Attributes:
        start: Ids before a text; none for SigLIP.
        end: Ids after it.
        pad: Id of the padding up to the full length.
        last: Ids after the padding; nearly always none.
        length: The full length that the tokenizer fills, in tokens.

    Raises:
        GoproError: If the tokenizer has no such order, for example padding before the text.
    """

    def __init__(self, tokenizer: Any, name: str) -> None:
        self.tokenizer = tokenizer
        self.name = name
        self.length = int(tokenizer.context_length)
        self._known: dict[str, tuple[int, ...]] = {}
        self.start: tuple[int, ...]
        self.end: tuple[int, ...]
        self.last: tuple[int, ...]
        if self._is_clips:
            self.start, self.end = (tokenizer.sot_token_id,), (tokenizer.eot_token_id,)
            self.pad, self.last = 0, ()
        else:
            self.start, self.end, self.pad, self.last = self._parts()

    @property
    def _is_clips(self) -> bool:
        return hasattr(self.tokenizer, "sot_token_id") and hasattr(self.tokenizer, "encoder")

    def encode(self, text: str) -> list[int]:
        """Token ids of a text that stands at the beginning, without special tokens."""
        # a run asks for each class name several times, and a tokenizer cleans each text anew
        if text not in self._known:
            if len(self._known) >= _KEPT:
                self._known.clear()
            self._known[text] = tuple(self._encode(text))
        return list(self._known[text])

    def _encode(self, text: str) -> list[int]:
        tokenizer = self.tokenizer
        if self._is_clips:
            ids: list[int] = tokenizer.encode(text)
            return ids
        from open_clip.tokenizer import basic_clean, canonicalize_text

        clean = getattr(tokenizer, "clean_fn", None)
        text = clean(text) if clean else canonicalize_text(basic_clean(text))
        return list(tokenizer.tokenizer(text, add_special_tokens=False).input_ids)

    def following(self, text: str) -> list[int]:
        """Token ids of a text that follows others in the sentence.

        SentencePiece and byte-level tokenizers mark the space before a word, so that a word has
        other tokens there than at the beginning.
        """
        if self._is_clips:
            return self.encode(text)
        first, both = self.encode(_PROBE), self.encode(f"{_PROBE} {text}")
        return both[len(first) :] if both[: len(first)] == first else self.encode(text)

    def words(self) -> dict[str, int]:
        """The vocabulary's whole words, without marks, and their ids."""
        if self._is_clips:
            ends = "</w>"
            known: dict[str, int] = self.tokenizer.encoder
            return {w.removesuffix(ends): i for w, i in known.items() if w.endswith(ends)}
        known = self.tokenizer.tokenizer.get_vocab()
        mark = next((mark for mark in _WORD_STARTS if f"{mark}a" in known), "")
        return {word.removeprefix(mark): i for word, i in known.items() if word.startswith(mark)}

    def word(self, number: int) -> str:
        """The readable form of a token, "?" for an unknown one."""
        if self._is_clips:
            token: str = self.tokenizer.decoder.get(number, "?")
            return token.removesuffix("</w>")
        return str(self.tokenizer.tokenizer.convert_ids_to_tokens(number)).lstrip("▁Ġ") or "?"

    @cached_property
    def largest(self) -> int:
        """The largest id of the vocabulary."""
        known = self.tokenizer.encoder if self._is_clips else self.tokenizer.tokenizer.get_vocab()
        return int(max(known.values()))

    def _parts(self) -> tuple[tuple[int, ...], tuple[int, ...], int, tuple[int, ...]]:
        """Start, end, padding and last ids, from the tokenizer's answer for one word."""
        word, row = self.encode(_PROBE), self.tokenizer([_PROBE])[0].tolist()
        at = next((i for i in range(len(row)) if row[i : i + len(word)] == word), None)
        if word and at is not None:
            after = row[at + len(word) :]
            runs = [(number, len(list(run))) for number, run in groupby(after)]
            longest = max(range(len(runs)), key=lambda i: runs[i][1], default=None)
            if longest is not None and sum(count for _, count in runs) > len(row) // 2:
                return (
                    tuple(row[:at]),
                    _ids(runs[:longest]),
                    runs[longest][0],
                    _ids(runs[longest + 1 :]),
                )
        raise GoproError(
            f"the tokenizer of {self.name} does not answer a word with special tokens, the word "
            "and padding in this order, which prompts need; choose another --backbone"
        )


def _ids(runs: Sequence[tuple[int, int]]) -> tuple[int, ...]:
    return tuple(number for number, count in runs for _ in range(count))
