"""Batches of some of the images of a source that several trainings share."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from torch import Tensor

from gopro.methods.base import Batch
from gopro.training.batches import LiveViews


@dataclass(frozen=True)
class SomeImages:
    """A source of batches of some images.

    Attributes:
        source: Of all images.
        indices: [N], the images of this training among those of the source.
    """

    source: LiveViews
    indices: Tensor

    def batches(self, steps: Iterable[Tensor], epoch: int) -> Iterator[Batch]:
        """See ``LiveViews``; the steps are indexes into this training's images."""
        return self.source.batches((self.indices[chosen] for chosen in steps), epoch)
