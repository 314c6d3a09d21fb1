"""Random draws that are the same in every process and every version of Python and numpy."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import TypeVar

T = TypeVar("T")


class Dice:
    """Draws fixed by a text key.

    Only ``random.Random(str)`` and its ``random()`` are used: these two are documented to give
    the same numbers in all Python versions, which ``choice`` or numpy's distributions are not.
    """

    def __init__(self, key: str) -> None:
        self._random = random.Random(key).random

    def between(self, low: float, high: float) -> float:
        """A number, uniform in [low, high)."""
        return low + (high - low) * self._random()

    def around(self, spread: float) -> float:
        """A number in (-spread, spread), most often near 0 (triangular)."""
        return spread * (self._random() - self._random())

    def count(self, low: int, high: int) -> int:
        """A whole number from ``low`` to ``high``, both included."""
        return low + int(self._random() * (high - low + 1))

    def chance(self, probability: float) -> bool:
        """True with this probability."""
        return self._random() < probability

    def pick(self, items: Sequence[T]) -> T:
        """One of the items, each as likely as the others."""
        return items[int(self._random() * len(items))]

    def weighted(self, items: Sequence[T], weights: Sequence[float]) -> T:
        """One of the items, in proportion to its weight."""
        left = self._random() * sum(weights)
        for item, weight in zip(items, weights, strict=True):
            left -= weight
            if left < 0:
                return item
        return items[-1]
