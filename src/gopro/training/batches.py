"""Training batches: views made in each step, or drawn from views encoded before training.

The frozen encoder's features of an image without augmentation never change, so they are computed
once. With K cached views, an image's augmented views are the live views of epochs 0 to K - 1,
encoded once and stored in half precision; each epoch draws one of them.

Shape notation: N training images, B images of a step, K copies, V kinds of view, F numbers of an
image's features (e + 2 D).
"""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from gopro.backbones import ImageFeatures
from gopro.backbones.feature_cache import Cache, cached_features, open_cache, pixels_key, tower_key
from gopro.backbones.image import to_unit
from gopro.common.errors import GoproError
from gopro.common.progress import bar
from gopro.common.version import __version__
from gopro.methods.base import Batch, Method
from gopro.training.views import ViewSettings, make_views
from gopro.training.views.draws import Draws

Augment = Literal["none", "crop-flip"]
Halves = npt.NDArray[np.float16]

_GROUP = 32  # images in one pass of the frozen encoder
_CHOICE = 3  # random stream that chooses a copy; streams 0 to 2 make the views


def draw_seed(seed: int, epoch: int) -> int:
    """The seed of an epoch's order and views; every epoch has its own."""
    return seed * 1_000_003 + epoch


class LiveViews:
    """Batches whose views are made in each step.

    Args:
        method: Decides which views are needed, and whether its image encoder is frozen.
        pixels: uint8 [N, 3, S, S].
        settings: How views are made.
        augment: Augmentation of the view x.
        seed: Of the run.
        features: Of the images without augmentation, when they have been encoded already.
    """

    def __init__(
        self,
        method: Method,
        pixels: Tensor,
        settings: ViewSettings,
        augment: Augment,
        seed: int,
        features: ImageFeatures | None = None,
    ) -> None:
        self.pixels, self.settings, self.augment, self.seed = pixels, settings, augment, seed
        self.device = method.backbone.device
        self.made = tuple(method.views)
        self.fixed: dict[str, ImageFeatures] = {}
        if augment == "none" and "x" in self.made and not method.modifies_image_encoder:
            if features is None:
                groups = torch.split(pixels, _GROUP)
                features = ImageFeatures.cat([cached_features(method.backbone, g) for g in groups])
            self.fixed = {"x": features}
            self.made = tuple(name for name in self.made if name != "x")

    def batch(self, chosen: Tensor, labels: Tensor, epoch: int) -> Batch:
        """The batch of a step.

        Args:
            chosen: [B], indexes into the training set.
            labels: [B].
            epoch: Counted from 0.
        """
        images = self.images(self.made, chosen, epoch) if self.made else {}
        features = {name: fixed[chosen] for name, fixed in self.fixed.items()}
        return Batch(labels.to(self.device), images, features)

    def images(self, names: Sequence[str], chosen: Tensor, epoch: int) -> dict[str, Tensor]:
        """The live views of an epoch, each [B, 3, S, S]."""
        return make_views(
            to_unit(self.pixels[chosen], self.device),
            names,
            draw_seed(self.seed, epoch),
            self.settings,
            chosen.tolist(),
            augment=self.augment,
        )


