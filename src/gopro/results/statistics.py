"""Paired differences with confidence intervals."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

LEVEL = 0.95
"""Level of the confidence intervals."""


@dataclass(frozen=True)
class Difference:
    """The mean of paired differences, in percentage points.

    Attributes:
        mean: The mean over the pairs.
        reach: Half the width of the confidence interval; None for a single pair.
        pairs: The number of pairs.
    """

    mean: float
    reach: float | None
    pairs: int

    @property
    def clear(self) -> bool:
        """Whether zero lies outside the interval."""
        return self.reach is not None and abs(self.mean) > self.reach


def paired(differences: Sequence[float]) -> Difference:
    """Student's confidence interval of a mean: ``mean ± t(n - 1) s / sqrt(n)``.

    Args:
        differences: One per pair, at least one; the pairs are assumed independent.
    """
    mean, count = statistics.mean(differences), len(differences)
    if count < 2:
        return Difference(mean, None, count)
    reach = quantile(count - 1) * statistics.stdev(differences) / math.sqrt(count)
    return Difference(mean, reach, count)


def quantile(freedom: int) -> float:
    """The two-sided 95 % quantile of Student's t distribution."""
    from scipy.special import stdtrit

    return float(stdtrit(freedom, (1 + LEVEL) / 2))
