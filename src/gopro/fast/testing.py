"""Fast prediction for a finished run's tests: fitted once for each, and kept in the run folder."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from gopro.backbones import ImageFeatures
from gopro.errors import GoproError
from gopro.fast.conditioned import Reference
from gopro.fast.fitted import fit
from gopro.fast.predict import FastPrompts
from gopro.fast.stored import load_fast, save_fast
from gopro.files import atomic_write


class FastTests:
    """Puts fast prediction in a method's place, test by test.

    Attributes:
        made: Name of a test -> its fast prediction, which has counted what it was asked.

    Args:
        folder: The run folder.
        method: Trained.
        train: Gives the features of the training images; asked for only where a map isn't there.
    """

    def __init__(self, folder: Path, method: Any, train: Callable[[], ImageFeatures]) -> None:
        self.folder, self.method, self.train = folder, method, train
        self.made: dict[str, FastPrompts] = {}
        self._reference: Reference | None = None

    def __call__(self, name: str, method: Any) -> FastPrompts:
        """The fast prediction of a test; its map is fitted and kept, or read.

        Args:
            name: Of the test.
            method: With the test's class names.

        Raises:
            GoproError: When there is no fast way for the method, or the folder can't be written.
        """
        path = self.folder / f"fast-{re.sub(r'[^a-zA-Z0-9-]+', '_', name)}.safetensors"
        fitted = None
        if path.exists():
            try:
                fitted = load_fast(path, method)[1]
            except GoproError:  # damaged: made again
                fitted = None
        if fitted is None:
            if self._reference is None:
                self._reference = Reference.of(self.method.eval(), self.train())
            fitted = fit(method, self._reference)
            with atomic_write(path) as temporary:
                save_fast(temporary, method, self._reference, fitted)
        self.made[name] = FastPrompts(method, fitted)
        return self.made[name]

    def lines(self) -> list[str]:
        """What to tell: how far scores are off, and how many images needed the text tower."""
        return [
            f"{name}: fast scores are off by {fast.fitted.error[1]:.2g} in the mean and "
            f"{fast.fitted.error[0]:.2g} at most, as measured on training images; {fast.asked} of "
            f"{fast.answered} images needed the text tower, for "
            f"{fast.pairs / max(1, fast.asked):.1f} of {len(fast.method.class_names)} classes each"
            for name, fast in self.made.items()
        ]
