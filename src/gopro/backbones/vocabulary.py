"""The words of the vocabulary nearest to a token embedding."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import torch
import torch.nn.functional as F
from torch import Tensor

from gopro.backbones.clip import Backbone
from gopro.backbones.embedded import LOADERS, trained_tokens
from gopro.backbones.text_tokens import TextTokens


@dataclass(frozen=True)
class Near:
    """A word, and the cosine of its token embedding with the given vector."""

    word: str
    cosine: float


def nearest_words(backbone: Backbone, tokens: Tensor, top: int = 6) -> list[list[Near]]:
    """The whole words whose token embeddings have the largest cosine with each vector.

    Args:
        backbone: Its vocabulary is searched.
        tokens: [M, d_t], vectors in the space of token embeddings.
        top: Number of words for each.

    Returns:
        A list of words for each vector, nearest first.
    """
    words, ids = _words(backbone)
    rows = F.normalize(backbone.embed_tokens(ids.tolist()), dim=-1)
    cosines = F.normalize(tokens.detach().float().to(rows), dim=-1) @ rows.T
    values, indices = cosines.topk(min(top, len(words)), dim=-1)
    return [
        [Near(words[index], value) for index, value in zip(*row, strict=True)]
        for row in zip(indices.tolist(), values.tolist(), strict=True)
    ]


def _words(backbone: Backbone) -> tuple[tuple[str, ...], Tensor]:
    return _whole_words(backbone.tokens, backbone.name if backbone.name in LOADERS else None)


@lru_cache(maxsize=2)
def _whole_words(tokens: TextTokens, embedded: str | None) -> tuple[tuple[str, ...], Tensor]:
    """Tokens that are whole words, and their ids.

    Parts of words and punctuation are left out: they mean nothing to a reader. So are the words
    that the training of an embedded backbone did not contain.
    """
    trained = trained_tokens(embedded) if embedded else None
    words, ids = [], []
    for word, number in tokens.words().items():
        if (
            word.isascii()
            and word.isalpha()
            and (len(word) > 1 or word in ("a", "i"))
            and (trained is None or number in trained)
        ):
            words.append(word)
            ids.append(number)
    return tuple(words), torch.tensor(ids)
