"""Class names as tokens, and what names are refused."""

from __future__ import annotations

import pytest
import torch

from gopro.backbones import ClassTokens, Prompts
from gopro.backbones.prompts import UpperTokens, tokenize_class_names, tokenize_sentences
from gopro.backbones.text_tokens import TextTokens
from gopro.common.errors import GoproError
from small_clips import small_backbone, tokenizer

TOKENS = TextTokens(tokenizer(), "small")


def encode(*names: str, room: int = 72, template: str = "{}.") -> list[list[int]]:
    return tokenize_class_names(names, TOKENS, room=room, template=template)


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


def test_different_names_with_the_same_tokens_are_refused() -> None:
    one, other = "rock & roll", "Rock &amp; roll"
    with pytest.raises(GoproError, match="read the same") as caught:
        encode("dog", one, other)
    assert repr(one) in str(caught.value)
    assert repr(other) in str(caught.value)


@pytest.mark.parametrize("again", ["missile", "Missile", " missile_"])
def test_names_can_be_equal(again: str) -> None:
    one, other, third = encode("missile", "cat", again)
    assert one == third != other


def test_sentences_can_be_equal() -> None:
    sentences = ["It has  fur.", "it_has fur.", "It flies"]
    assert tokenize_sentences(sentences, TOKENS, room=5) == [
        sentence("It has fur."),
        sentence("it has fur."),
        sentence("It flies"),
    ]
    with pytest.raises(GoproError, match=r"the text 'It has fur.' is 4 tokens long and only 3 fit"):
        tokenize_sentences(["It flies", "It has fur."], TOKENS, room=4)
    with pytest.raises(GoproError, match="the text ' _' has no word that the tokenizer can use"):
        tokenize_sentences(["It flies", " _"], TOKENS, room=4)


def test_class_tokens_hold_embeddings_without_positions() -> None:
    backbone = small_backbone()
    tokens = backbone.class_tokens(["cat", "golden retriever"], 4)
    table = backbone.text_encoder.tower.weight
    assert tokens.lengths == (3, 4)
    for row, name, length in zip(
        tokens.embedding, ("cat.", "golden retriever."), tokens.lengths, strict=True
    ):
        assert torch.equal(row[:length], table[sentence(name)])
        assert not row[length:].any()
    assert torch.equal(tokens.start, table[[tokenizer().sot_token_id]])
    assert torch.equal(
        backbone.token_embeddings("a photo of a"), table[sentence("a photo of a")[:-1]]
    )


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


def column(*values: float) -> torch.Tensor:
    """Tokens of width 1."""
    return torch.tensor([float(value) for value in values])[:, None]


# two classes: 10, end; and 20, 21, end
BY_HAND = ClassTokens(torch.stack([column(10, 19, 0), column(20, 21, 29)]), (2, 3), column(1))


def read(prompts: Prompts) -> list[list[list[float]]]:
    """For each image and class the prompt's tokens up to its end."""
    images = max(prompts.prefix.shape[0], prompts.suffix.shape[0])
    prefix = prompts.prefix.expand(images, -1, -1)[..., 0].tolist()
    suffix = prompts.suffix.expand(images, -1, -1, -1)[..., 0].tolist()
    return [
        [start + row[:length] for row, length in zip(rows, prompts.lengths, strict=True)]
        for start, rows in zip(prefix, suffix, strict=True)
    ]


def test_some_classes_in_the_order_given() -> None:
    taken = BY_HAND.take([1, 0])
    assert taken.lengths == (3, 2) and taken.start is BY_HAND.start
    assert taken.embedding[..., 0].tolist() == [[20, 21, 29], [10, 19, 0]]
    assert BY_HAND.take([0]).embedding[..., 0].tolist() == [[10, 19]]
    pairs = BY_HAND.paired(torch.tensor([0, 0, 1]), torch.tensor([1, 0, 1]))
    assert pairs.lengths == (3,) and pairs.start is BY_HAND.start and pairs.pairs is not None
    assert pairs.embedding[..., 0].tolist() == [[[20, 21, 29]], [[10, 19, 0]], [[20, 21, 29]]]
    assert pairs.pairs.images.tolist() == [0, 0, 1] and pairs.pairs.lengths.tolist() == [3, 2, 3]
    short = BY_HAND.paired(torch.tensor([5]), torch.tensor([0]))
    assert short.embedding[..., 0].tolist() == [[[10, 19]]]


