"""Which words of the vocabulary a token vector is near."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from gopro.backbones.clip import Backbone


@dataclass(frozen=True)
class Near:
    """A word, and the cosine between its token embedding and the vector asked about."""

    word: str
    cosine: float


def nearest_words(backbone: Backbone, tokens: Tensor, top: int = 6) -> list[list[Near]]:
    """The whole words whose token embeddings are nearest by angle.

    Args:
        backbone: Whose vocabulary.
        tokens: [M, d_t], vectors in the space of token embeddings.
        top: How many words for each.

    Returns:
        For each vector its words, nearest first.
    """
    words, ids = _words(backbone)
    rows = F.normalize(backbone.embed_tokens(ids.tolist()), dim=-1)
    cosines = F.normalize(tokens.detach().float().to(rows), dim=-1) @ rows.T
    found = cosines.topk(min(top, len(words)), dim=-1)
    return [
        [Near(words[place], value) for place, value in zip(places, values, strict=True)]
        for places, values in zip(found.indices.tolist(), found.values.tolist(), strict=True)
    ]


def _words(backbone: Backbone) -> tuple[tuple[str, ...], Tensor]:
    tokenizer: Any = backbone.tokenizer
    return _whole_words(tokenizer, backbone.name == "mini")


@lru_cache(maxsize=2)
def _whole_words(tokenizer: Any, mini: bool) -> tuple[tuple[str, ...], Tensor]:
    """Tokens that are a word by themselves, and their ids.

    Pieces of words and signs would be nearest just as often and tell a reader nothing. Of mini's
    vocabulary only the words that its training met mean anything.
    """
    known = _met_in_training() if mini else None
    words, ids = [], []
    for token, number in tokenizer.encoder.items():
        word = token.removesuffix("</w>")
        whole = token.endswith("</w>") and word.isascii() and word.isalpha()
        if whole and (len(word) > 1 or word in ("a", "i")) and (known is None or number in known):
            words.append(word)
            ids.append(number)
    return tuple(words), torch.tensor(ids)


def _met_in_training() -> set[int]:
    from safetensors import safe_open

    from gopro.backbones.mini.load import weights_path

    with safe_open(weights_path(), framework="pt") as file:
        return set(file.get_tensor("token_ids").tolist())
