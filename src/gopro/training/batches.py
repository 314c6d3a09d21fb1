"""Training batches: views made in each step, or drawn from views encoded before training.

The frozen encoder's features of an image without augmentation never change, so they are computed
once. With K cached views, an image's augmented views are the live views of epochs 0 to K - 1,
encoded once and stored in half precision; each epoch draws one of them.

Random views are cut from the original pictures by threads, one step ahead of the training.

Shape notation: N training images, B images of a step, K copies, V kinds of view, F numbers of an
image's features that the method needs (e + 2 D for most).
"""

from __future__ import annotations

import contextlib
import hashlib
import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from gopro.backbones import ImageFeatures
from gopro.backbones.feature_cache import Cache, cached_features, open_cache, tower_key
from gopro.backbones.image import to_unit
from gopro.common.errors import CantWriteError, GoproError
from gopro.common.progress import bar
from gopro.common.version import __version__
from gopro.methods.base import Batch, Method
from gopro.training.trainingset import TrainingSet
from gopro.training.views import ViewSettings, cut, on_crops
from gopro.training.views.draws import Draws

Augment = Literal["none", "crop-flip"]
Halves = npt.NDArray[np.float16]
Cuts = list[Future[dict[str, Tensor]]]

GROUP = 32
"""Images in one pass of the frozen encoder."""

_CHOICE = 3  # random stream that chooses a copy; streams 0 to 2 make the views


def draw_seed(seed: int, epoch: int) -> int:
    """The seed of an epoch's order and views; every epoch has its own."""
    return seed * 1_000_003 + epoch


def random_views(method: Method, augment: Augment) -> tuple[str, ...]:
    """The views of a method that are cut from the original pictures."""
    return tuple(name for name in method.views if name != "x" or augment == "crop-flip")


def copies_name(
    method: Method, key: str, settings: ViewSettings, augment: Augment, seed: int, copies: int
) -> str:
    """Name of the cache's file with the copies of views.

    Args:
        method: Decides which views and which parts of their features are needed.
        key: See ``TrainingSet.key``. The other arguments are those of ``CachedViews``.
    """
    how: list[Any] = [__version__, asdict(settings), augment, seed, copies]
    text = f"{key} {random_views(method, augment)} {_widths(method)} {how}"
    return f"{tower_key(method.backbone)}-{hashlib.sha256(text.encode()).hexdigest()}.npy"


def _widths(method: Method) -> list[int]:
    """Numbers that each part of ``ImageFeatures`` has in a copy; 0 for those not needed."""
    widths = method.backbone.feature_widths
    return [width if name in method.feature_parts else 0 for name, width in widths.items()]


class LiveViews:
    """Batches whose views are made in each step.

    Args:
        method: Decides which views are needed, and whether its image encoder is frozen.
        data: The N training images.
        settings: How views are made.
        augment: Augmentation of the view x.
        seed: Of the run.
        workers: Threads that cut crops; None for one per core.
    """

    def __init__(
        self,
        method: Method,
        data: TrainingSet,
        settings: ViewSettings,
        augment: Augment,
        seed: int,
        workers: int | None = None,
    ) -> None:
        self.data, self.settings, self.augment, self.seed = data, settings, augment, seed
        self.device = method.backbone.device
        self.made = random_views(method, augment)
        self.plain = "x" in method.views and "x" not in self.made
        self.fixed: dict[str, ImageFeatures] = {}
        if self.plain and not method.modifies_image_encoder:
            features = data.features
            if features is None:
                groups = torch.split(data.pixels, GROUP)
                features = ImageFeatures.cat([cached_features(method.backbone, g) for g in groups])
            self.fixed, self.plain = {"x": features}, False
        self._threads = ThreadPoolExecutor(workers or os.cpu_count() or 1)

    def batches(self, steps: Iterable[Tensor], epoch: int) -> Iterator[Batch]:
        """The batches of several steps; the crops of one are cut while another is trained on.

        Args:
            steps: For each step [B], indexes into the training set.
            epoch: Counted from 0.

        Raises:
            GoproError: When a picture has to be opened again and can't be read.
        """
        waiting: deque[tuple[Tensor, Cuts]] = deque()
        for chosen in steps:
            waiting.append((chosen, self._cut(self.made, chosen, epoch)))
            if len(waiting) > 1:
                now, cuts = waiting.popleft()
                yield self._batch(now, epoch, cuts)
        for now, cuts in waiting:
            yield self._batch(now, epoch, cuts)

    def _batch(self, chosen: Tensor, epoch: int, cuts: Cuts) -> Batch:
        images = self._views(self.made, chosen, epoch, cuts)
        if self.plain:
            images["x"] = to_unit(self.data.pixels[chosen], self.device)
        features = {name: fixed[chosen] for name, fixed in self.fixed.items()}
        return Batch(self.data.labels[chosen].to(self.device), images, features)

    def _cut(self, names: Sequence[str], chosen: Tensor, epoch: int) -> Cuts:
        """Start to cut the crops of a step's pictures, for the views of these names."""
        seed, side = draw_seed(self.seed, epoch), self.data.pixels.shape[-1]

        def crops(index: int) -> dict[str, Tensor]:
            return cut(self.data.original(index), names, seed, self.settings, index, side)

        return [self._threads.submit(crops, index) for index in chosen.tolist()] if names else []

    def _views(
        self, names: Sequence[str], chosen: Tensor, epoch: int, cuts: Cuts
    ) -> dict[str, Tensor]:
        """The live views of an epoch, each [B, 3, S, S]."""
        done = [one.result() for one in cuts]
        crops = {name: torch.stack([one[name] for one in done]).to(self.device) for name in names}
        return on_crops(crops, draw_seed(self.seed, epoch), self.settings, chosen.tolist())


