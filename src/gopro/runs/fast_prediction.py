"""Fast prediction for a finished run's tests: fitted once per test, stored in the run folder."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from gopro.backbones import ImageFeatures
from gopro.common.errors import GoproError
from gopro.common.files import atomic_write
from gopro.prediction.fast.fitted import fit
from gopro.prediction.fast.image_dependent import Reference
from gopro.prediction.fast.predict import FastPrompts
from gopro.prediction.fast.stored import load_fast, save_fast


class FastTests:
    """Replaces a method by its fast prediction in each test.

    Attributes:
        made: Name of a test -> its fast prediction, with its counts.

    Args:
        folder: The run folder.
        method: Trained.
        train: Returns the features of the training images; called only when a map is missing.
    """

    def __init__(self, folder: Path, method: Any, train: Callable[[], ImageFeatures]) -> None:
        self.folder, self.method, self.train = folder, method, train
        self.made: dict[str, FastPrompts] = {}
        self._reference: Reference | None = None

    def __call__(self, name: str, method: Any) -> FastPrompts:
        """The fast prediction of a test; its map is read, or fitted and stored.

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
            except GoproError:  # a damaged file is made again
                fitted = None
        if fitted is None:
            if self._reference is None:
                self._reference = Reference.of(self.method.eval(), self.train())
            fitted = fit(method, self._reference)
            with atomic_write(path) as temporary:
                save_fast(temporary, method, self._reference, fitted)
        self.made[name] = FastPrompts(method, fitted)
        return self.made[name]

    def lines(self, exact: Mapping[str, Any], fast: Mapping[str, Any]) -> list[str]:
        """A line per test: errors of the scores, their cost, and how many answers are the same.

        Args:
            exact: Contents of ``predictions.json``.
            fast: The same, for fast prediction of the same images.
        """
        return [
            f"{name}: {_equal(exact[name]['predicted'], fast[name]['predicted'])}; {_cost(made)}"
            for name, made in self.made.items()
        ]


def _cost(made: FastPrompts) -> str:
    largest, mean = made.fitted.error
    pairs = made.exact_pairs / max(1, made.exact_images)
    return (
        f"on training images the error of fast scores is {mean:.2g} on average and {largest:.2g} "
        f"at most; {made.exact_images} of {made.images} images needed the text tower, for "
        f"{pairs:.1f} of {len(made.method.class_names)} classes each"
    )


def _equal(exact: Sequence[int], fast: Sequence[int]) -> str:
    if len(exact) != len(fast):
        return "the images differ from the run's"
    same = sum(a == b for a, b in zip(exact, fast, strict=True))
    return f"{same} of {len(fast)} answers ({100 * same / len(fast):.2f} %) equal the exact ones"
