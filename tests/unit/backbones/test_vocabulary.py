"""The nearest words of a vector in the space of token embeddings."""

from __future__ import annotations

import pytest
import torch

from gopro.backbones import build
from gopro.backbones.vocabulary import nearest_words
from small_clips import small_backbone


def test_a_words_own_embedding_is_nearest_to_it() -> None:
    backbone = small_backbone()
    context = torch.cat([3 * backbone.token_embeddings("photo"), -backbone.token_embeddings("of")])
    first, second = nearest_words(backbone, context, top=3)
    assert (first[0].word, first[0].cosine) == ("photo", pytest.approx(1.0, abs=1e-5))
    assert [near.cosine for near in first] == sorted((n.cosine for n in first), reverse=True)
    assert "of" not in [near.word for near in second]


def test_mini_answers_with_words_it_knows() -> None:
    backbone = build("mini", device="cpu")
    (found,) = nearest_words(backbone, backbone.token_embeddings("dog"), top=5)
    assert found[0].word == "dog"
    assert len(found) == 5
