"""Class names as tokens, and what names are refused."""

from __future__ import annotations

import pytest
import torch

from gopro.backbones import Prompts
from gopro.backbones.prompts import encode_class_names
from gopro.errors import GoproError
from small_clips import small_backbone, tokenizer


def encode(*names: str, room: int = 72, template: str = "{}.") -> list[list[int]]:
    return encode_class_names(names, tokenizer(), room=room, template=template)


def sentence(text: str) -> list[int]:
    """What CLIP's own call gives for a whole text, start left out, padding cut."""
    ids = tokenizer()(text)[0].tolist()
    return ids[1 : ids.index(tokenizer().eot_token_id) + 1]


@pytest.mark.parametrize(
    ("name", "read"),
    [
        ("car_side", "car side"),
        ("Gerenuk", "gerenuk"),
        ("BACKGROUND_Google", "background google"),
        ("  two   spaces ", "two spaces"),
        ("_leading", "leading"),
        ("C-130", "C-130"),
        ("ying-yang", "ying-yang"),
        ("猫", "猫"),
        ("Ñandú", "Ñandú"),
        ("кошка", "кошка"),
        ("😀", "😀"),
        ("rock & roll", "rock & roll"),
        ("...", "..."),
        ("{}", "{}"),
    ],
)
def test_names_are_read_as_the_whole_sentence_is(name: str, read: str) -> None:
    assert encode(name) == [sentence(f"{read}.")]
    template = "a photo of a {}, a type of thing."
    assert encode(name, template=template) == [sentence(template.replace("{}", read))]


@pytest.mark.parametrize("name", ["St. Bernard.", "what?", "Yahoo!", "mother's", "dogs'", "etc..."])
def test_punctuation_at_the_end_joins_the_full_stop_as_in_the_sentence(name: str) -> None:
    assert encode(name) == [sentence(f"{name}.")]


@pytest.mark.parametrize("name", ["", " ", "\t\n", "_", "__ _", "\u00a0"])
def test_empty_names_are_refused(name: str) -> None:
    with pytest.raises(GoproError, match="has no text that the tokenizer can use"):
        encode("cat", name)


def test_control_words_are_no_control_tokens() -> None:
    (ids,) = encode("<end_of_text>")
    assert ids.count(tokenizer().eot_token_id) == 1


def test_no_names_are_refused() -> None:
    with pytest.raises(GoproError, match="no class names"):
        encode()


def test_the_longest_name_that_fits_and_one_more() -> None:
    longest = " ".join(["cat"] * 6)
    assert len(encode(longest, room=8)[0]) == 8
    with pytest.raises(GoproError) as caught:
        encode("dog", f"{longest} cat", room=8)
    message = str(caught.value)
    assert "'cat cat cat cat cat cat cat' is 8 tokens long and only 7 fit" in message
    assert "\n" not in message


def test_names_too_long_for_the_tower() -> None:
    backbone = small_backbone()
    backbone.class_tokens(["cat " * 70], 4)
    with pytest.raises(GoproError, match=r"is 72 tokens long and only 71 fit"):
        backbone.class_tokens(["cat " * 71], 4)
    with pytest.raises(GoproError, match="only 0 fit"):
        backbone.class_tokens(["cat"], 80)


@pytest.mark.parametrize(
    ("one", "other"),
    [("car_side", "car side"), ("Cat", "cat"), ("cat", " cat "), ("a  b", "a b"), ("x", "x")],
)
def test_names_that_read_the_same_are_refused(one: str, other: str) -> None:
    with pytest.raises(GoproError, match="read the same") as caught:
        encode("dog", one, other)
    assert repr(one) in str(caught.value)
    assert repr(other) in str(caught.value)


def test_class_tokens_hold_embeddings_without_positions() -> None:
    backbone = small_backbone()
    tokens = backbone.class_tokens(["cat", "golden retriever"], 4)
    table = backbone.texts.tower.token_embedding.weight
    assert tokens.lengths == (3, 4)
    for row, name, length in zip(
        tokens.embedding, ("cat.", "golden retriever."), tokens.lengths, strict=True
    ):
        assert torch.equal(row[:length], table[sentence(name)])
        assert not row[length:].any()
    assert torch.equal(tokens.start, table[tokenizer().sot_token_id])
    assert torch.equal(backbone.words("a photo of a"), table[sentence("a photo of a")[:-1]])


def test_the_two_usual_orders() -> None:
    backbone = small_backbone()
    tokens = backbone.class_tokens(["cat", "golden retriever"], 2)
    context = torch.randn(3, 2, 64)
    after = Prompts.after(context, tokens)
    assert after.prefix.shape == (3, 3, 64)
    assert after.suffix.shape == (1, 2, 4, 64)
    assert after.lengths == (3, 4)
    own = Prompts.per_class(torch.randn(2, 2, 64), tokens)
    assert own.prefix.shape == (1, 1, 64)
    assert own.suffix.shape == (1, 2, 6, 64)
    assert own.lengths == (5, 6)