class CachedViews(LiveViews):
    """Batches whose views are drawn from K copies, encoded before training.

    Args:
        copies: K. The other arguments are those of ``LiveViews``.

    Raises:
        GoproError: For a method that changes the image encoder, copies that don't fit into the
            cache, features beyond half precision, or a disk that can't be written.
    """

    def __init__(
        self,
        method: Method,
        pixels: Tensor,
        settings: ViewSettings,
        augment: Augment,
        seed: int,
        features: ImageFeatures | None = None,
        *,
        copies: int,
    ) -> None:
        if method.modifies_image_encoder:
            raise GoproError(
                f"{type(method).__name__} changes the image encoder, so its views can't be encoded "
                "before training; leave out --view_cache"
            )
        super().__init__(method, pixels, settings, augment, seed, features)
        self.copies, self.backbone = copies, method.backbone
        self.kinds, self.made = self.made, ()
        self.store = self._open() if self.kinds else np.zeros((len(pixels), copies, 0, 0), "f2")
        self.widths = [self.backbone.embed_dim, *(2 * [sum(self.backbone.vision_widths)])]

    def batch(self, chosen: Tensor, labels: Tensor, epoch: int) -> Batch:
        """As for live views, but all views are features."""
        batch = super().batch(chosen, labels, epoch)
        draws = Draws(draw_seed(self.seed, epoch), chosen.tolist(), _CHOICE)
        rows = self.store[chosen.numpy(), draws.integer(0, self.copies - 1)]
        numbers = torch.from_numpy(rows).to(self.device).float()
        views = {
            name: ImageFeatures(*torch.split(numbers[:, index], self.widths, dim=1))
            for index, name in enumerate(self.kinds)
        }
        return Batch(batch.labels, {}, {**batch.features, **views})

    def _open(self) -> Halves:
        """The copies [N, K, V, F], memory-mapped from the cache, else made."""
        cache = open_cache()
        if cache is None:
            return np.concatenate(list(self._groups()))
        name = f"{tower_key(self.backbone)}-{self._key()}.npy"
        path = cache.find(name)
        if path is not None:
            with contextlib.suppress(OSError, ValueError):  # a damaged file is made again
                return _mapped(path, self._shape)
        return self._write(cache, name)

    @property
    def _shape(self) -> tuple[int, ...]:
        width = self.backbone.embed_dim + 2 * sum(self.backbone.vision_widths)
        return (len(self.pixels), self.copies, len(self.kinds), width)

    def _write(self, cache: Cache, name: str) -> Halves:
        size = 2 * int(np.prod(self._shape, dtype=np.int64))
        if size > cache.limit:
            raise GoproError(
                f"{self.copies} cached views of {len(self.pixels)} images need {size / 1e9:.1f} GB "
                f"and the cache's limit is {cache.limit / 1e9:.1f}; set a smaller --view_cache, or "
                "GOPRO_CACHE_GB higher"
            )
        header = {"descr": "<f2", "fortran_order": False, "shape": self._shape}
        with cache.write(name) as temporary:
            with temporary.open("wb") as file:
                np.lib.format.write_array_header_1_0(file, header)
                for group in self._groups():
                    file.write(group.tobytes())
            # mapped before it is renamed: after that another process may remove it
            return _mapped(temporary, self._shape)

    @torch.no_grad()
    def _groups(self) -> Iterator[Halves]:
        """The copies, a group of images at a time: each [n, K, V, F]."""
        with bar("preparing views", len(self.pixels) * self.copies) as advance:
            for chosen in torch.split(torch.arange(len(self.pixels)), _GROUP):
                copies = []
                for copy in range(self.copies):
                    views = self.images(self.kinds, chosen, copy)
                    features = self.backbone.encode_image(
                        torch.cat([views[name] for name in self.kinds])
                    )
                    rows = torch.cat([features.embedding, features.mean, features.std], dim=1)
                    copies.append(torch.unflatten(rows, 0, (len(self.kinds), -1)).transpose(0, 1))
                    advance("", len(chosen))
                group = torch.stack(copies, dim=1).half().cpu()
                if not group.isfinite().all():
                    raise GoproError(
                        "this backbone's features are beyond half precision; leave out --view_cache"
                    )
                yield group.numpy()

    def _key(self) -> str:
        """SHA-256 (hex) of everything but the image encoder that the copies depend on."""
        how: list[Any] = [__version__, asdict(self.settings), self.augment, self.seed, self.copies]
        text = f"{pixels_key(self.pixels)} {self.kinds} {how}"
        return hashlib.sha256(text.encode()).hexdigest()


def _mapped(path: Any, shape: tuple[int, ...]) -> Halves:
    array: Halves = np.load(path, mmap_mode="r", allow_pickle=False)
    if array.shape != shape or array.dtype != np.float16:
        raise ValueError(f"{path} holds {array.dtype} {array.shape}")
    return array
