"""What the runs of one command share in memory: data sets, the backbone, images, features."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable, Sequence
from pathlib import Path
from typing import Protocol, TypeVar

import torch

from gopro.backbones import Backbone
from gopro.backbones.shared import BackboneKey, backbone_key, shared_backbone
from gopro.common.preprocessing import Decode
from gopro.data import Dataset, Item, load
from gopro.training.config import TrainSettings


class Kept(Protocol):
    """Tensors, features or pictures, with their bytes in memory."""

    @property
    def nbytes(self) -> int: ...


T = TypeVar("T", bound=Kept)

SHARED = 2 * 1024**3
"""Bytes of images and features that several runs keep: about 25,000 images of ViT-B/16."""


class Workspace:
    """A cache in memory: each thing is made once for all runs that ask for it.

    A run changes nothing in it: the backbone is frozen, and tensors are only read.

    Args:
        limit: Bytes of images and features to keep; the least recently used goes first. 0, for a
            single run, keeps none.
    """

    def __init__(self, limit: int = 0) -> None:
        self.limit = limit
        self._datasets: dict[Hashable, Dataset] = {}
        self._key: BackboneKey | None = None
        self._kept: OrderedDict[Hashable, Kept] = OrderedDict()

    def dataset(self, name: str, root: Path | None, seed: int) -> Dataset:
        """A data set by name.

        Raises:
            GoproError: As ``data.load``.
        """
        key = (name, root, seed)
        if key not in self._datasets:
            self._datasets[key] = load(name, root, seed=seed)
        return self._datasets[key]

    def backbone(self, settings: TrainSettings, device: torch.device) -> Backbone:
        """The backbone that these settings name; the last one is kept.

        Raises:
            GoproError: As ``backbones.build``.
        """
        key = backbone_key(
            settings.backbone,
            settings.pretrained,
            str(device),
            settings.precision,
            settings.chunk_tokens,
        )
        if self._key != key:
            self._kept.clear()  # features of the other one
            self._key = key
        return shared_backbone(key, hashed=False).backbone

    def keep(
        self,
        kind: str,
        dataset: Dataset,
        items: Sequence[Item],
        decode: Decode,
        make: Callable[[], T],
    ) -> T:
        """What was made of these images, from the cache, else from ``make``.

        Args:
            kind: What it is, such as ``pixels`` or ``features``.
            dataset: Opens the items.
            items: The images; their labels don't count.
            decode: How they are decoded.
            make: Makes it.
        """
        source = (dataset.name, dataset.root, dataset.source)
        key = (kind, decode, source, tuple(item.key for item in items))
        if key in self._kept:
            self._kept.move_to_end(key)
            return self._kept[key]  # type: ignore[return-value]
        tensors = make()
        self._kept[key] = tensors
        while self._kept and sum(kept.nbytes for kept in self._kept.values()) > self.limit:
            self._kept.popitem(last=False)
        return tensors
