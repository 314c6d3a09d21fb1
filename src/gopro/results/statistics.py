"""Paired differences with their confidence."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

LEVEL = 0.95
"""Of the confidence intervals."""


@dataclass(frozen=True)
class Difference:
    """A mean difference of pairs, in percentage points.

    Attributes:
        mean: Over the pairs.
        reach: Half the width of the confidence interval; None for a single pair.
        pairs: How many.
    """

    mean: float
    reach: float | None
    pairs: int

    @property
    def clear(self) -> bool:
        """Whether zero lies outside the interval."""
        return self.reach is not None and abs(self.mean) > self.reach


def paired(differences: Sequence[float]) -> Difference:
    """Student's interval of a mean: ``mean ± t(n - 1) s / sqrt(n)``.

    Args:
        differences: One a pair, at least one; pairs are taken for independent.
    """
    mean, count = statistics.mean(differences), len(differences)
    if count < 2:
        return Difference(mean, None, count)
    reach = quantile(count - 1) * statistics.stdev(differences) / math.sqrt(count)
    return Difference(mean, reach, count)


def quantile(freedom: int) -> float:
    """Student's t that 95 % of the distribution lies within, on both sides."""
    from scipy.special import stdtrit

    return float(stdtrit(freedom, (1 + LEVEL) / 2))
