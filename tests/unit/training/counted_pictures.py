"""Pictures that count how often each was asked for."""

from __future__ import annotations

import numpy as np

from gopro.training.views.crops import Pixels


class Counted:
    """Pictures of another size than the pixels, and how often each was asked for."""

    def __init__(self) -> None:
        rng = np.random.default_rng(0)
        self.arrays = [rng.integers(0, 256, (50, 70 + i, 3), dtype=np.uint8) for i in range(5)]
        self.asked: list[int] = []

    def __len__(self) -> int:
        return len(self.arrays)

    def __getitem__(self, index: int) -> Pixels:
        self.asked.append(index)
        return self.arrays[index]

    def digest(self) -> str:
        return str(self.arrays[0][0, 0])
