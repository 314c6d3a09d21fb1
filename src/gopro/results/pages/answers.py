"""Statistics of the answers on one test: gains by class, confusions, examples."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from PIL import Image

from gopro.common.text import readable
from gopro.results.by_class import accuracy_by_class


@dataclass(frozen=True)
class ClassRow:
    """A class of a test: number of images, and the accuracy of both methods in percent."""

    name: str
    pictures: int
    ours: float
    zero_shot: float
    test: str = ""

    @property
    def change(self) -> float:
        """Percentage points gained over zero-shot CLIP."""
        return self.ours - self.zero_shot


@dataclass(frozen=True)
class Confusion:
    """A class, and the wrong answers to its images: name, number, share in percent."""

    row: ClassRow
    taken_for: tuple[tuple[str, int, float], ...]
    others: float


@dataclass(frozen=True)
class Example:
    """One image with its true class and both answers."""

    number: int
    truth: str
    ours: str
    zero_shot: str


@dataclass(frozen=True)
class Answers:
    """The answers of both methods on one test.

    Attributes:
        name: The name of the test.
        class_names: The classes to choose from.
        truth: The true class of each image, as an index.
        ours: The method's answers.
        zero_shot: The answers of zero-shot CLIP.
        picture: Opens an image by its number, for a size in pixels.
    """

    name: str
    class_names: Sequence[str]
    truth: Sequence[int]
    ours: Sequence[int]
    zero_shot: Sequence[int]
    picture: Callable[[int, int], Image.Image] = field(repr=False, compare=False)

    @property
    def pictures(self) -> int:
        """Number of images."""
        return len(self.truth)

    @cached_property
    def accuracy(self) -> float:
        """The method's accuracy in percent."""
        return _percent(self.truth, self.ours)

    @cached_property
    def zero_shot_accuracy(self) -> float:
        """The accuracy of zero-shot CLIP in percent."""
        return _percent(self.truth, self.zero_shot)

    @cached_property
    def classes(self) -> list[ClassRow]:
        """Every class that has images, in the order of the class names."""
        count = Counter(self.truth)
        ours, zero = (accuracy_by_class(self.truth, of) for of in (self.ours, self.zero_shot))
        return [
            ClassRow(self.name_of(label), count[label], ours[label], zero[label])
            for label in sorted(count)
        ]

    def gains(self, most: int) -> list[ClassRow]:
        """The classes with the largest gains."""
        return sorted((r for r in self.classes if r.change > 0), key=lambda r: -r.change)[:most]

    def losses(self, most: int) -> list[ClassRow]:
        """The classes with the largest losses."""
        return sorted((r for r in self.classes if r.change < 0), key=lambda r: r.change)[:most]

    def confusions(self, most: int, names: int = 3) -> list[Confusion]:
        """The classes with the lowest accuracy, and the most frequent wrong answers to them."""
        rows = dict(zip(sorted(set(self.truth)), self.classes, strict=True))
        taken: dict[int, Counter[int]] = {}
        for truth, answer in zip(self.truth, self.ours, strict=True):
            if truth != answer:
                taken.setdefault(truth, Counter())[answer] += 1
        worst = sorted(taken, key=lambda label: (rows[label].ours, -rows[label].pictures))[:most]
        confusions = []
        for label in worst:
            row, common = rows[label], taken[label].most_common(names)
            shares = tuple(
                (self.name_of(answer), count, 100 * count / row.pictures)
                for answer, count in common
            )
            others = 100 - row.ours - sum(share for *_, share in shares)
            confusions.append(Confusion(row, shares, max(0.0, others)))
        return confusions

    def groups(self) -> dict[str, list[int]]:
        """Numbers of the images by who is right.

        "corrected": the method only; "spoiled": zero-shot CLIP only; "right": both; "wrong": none.
        """
        groups: dict[str, list[int]] = {"corrected": [], "spoiled": [], "wrong": [], "right": []}
        names = {(True, False): "corrected", (False, True): "spoiled", (True, True): "right"}
        answers = zip(self.truth, self.ours, self.zero_shot, strict=True)
        for number, (truth, ours, zero) in enumerate(answers):
            groups[names.get((ours == truth, zero == truth), "wrong")].append(number)
        return groups

    def examples(self, numbers: Sequence[int], most: int) -> list[Example]:
        """A random sample of the images; the same one at every call."""
        chosen = sorted(random.Random(0).sample(numbers, min(most, len(numbers))))
        columns = (self.truth, self.ours, self.zero_shot)
        return [Example(n, *(self.name_of(labels[n]) for labels in columns)) for n in chosen]

    def name_of(self, label: int) -> str:
        """A class name as it reads in a prompt."""
        return readable(self.class_names[label])


def _percent(truth: Sequence[int], answers: Sequence[int]) -> float:
    right = sum(a == t for a, t in zip(answers, truth, strict=True))
    return 100 * right / len(truth) if truth else 0.0
