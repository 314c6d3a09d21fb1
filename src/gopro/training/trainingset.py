"""The few-shot training images, decoded, and the pictures that random views are cut from."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Protocol

from torch import Tensor

from gopro.backbones import ImageFeatures
from gopro.backbones.feature_cache import pixels_key
from gopro.training.views.crops import Pixels


class Pictures(Protocol):
    """The original training pictures, uint8 [H, W, 3] each, such as ``data.originals``."""

    def __len__(self) -> int: ...

    def __getitem__(self, index: int, /) -> Pixels: ...

    def digest(self) -> str:
        """SHA-256 (hex) of all pictures."""
        ...


@dataclass(frozen=True)
class TrainingSet:
    """The few-shot training images, decoded.

    Attributes:
        pixels: uint8 [N, 3, S, S], without augmentation; [0, 3, S, S] where training needs
            features alone.
        labels: [N].
        originals: The N pictures that random views are cut from; None for ``pixels`` themselves.
        names: What messages call the images; empty where they have no names.
        features: Of ``pixels``, where they have been encoded already.
        known_key: The ``key``, where it is known without the pixels.
    """

    pixels: Tensor
    labels: Tensor
    originals: Pictures | None = None
    names: tuple[str, ...] = ()
    features: ImageFeatures | None = None
    known_key: str | None = None

    def original(self, index: int) -> Pixels:
        """The picture that random views are cut from."""
        if self.originals is not None:
            return self.originals[index]
        return self.pixels[index].permute(1, 2, 0).cpu().numpy()

    def key(self) -> str:
        """SHA-256 (hex) of all pixels that views depend on."""
        if self.known_key is not None:
            return self.known_key
        pictures = "" if self.originals is None else self.originals.digest()
        return hashlib.sha256(f"{pixels_key(self.pixels)} {pictures}".encode()).hexdigest()
