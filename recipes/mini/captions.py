"""Captions that say what a picture shows, how it looks, and how it was altered.

A picture has one value per slot (style, light, position of the thing, ...). A caption names the
class and some of the slots. This has two effects. The caption of a picture is wrong for a darkened
copy of it, so context words must have a meaning. And it is known exactly which captions are true of
which pictures, so no true caption is used as a negative.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from recipes.mini.words import (
    ENDS,
    GUIDE_TEMPLATES,
    MEDIA,
    NEUTRAL,
    OPENINGS,
    PLAIN,
    SLOTS,
    WORDS,
    Words,
)

_VALUES: dict[str, list[str]] = {
    slot: ["", *(MEDIA if slot == "style" else WORDS[slot])] for slot in SLOTS
}
_VALUES["style"] = list(MEDIA)


def register(slot: str, value: str, words: Words | tuple[str, ...]) -> None:
    """Add a value to a slot, with its words (for ``style`` a list of media)."""
    if value in _VALUES[slot]:
        return
    _VALUES[slot].append(value)
    if slot == "style":
        MEDIA[value] = tuple(str(word) for word in words)
    else:
        before, after = words
        WORDS[slot][value] = (tuple(before), tuple(after))


def value_of(slot: str, value: str) -> int:
    """The number of a value of a slot; 0 is the default, which captions do not mention."""
    return _VALUES[slot].index(value)


def _ways(slot: int, value: int) -> Words:
    """The words for a value of a slot (not of the style)."""
    return WORDS[SLOTS[slot]][_VALUES[SLOTS[slot]][value]]


def kind_of(slots: Sequence[int], rng: random.Random) -> tuple[str, tuple[int, ...]]:
    """A kind of picture, such as "dark photo", chosen from the slots of one picture.

    Args:
        slots: The value of each slot of the picture.
        rng: Source of all random choices.

    Returns:
        Words for :func:`prompt`, such as "photo", "pencil sketch" or "dark photo", and the value
        that they state for each slot, or -1.
    """
    said = [-1] * len(SLOTS)
    said[0] = slots[0]
    medium = rng.choice(MEDIA[_VALUES["style"][slots[0]]]) if slots[0] else "photo"
    words = {slot: _ways(slot, slots[slot])[0] for slot in range(1, len(SLOTS)) if slots[slot]}
    sayable = [slot for slot, early in words.items() if early]
    if sayable and rng.random() < 0.4:
        slot = rng.choice(sayable)
        said[slot] = slots[slot]
        medium = f"{rng.choice(words[slot])} {medium}"
    return medium, tuple(said)


@dataclass(frozen=True)
class Caption:
    """A sentence, its class word, and the slots that it mentions.

    Attributes:
        text: The sentence.
        word: The class word in it.
        said: The value that the sentence states for each slot, or -1.
    """

    text: str
    word: str
    said: tuple[int, ...]


def prompt(word: str, medium: str = "photo") -> str:
    """The sentence that prompt learning starts from, for a photo or another medium."""
    return f"{_a(medium)} of a {word}."


def describe(
    names: Sequence[str], wide: str, slots: Sequence[int], rng: random.Random, *, say: float = 0.8
) -> Caption:
    """Generate a caption for one picture.

    Args:
        names: The names of the class, the most common first.
        wide: A more general word for the class, or ``""``.
        slots: The value of each slot of the picture.
        rng: Source of all random choices.
        say: Probability that a value other than the default is mentioned.
    """
    word = names[0] if rng.random() < 0.75 else rng.choice(list(names))
    if wide and rng.random() < 0.06:
        word = wide
    said = [-1] * len(SLOTS)
    before: list[str] = []
    after: list[str] = []
    order = list(range(1, len(SLOTS)))
    rng.shuffle(order)
    for slot in order:
        chance = 0.5 if SLOTS[slot] == "look" else say
        if slots[slot] == 0 or len(before) + len(after) == 3 or rng.random() > chance:
            continue
        early, late = _ways(slot, slots[slot])
        said[slot] = slots[slot]
        if early and (not late or rng.random() < 0.5):
            before.append(rng.choice(early))
        else:
            after.append(rng.choice(late))
    style = slots[0]
    if style == 0 and not before and not after and rng.random() < 0.8:
        template = rng.choice(PLAIN)
        said[0] = 0 if "photo" in template or "itap" in template else -1
        return Caption(template.format(word), word, tuple(said))
    if rng.random() < 0.88:
        said[0] = style
        medium = rng.choice(MEDIA[_VALUES["style"][style]])
    else:
        medium = rng.choice(NEUTRAL)
    return Caption(_sentence(word, medium, before, after, rng), word, tuple(said))


def _sentence(
    word: str, medium: str, before: list[str], after: list[str], rng: random.Random
) -> str:
    ending = rng.choice(ENDS)
    joined = rng.choice((", ", " ", " and ")).join(before)
    head = f"{joined} {medium}" if joined else medium
    tail = ", ".join(after)
    form = rng.random()
    if form < 0.7:
        article = rng.choice(("a", "a", "a", "the", "one", ""))
        text = f"{_a(head)} of {article} {word} {tail}"
    elif form < 0.85:
        text = f"{_a(word)} {tail}, {head}"
    else:
        text = f"{head}: {word} {tail}"
    text = " ".join((rng.choice(OPENINGS) + text).split()).replace(" ,", ",")
    return text.strip(" ,") + ending


def _a(words: str) -> str:
    return f"{'an' if words[:1] in 'aeiou' else 'a'} {words}"


def all_sentences(words: Iterable[str]) -> list[str]:
    """Text with every word that captions can contain, to find the tokens used in training."""
    parts = [*NEUTRAL, *OPENINGS, *PLAIN, *GUIDE_TEMPLATES, "an of the one and : "]
    parts += [medium for media in MEDIA.values() for medium in media]
    for values in WORDS.values():
        for early, late in values.values():
            parts += [*early, *late]
    return [
        *(part.replace("{}", " ") + end for part in parts for end in ENDS),
        *words,
        *(f"{word}{end}" for word in words for end in (".", ",", "!", "...")),
    ]
