"""What there is to tell about one test: which classes gained, which are mixed up, which pictures
changed sides. Plain counting, no drawing."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from PIL import Image

from gopro.data.dataset import readable


def by_class(truth: Sequence[int], answers: Sequence[int]) -> dict[int, float]:
    """Class -> how many percent of its pictures were named rightly; only classes that have any."""
    right = Counter(t for t, a in zip(truth, answers, strict=True) if t == a)
    return {place: 100 * right[place] / count for place, count in Counter(truth).items()}


@dataclass(frozen=True)
class ClassRow:
    """One class: its pictures, and how many percent of them each of the two named rightly."""

    name: str
    pictures: int
    ours: float
    zero_shot: float

    @property
    def change(self) -> float:
        """Percentage points gained over zero-shot CLIP."""
        return self.ours - self.zero_shot


@dataclass(frozen=True)
class Confusion:
    """A class, and what its pictures were taken for: name, number, share in percent."""

    row: ClassRow
    taken_for: tuple[tuple[str, int, float], ...]
    others: float


@dataclass(frozen=True)
class Example:
    """One picture and the two answers to it."""

    number: int
    truth: str
    ours: str
    zero_shot: str


@dataclass(frozen=True)
class Part:
    """The answers to one set of test pictures.

    Attributes:
        name: What the test is called.
        class_names: The classes to choose from.
        truth: The right class of each picture, as an index.
        ours: What was answered.
        zero_shot: What zero-shot CLIP answered.
        picture: Opens a picture by its number, for a size in pixels.
    """

    name: str
    class_names: Sequence[str]
    truth: Sequence[int]
    ours: Sequence[int]
    zero_shot: Sequence[int]
    picture: Callable[[int, int], Image.Image] = field(repr=False, compare=False)

    @property
    def pictures(self) -> int:
        """How many there are."""
        return len(self.truth)

    @cached_property
    def accuracy(self) -> float:
        """In percent."""
        return _percent(self.truth, self.ours)

    @cached_property
    def zero_shot_accuracy(self) -> float:
        """Zero-shot CLIP's, in percent."""
        return _percent(self.truth, self.zero_shot)

    @cached_property
    def classes(self) -> list[ClassRow]:
        """Every class that has pictures, in the order of the names."""
        count = Counter(self.truth)
        ours, plain = (by_class(self.truth, answers) for answers in (self.ours, self.zero_shot))
        return [
            ClassRow(self.name_of(place), count[place], ours[place], plain[place])
            for place in sorted(count)
        ]

    def gains(self, most: int) -> list[ClassRow]:
        """The classes that gained, most first."""
        return sorted((r for r in self.classes if r.change > 0), key=lambda r: -r.change)[:most]

    def losses(self, most: int) -> list[ClassRow]:
        """The classes that lost, most first."""
        return sorted((r for r in self.classes if r.change < 0), key=lambda r: r.change)[:most]

    def confusions(self, most: int, names: int = 3) -> list[Confusion]:
        """The classes that are named worst, and the names their pictures were given instead."""
        rows = {row.name: row for row in self.classes}
        taken: dict[str, Counter[int]] = {}
        for truth, answer in zip(self.truth, self.ours, strict=True):
            if truth != answer:
                taken.setdefault(self.name_of(truth), Counter())[answer] += 1
        worst = sorted(taken, key=lambda name: (rows[name].ours, -rows[name].pictures))[:most]
        found = []
        for name in worst:
            common = taken[name].most_common(names)
            shares = tuple(
                (self.name_of(answer), count, 100 * count / rows[name].pictures)
                for answer, count in common
            )
            others = 100 - rows[name].ours - sum(share for *_, share in shares)
            found.append(Confusion(rows[name], shares, max(0.0, others)))
        return found

    def groups(self) -> dict[str, list[int]]:
        """The pictures' numbers by who was right: "mended", "broken", "wrong" or "right"."""
        found: dict[str, list[int]] = {"mended": [], "broken": [], "wrong": [], "right": []}
        answers = zip(self.truth, self.ours, self.zero_shot, strict=True)
        for number, (truth, ours, plain) in enumerate(answers):
            side = {(True, False): "mended", (False, True): "broken", (True, True): "right"}
            found[side.get((ours == truth, plain == truth), "wrong")].append(number)
        return found

    def examples(self, numbers: Sequence[int], most: int) -> list[Example]:
        """Some of the pictures, drawn by lot: the same ones every time."""
        chosen = sorted(random.Random(0).sample(numbers, min(most, len(numbers))))
        return [
            Example(number, *(self.name_of(who[number]) for who in self._sides))
            for number in chosen
        ]

    @property
    def _sides(self) -> tuple[Sequence[int], Sequence[int], Sequence[int]]:
        return self.truth, self.ours, self.zero_shot

    def name_of(self, place: int) -> str:
        """A class's name as it reads in a prompt."""
        return readable(self.class_names[place])


def _percent(truth: Sequence[int], answers: Sequence[int]) -> float:
    right = sum(a == t for a, t in zip(answers, truth, strict=True))
    return 100 * right / len(truth) if truth else 0.0
