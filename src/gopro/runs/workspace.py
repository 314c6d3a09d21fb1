"""What the runs of one command share in memory: data sets, the backbone, pictures, features."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable, Sequence
from pathlib import Path
from typing import TypeVar

from torch import Tensor

from gopro.backbones import Backbone, ImageFeatures, build
from gopro.training.config import TrainSettings
from gopro.data import Dataset, Item, load

Kept = TypeVar("Kept", Tensor, ImageFeatures)

SHARED = 2 * 1024**3
"""Bytes of pictures and features that several runs keep: 25,000 images of ViT-B/16."""


class Workspace:
    """Makes each thing once for all runs that ask for it.

    Nothing of it is changed by a run: the backbone is frozen, and tensors are only read.

    Args:
        limit: Bytes of pictures and features to keep; what wasn't used for longest goes first.
            0, for a run of its own, keeps none.
    """

    def __init__(self, limit: int = 0) -> None:
        self.limit = limit
        self._datasets: dict[Hashable, Dataset] = {}
        self._backbone: tuple[Hashable, Backbone] | None = None
        self._kept: OrderedDict[Hashable, Tensor | ImageFeatures] = OrderedDict()

    def dataset(self, name: str, root: Path | None, seed: int) -> Dataset:
        """A data set by name.

        Raises:
            GoproError: As ``data.load``.
        """
        key = (name, root, seed)
        if key not in self._datasets:
            self._datasets[key] = load(name, root, seed=seed)
        return self._datasets[key]

    def backbone(self, settings: TrainSettings) -> Backbone:
        """The backbone that these settings name; the last one is kept.

        Raises:
            GoproError: As ``backbones.build``.
        """
        names = ("backbone", "pretrained", "device", "precision", "chunk_tokens")
        key = tuple(getattr(settings, name) for name in names)
        if self._backbone is None or self._backbone[0] != key:
            self._backbone = None
            self._kept.clear()  # features of the other one
            made = build(
                settings.backbone,
                settings.pretrained,
                device=settings.device,
                precision=settings.precision,
                chunk_tokens=settings.chunk_tokens,
            )
            self._backbone = (key, made)
        return self._backbone[1]

    def keep(
        self, what: str, dataset: Dataset, items: Sequence[Item], make: Callable[[], Kept]
    ) -> Kept:
        """What was made of these pictures before, or else is made now.

        Args:
            what: Tells the things that are made of pictures apart.
            dataset: Opens the items.
            items: The pictures; their labels don't count.
            make: Makes it.
        """
        key = (what, dataset.name, dataset.root, tuple(item.key for item in items))
        if key in self._kept:
            self._kept.move_to_end(key)
            return self._kept[key]  # type: ignore[return-value]
        made = make()
        self._kept[key] = made
        while self._kept and sum(map(_bytes, self._kept.values())) > self.limit:
            self._kept.popitem(last=False)
        return made


def _bytes(kept: Tensor | ImageFeatures) -> int:
    if isinstance(kept, Tensor):
        return kept.nbytes
    return kept.embedding.nbytes + kept.mean.nbytes + kept.std.nbytes