class CachedViews(LiveViews):
    """Batches whose views are drawn from K copies, encoded before training.

    The method must not change the image encoder (``choose_recipe`` refuses it).

    Args:
        copies: K. The other arguments are those of ``LiveViews``.

    Raises:
        GoproError: For copies that don't fit into the cache, features beyond half precision, or
            a full disk.
    """

    def __init__(
        self,
        method: Method,
        data: TrainingSet,
        settings: ViewSettings,
        augment: Augment,
        seed: int,
        workers: int | None = None,
        *,
        copies: int,
    ) -> None:
        super().__init__(method, data, settings, augment, seed, workers)
        self.copies, self.backbone = copies, method.backbone
        self.kinds, self.made = self.made, ()
        self.widths = _widths(method)
        if self.kinds:
            self.store = self._open(
                lambda: copies_name(method, data.key(), settings, augment, seed, copies)
            )
        else:
            self.store = np.zeros((len(data.labels), copies, 0, 0), "f2")

    def _batch(self, chosen: Tensor, epoch: int, cuts: Cuts) -> Batch:
        """As for live views, but all views are features."""
        batch = super()._batch(chosen, epoch, cuts)
        draws = Draws(draw_seed(self.seed, epoch), chosen.tolist(), _CHOICE)
        rows = self.store[chosen.numpy(), draws.integer(0, self.copies - 1)]
        numbers = torch.from_numpy(rows).to(self.device).float()
        views = {
            name: ImageFeatures(*torch.split(numbers[:, index], self.widths, dim=1))
            for index, name in enumerate(self.kinds)
        }
        return Batch(batch.labels, {}, {**batch.features, **views})

    def _open(self, name_of: Callable[[], str]) -> Halves:
        """The copies [N, K, V, F], memory-mapped from the cache, else made.

        They stay in memory without a cache, or with one that can't be written.
        """
        cache = open_cache()
        if cache is None:
            return self._in_memory()
        name = name_of()
        path = cache.find(name)
        if path is not None:
            # a damaged file is made again; an empty one gives EOFError
            with contextlib.suppress(OSError, ValueError, EOFError):
                return _mapped(path, self._shape)
        return self._write(cache, name)

    @property
    def _shape(self) -> tuple[int, ...]:
        return (len(self.data.labels), self.copies, len(self.kinds), sum(self.widths))

    def _in_memory(self) -> Halves:
        return np.concatenate(list(self._groups()))

    def _write(self, cache: Cache, name: str) -> Halves:
        size = 2 * int(np.prod(self._shape, dtype=np.int64))
        if size > cache.limit:
            raise GoproError(
                f"{self.copies} cached views of {self._shape[0]} images need {size / 1e9:.1f} GB "
                f"and the cache's limit is {cache.limit / 1e9:.1f}; set a smaller --view_cache, or "
                "GOPRO_CACHE_GB higher"
            )
        header = {"descr": "<f2", "fortran_order": False, "shape": self._shape}
        try:
            with cache.write(name) as temporary:
                with temporary.open("wb") as file:
                    np.lib.format.write_array_header_1_0(file, header)
                    for group in self._groups():
                        file.write(group.tobytes())
                # mapped before it is renamed: after that another process may remove it
                return _mapped(temporary, self._shape)
        except CantWriteError:
            return self._in_memory()

    @torch.no_grad()
    def _groups(self) -> Iterator[Halves]:
        """The copies, a group of images at a time: each [n, K, V, F]."""
        with bar("preparing views", len(self.data.labels) * self.copies) as advance:
            for chosen in torch.split(torch.arange(len(self.data.labels)), GROUP):
                copies = []
                for copy in range(self.copies):
                    cuts = self._cut(self.kinds, chosen, copy)
                    views = self._views(self.kinds, chosen, copy, cuts)
                    features = self.backbone.encode_image(
                        torch.cat([views[name] for name in self.kinds])
                    )
                    parts = zip(features.parts.values(), self.widths, strict=True)
                    rows = torch.cat([part for part, width in parts if width], dim=1)
                    copies.append(torch.unflatten(rows, 0, (len(self.kinds), -1)).transpose(0, 1))
                    advance("", len(chosen))
                group = torch.stack(copies, dim=1).half().cpu()
                if not group.isfinite().all():
                    raise GoproError(
                        "this backbone's features are beyond half precision; leave out --view_cache"
                    )
                yield group.numpy()


def _mapped(path: Any, shape: tuple[int, ...]) -> Halves:
    array: Halves = np.load(path, mmap_mode="r", allow_pickle=False)
    if array.shape != shape or array.dtype != np.float16:
        raise ValueError(f"{path} holds {array.dtype} {array.shape}")
    return array
