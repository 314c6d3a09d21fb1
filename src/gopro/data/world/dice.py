"""Random numbers that are the same in every process and every version of Python and NumPy."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import TypeVar

T = TypeVar("T")


class Dice:
    """Random draws that depend on a text key only.

    It uses only ``random.Random(str)`` and its ``random()``, which are documented to give the same
    numbers in all Python versions; ``choice`` and NumPy's distributions are not.
    """

    def __init__(self, key: str) -> None:
        self._random = random.Random(key).random

    def between(self, low: float, high: float) -> float:
        """A number, uniform in [low, high)."""
        return low + (high - low) * self._random()

    def around(self, spread: float) -> float:
        """A number in (-spread, spread) with a triangular distribution around 0."""
        return spread * (self._random() - self._random())

    def count(self, low: int, high: int) -> int:
        """An integer from ``low`` to ``high``, both included."""
        return low + int(self._random() * (high - low + 1))

    def chance(self, probability: float) -> bool:
        """True with this probability."""
        return self._random() < probability

    def pick(self, items: Sequence[T]) -> T:
        """One of the items, all with the same probability."""
        return items[int(self._random() * len(items))]

    def weighted(self, items: Sequence[T], weights: Sequence[float]) -> T:
        """One of the items, with probabilities proportional to the weights."""
        left = self._random() * sum(weights)
        for item, weight in zip(items, weights, strict=True):
            left -= weight
            if left < 0:
                return item
        return items[-1]
