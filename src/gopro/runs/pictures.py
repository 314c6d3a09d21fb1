"""The decoded images of a run."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from gopro.backbones.feature_cache import open_cache
from gopro.common.preprocessing import Preprocessing
from gopro.common.progress import bar
from gopro.data import Dataset, Item
from gopro.data.originals import KEPT, Originals
from gopro.data.pixels import batches, groups, stack
from gopro.prediction.encode import cache_name
from gopro.runs.prepared import PreparedRun
from gopro.training.batches import random_views

CHECKED = Preprocessing(8, decode="reduced")
"""How an image is decoded only to see whether it can be: a JPEG at an eighth of its size."""


@dataclass(frozen=True)
class TrainingPictures:
    """Training images without augmentation, and the pictures that random views are cut from.

    Attributes:
        pixels: uint8 [N, 3, S, S].
        originals: The N pictures.
    """

    pixels: Tensor
    originals: Originals[Item]

    @property
    def nbytes(self) -> int:
        """Bytes in memory."""
        return self.pixels.nbytes + self.originals.nbytes


def training_pictures(
    prepared: PreparedRun, items: Sequence[Item], source: Dataset
) -> TrainingPictures:
    """Open training images, each once; the originals are kept if the run needs random views.

    Args:
        prepared: The run.
        items: The images.
        source: The data set that opens them.

    Raises:
        GoproError: When one can't be read.
    """
    settings, how = prepared.settings, prepared.preprocessing
    random = prepared.trains and random_views(prepared.method, prepared.recipe.augment)
    # the next run of the same command may need random views
    keeps = random or prepared.workspace.limit > 0
    limit = KEPT // settings.processes if keeps else 0

    def read() -> TrainingPictures:
        originals = Originals(source.open, items, how, limit)
        parts = groups(
            originals.open, range(len(items)), how, settings.eval_batch, settings.workers
        )
        return TrainingPictures(torch.cat([stack(part) for part in parts]), originals)

    return prepared.workspace.keep("training", source, items, settings.decode, read)


def decoded_pixels(prepared: PreparedRun, items: Sequence[Item]) -> Tensor:
    """Images of the training set without augmentation: uint8 [N, 3, S, S].

    Raises:
        GoproError: When one can't be read.
    """
    settings, how, source = prepared.settings, prepared.preprocessing, prepared.plan.source

    def read() -> Tensor:
        return torch.cat(list(batches(source, items, how, settings.eval_batch, settings.workers)))

    return prepared.workspace.keep("pixels", source, items, settings.decode, read)


def check_tests(prepared: PreparedRun) -> None:
    """Decode the test images, so that a damaged one is found before the training.

    Nothing is kept of them. Those whose features are in the cache are not opened.

    Raises:
        GoproError: When one can't be read.
    """
    for test in prepared.plan.tests.values():
        items = tuple(_without_features(prepared, test.dataset, test.items))

        def check(source: Dataset = test.dataset, items: Sequence[Item] = items) -> Tensor:
            settings = prepared.settings
            with bar("checking test images", len(items)) as advance:
                for pixels in batches(
                    source, items, CHECKED, settings.eval_batch, settings.workers
                ):
                    advance("", len(pixels))
            return torch.empty(0)

        # once for all runs of a command
        prepared.workspace.keep("checked", test.dataset, items, CHECKED.decode, check)


def _without_features(
    prepared: PreparedRun, dataset: Dataset, items: Sequence[Item]
) -> Iterator[Item]:
    """The images whose features the cache on disk doesn't have."""
    cache, batch = open_cache(), prepared.settings.eval_batch
    for start in range(0, len(items), batch):
        group = items[start : start + batch]
        name = cache_name(prepared.backbone, dataset, group, prepared.preprocessing)
        if cache is None or name is None or cache.find(name) is None:
            yield from group
