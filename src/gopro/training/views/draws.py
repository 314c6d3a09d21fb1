"""Random numbers for views: each image has its own stream; no global state is used."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


class Draws:
    """Uniform random numbers, one independent stream per image.

    Image i's stream depends only on ``seed``, ``keys[i]`` and ``stream`` (counter-based Philox,
    Salmon et al., SC 2011), not on the batch, the device or the process.

    Args:
        seed: Changes all streams; use another one in each epoch or step.
        keys: One integer per image.
        stream: Number of the kind of view, so that two views of an image are independent.
    """

    def __init__(self, seed: int, keys: Sequence[int], stream: int) -> None:
        self._generators = [
            np.random.Generator(
                np.random.Philox(
                    key=int(seed) % 2**64 + (int(key) % 2**64 << 64), counter=stream << 192
                )
            )
            for key in keys
        ]

    def uniform(self, low: float = 0.0, high: float = 1.0, shape: tuple[int, ...] = ()) -> Floats:
        """Numbers from [low, high) of shape [B, *shape]."""
        numbers = np.empty((len(self._generators), *shape))
        for index, generator in enumerate(self._generators):
            numbers[index] = generator.random(shape)
        numbers *= high - low
        numbers += low
        return numbers

    def happens(self, probability: float) -> NDArray[np.bool_]:
        """True with ``probability``, [B]."""
        return self.uniform() < probability

    def order(self, count: int) -> NDArray[np.intp]:
        """A random order of 0..count-1 for each image, [B, count]."""
        return np.argsort(self.uniform(shape=(count,)), axis=1)

    def integer(self, low: int, high: int, shape: tuple[int, ...] = ()) -> NDArray[np.intp]:
        """Integers from low to high, both included, of shape [B, *shape]."""
        return np.floor(self.uniform(low, high + 1, shape)).astype(np.intp)

    def simplex(self, count: int) -> Floats:
        """Dirichlet(1, .., 1) weights, [B, count]: normalised standard exponentials."""
        exponentials = -np.log1p(-self.uniform(shape=(count,)))
        total: Floats = exponentials.sum(axis=1, keepdims=True)
        return exponentials / total
