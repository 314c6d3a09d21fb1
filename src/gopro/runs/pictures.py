"""The images of a run: decoded, or only their features."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from gopro.backbones import ImageFeatures
from gopro.backbones.feature_cache import forget_unless_of, is_cached, open_cache
from gopro.common.preprocessing import Preprocessing
from gopro.common.progress import bar
from gopro.data import Dataset, Item
from gopro.data.originals import KEPT, Originals
from gopro.data.pixels import batches, groups, stack
from gopro.prediction.encode import cache_name, encode
from gopro.runs.known_pictures import known_key, remember
from gopro.runs.prepared import PreparedRun
from gopro.runs.testing import features_of
from gopro.training.batches import GROUP, copies_name, random_views
from gopro.training.trainingset import TrainingSet

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


def training_set(prepared: PreparedRun, items: Sequence[Item], source: Dataset) -> TrainingSet:
    """What the steps of a training need of its images.

    A single run whose steps need only features doesn't open images if the cache has these. Of
    several runs another one may need the pictures.

    Args:
        prepared: A run that trains.
        items: The images.
        source: The data set that opens them.

    Raises:
        GoproError: When one can't be read.
    """
    settings, method, recipe = prepared.settings, prepared.method, prepared.recipe
    random = random_views(method, recipe.augment)
    frozen = not method.modifies_image_encoder
    identity: str | None = None
    if random and recipe.view_cache and frozen:
        files = source.identity(items)
        identity = None if files is None else f"{files} {prepared.preprocessing}"
    key = None if identity is None or settings.verify_cache else known_key(identity)
    cached = not random or (key is not None and _has_copies(prepared, key))
    encodes = method.learns_from_features or (frozen and len(random) < len(method.views))
    batch = settings.eval_batch if method.learns_from_features else GROUP
    labels = torch.tensor([item.label for item in items])
    names = tuple(item.key for item in items)
    if cached and frozen and not prepared.workspace.limit:
        known = features_of(prepared, method, items, source, batch) if encodes else None
        side = prepared.backbone.image_size
        pixels = torch.empty(0, 3, side, side, dtype=torch.uint8)
        originals = Originals(source.open, items, prepared.preprocessing)
        return TrainingSet(pixels, labels, originals, names, known, known_key=key)
    pictures = training_pictures(prepared, items, source)
    features = _encoded(prepared, items, source, pictures.pixels, batch) if encodes else None
    data = TrainingSet(pictures.pixels, labels, pictures.originals, names, features)
    if identity is None:
        return data
    key = data.key()
    remember(identity, key)
    return replace(data, known_key=key)


def _encoded(
    prepared: PreparedRun, items: Sequence[Item], source: Dataset, pixels: Tensor, batch: int
) -> ImageFeatures:
    """Features of decoded training images, under the names that ``features_of`` looks for."""
    settings, method = prepared.settings, prepared.method
    groups = [items[start : start + batch] for start in range(0, len(items), batch)]
    backbone, how = prepared.backbone, prepared.preprocessing
    files = [cache_name(backbone, source, group, how) for group in groups]

    def read() -> ImageFeatures:
        if settings.verify_cache:
            for part, name in zip(torch.split(pixels, batch), files, strict=True):
                if name is not None:
                    forget_unless_of(part, name)
        return encode(method, pixels, batch, names=files)

    if method.learns_from_features:  # another method of the same command may, too
        return prepared.workspace.keep("features", source, items, settings.decode, read)
    return read()


def _has_copies(prepared: PreparedRun, key: str) -> bool:
    """Whether the cache has the copies of views of a training set."""
    settings, recipe = prepared.settings, prepared.recipe
    return is_cached(
        copies_name(
            prepared.method, key, settings.views, recipe.augment, settings.seed, recipe.view_cache
        )
    )


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