def test_the_context_before_the_name() -> None:
    wanted = [[1, 2, 3, 10, 19], [1, 2, 3, 20, 21, 29]]
    assert read(Prompts.after(column(2, 3), BY_HAND)) == [wanted]
    each = torch.stack([column(2, 3), column(4, 5)])
    assert read(Prompts.after(each, BY_HAND)) == [
        wanted,
        [[1, 4, 5, 10, 19], [1, 4, 5, 20, 21, 29]],
    ]
    pairs = BY_HAND.paired(torch.tensor([1]), torch.tensor([0]))
    assert Prompts.after(each, pairs).pairs is pairs.pairs
    deep = [column(7, 8)[None]]
    assert Prompts.after(column(2, 3), BY_HAND, deep).deep == (deep[0],)


def test_a_context_for_each_class() -> None:
    context = torch.stack([column(2, 3), column(4, 5)])
    wanted = [[1, 2, 3, 10, 19], [1, 4, 5, 20, 21, 29]]
    assert read(Prompts.per_class(context, BY_HAND)) == [wanted]
    both = torch.stack([context, context + 100])
    assert read(Prompts.per_class(both, BY_HAND)) == [
        wanted,
        [[1, 102, 103, 10, 19], [1, 104, 105, 20, 21, 29]],
    ]


def test_context_on_both_sides() -> None:
    made = Prompts.around(column(2, 3), column(4), BY_HAND, column(5))
    assert read(made) == [[[1, 2, 3, 10, 4, 5, 19], [1, 2, 3, 20, 21, 4, 5, 29]]]
    made = Prompts.around(column(2)[:0], column(4), BY_HAND, column(5, 6))
    assert read(made) == [[[1, 10, 4, 5, 6, 19], [1, 20, 21, 4, 5, 6, 29]]]
    before, after = torch.stack([column(2), column(3)]), torch.stack([column(4), column(7)])
    made = Prompts.around(before, after, BY_HAND, column(5))
    assert read(made) == [[[1, 2, 10, 4, 5, 19], [1, 3, 20, 21, 7, 5, 29]]]
    assert made.lengths == (5, 6) and made.prefix.shape == (1, 1, 1)


def test_names_stand_after_context_unless_said_otherwise(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(TextTokens, "following", lambda self, text: [1, len(text)])
    monkeypatch.setattr(TextTokens, "encode", lambda self, text: [2, len(text)])
    end = list(TOKENS.end)
    assert tokenize_class_names(["ant"], TOKENS, room=9) == [[1, len("ant."), *end]]
    (row,) = tokenize_class_names(["ant"], TOKENS, room=9, template="an {}", following=False)
    assert row == [2, len("an ant"), *end]


def test_tokens_of_the_upper_blocks_enter_once_and_are_then_replaced() -> None:
    numbers = torch.arange(2 * 4.0).reshape(2, 4, 1)  # two prompts: start, start, text, text
    own = [10 * torch.tensor([[1.0], [2.0], [3.0]]), 100 * torch.tensor([[1.0], [2.0], [3.0]])]
    upper = UpperTokens(2, tuple(own))
    assert upper.put(1, numbers, start=2) is numbers
    entered = upper.put(2, numbers, start=2)
    assert entered[..., 0].tolist() == [[0, 1, 10, 20, 30, 2, 3], [4, 5, 10, 20, 30, 6, 7]]
    replaced = upper.put(3, entered, start=2)
    assert replaced[..., 0].tolist() == [[0, 1, 100, 200, 300, 2, 3], [4, 5, 100, 200, 300, 6, 7]]
    assert upper.put(4, replaced, start=2) is replaced
