"""Captions are true, and the record of the slots that they mention is right."""

from __future__ import annotations

import random

from recipes.mini.captions import all_sentences, describe, kind_of, prompt, value_of
from recipes.mini.names import Vocabulary
from recipes.mini.words import MEDIA, SLOTS, WORDS


def _slots(**values: str) -> list[int]:
    return [value_of(slot, values.get(slot, "")) for slot in SLOTS]


def test_default_slots_mostly_give_a_plain_photo() -> None:
    rng = random.Random(0)
    made = [describe(["dog"], "", _slots(), rng) for _ in range(400)]
    assert all("dog" in caption.text for caption in made)
    usual = sum(caption.text == prompt("dog") for caption in made)
    assert 50 < usual < 200
    # a photograph is never called a drawing
    drawn = [word for style, media in MEDIA.items() if style for word in media]
    assert not any(word in caption.text for caption in made for word in drawn)


def test_said_lists_exactly_the_slots_that_are_spoken_of() -> None:
    rng = random.Random(1)
    slots = _slots(style="sketch", tone="dark", quality="blurry")
    for _ in range(200):
        caption = describe(["sea horse", "seahorse"], "", slots, rng)
        for slot in ("tone", "quality"):
            value = {"tone": "dark", "quality": "blurry"}[slot]
            early, late = WORDS[slot][value]
            spoken = any(word in caption.text for word in (*early, *late))
            assert spoken == (caption.said[SLOTS.index(slot)] != -1), caption
        assert "photo" not in caption.text
        assert caption.word in caption.text


def test_the_kind_of_a_picture_says_only_what_is_true_of_it() -> None:
    rng = random.Random(2)
    photo, drawn = _slots(tone="dark"), _slots(style="sketch", look="clean", turn="over")
    kinds = {kind_of(photo, rng) for _ in range(200)}
    assert ("photo", (0, *[-1] * (len(SLOTS) - 1))) in kinds
    assert {words.split()[-1] for words, _ in kinds} == {"photo"}
    for words, said in kinds:
        tone = said[SLOTS.index("tone")]
        assert (tone == -1) == (words == "photo")
        assert tone == -1 or words.removesuffix(" photo") in WORDS["tone"]["dark"][0]
    for _ in range(200):
        words, said = kind_of(drawn, rng)
        assert words.endswith(MEDIA["sketch"])
        assert said[0] == value_of("style", "sketch")
        assert all(said[i] in (-1, drawn[i]) for i in range(len(SLOTS)))


def test_prompts_have_the_right_article() -> None:
    assert prompt("dog") == "a photo of a dog."
    assert prompt("dog", "outline drawing") == "an outline drawing of a dog."


def test_the_same_seed_gives_the_same_caption() -> None:
    slots = _slots(look="clean", tone="grey")
    first = [describe(["cup"], "", slots, random.Random(5)) for _ in range(3)]
    assert first[0] == first[1] == first[2]


def test_all_words_are_among_the_sentences_that_fix_the_lexicon() -> None:
    together = " ".join(all_sentences(["sea horse"]))
    for word in ("sea horse", "upside-down", "blackboard drawing", "a photo of a"):
        assert word in together


def test_vocabulary_joins_equal_names_and_keeps_near_ones_apart() -> None:
    vocabulary = Vocabulary()
    tabby = vocabulary.add(["tabby", "tabby cat"])
    assert vocabulary.add(["Tabby"]) == tabby
    cat = vocabulary.add(["cat"])
    persian = vocabulary.add(["Persian cat", "Felis persica"])
    assert vocabulary.classes[persian] == ["persian cat"]
    fits = vocabulary.fits()
    words = vocabulary.words()
    assert fits[words.index("cat")].tolist() == [True, True, True]
    assert fits[words.index("tabby cat")].tolist() == [True, False, False]
    assert fits[words.index("persian cat"), cat] == 0
