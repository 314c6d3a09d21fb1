"""Small training pictures that are saved with a model and shown in explanations."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor

from gopro.backbones import Backbone
from gopro.backbones.image import to_unit
from gopro.common.errors import GoproError
from gopro.common.tensors import load_tensors, save_tensors
from gopro.data.images import to_array

SIDE = 80
"""Side of a saved picture in pixels; each takes about 3 kB."""

MOST = 512
"""Upper limit for the number of saved pictures: about 2 MB."""

_NOTE = {"what": "training pictures for explanations"}


@dataclass(frozen=True)
class Examples:
    """Saved training pictures.

    Attributes:
        embedding: [N, e], unit image embeddings of the frozen image encoder, float16.
        labels: N indices of the class names at training.
        pictures: N JPEG files.
    """

    embedding: Tensor
    labels: tuple[int, ...]
    pictures: tuple[bytes, ...]

    @classmethod
    def of(
        cls, pixels: Tensor, labels: Sequence[int], backbone: Backbone, most: int
    ) -> Examples | None:
        """Choose training pictures, equally many of each class as far as possible.

        Args:
            pixels: uint8 [N, 3, S, S].
            labels: N indices of the class names at training.
            backbone: Encodes them.
            most: How many to choose, at most ``MOST``.

        Returns:
            None if ``most`` is 0.
        """
        chosen = _evenly(labels, min(most, MOST))
        if not chosen:
            return None
        embeddings = [
            backbone.encode_image(to_unit(part, backbone.device)).embedding
            for part in torch.split(pixels[chosen], 64)
        ]
        return cls(
            F.normalize(torch.cat(embeddings), dim=-1).cpu().half(),
            tuple(labels[index] for index in chosen),
            tuple(_jpeg(picture) for picture in pixels[chosen]),
        )

    def nearest(self, embedding: Tensor, top: int) -> list[tuple[int, float]]:
        """The pictures most similar to an image embedding [e]: index and cosine of each."""
        cosines = self.embedding.float() @ F.normalize(embedding.float().cpu(), dim=-1)
        best = cosines.topk(min(top, len(cosines)))
        return list(zip(best.indices.tolist(), best.values.tolist(), strict=True))

    def open(self, index: int) -> Image.Image:
        """Decode one of the pictures (RGB).

        Raises:
            GoproError: When it is damaged.
        """
        try:
            with Image.open(io.BytesIO(self.pictures[index]), formats=["JPEG"]) as image:
                if max(image.size) > 4 * SIDE:
                    raise ValueError("too large")
                picture: Image.Image = image.convert("RGB")
                return picture
        except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
            raise GoproError("a saved training picture is damaged; fit again") from error

    def save(self, path: Path) -> None:
        """Write to a safetensors file.

        Raises:
            GoproError: When it can't be written.
        """
        ends = torch.tensor([len(picture) for picture in self.pictures]).cumsum(0)
        joined = bytearray(b"".join(self.pictures))
        tensors = {
            "embedding": self.embedding,
            "labels": torch.tensor(self.labels),
            "jpeg": torch.frombuffer(joined, dtype=torch.uint8),
            "ends": ends,
        }
        save_tensors(path, tensors, _NOTE)

    @classmethod
    def load(cls, path: Path) -> Examples:
        """Read what ``save`` wrote.

        Raises:
            GoproError: When the file is missing or damaged.
        """
        tensors, _ = load_tensors(path)
        try:
            ends, labels = tensors["ends"].tolist(), tensors["labels"].tolist()
            joined = tensors["jpeg"].numpy().tobytes()
            starts = [0, *ends[:-1]]
            pictures = tuple(joined[a:b] for a, b in zip(starts, ends, strict=True))
            if not len(pictures) == len(labels) == len(tensors["embedding"]):
                raise ValueError("numbers of pictures, labels and embeddings differ")
            return cls(tensors["embedding"], tuple(labels), pictures)
        except (KeyError, ValueError, TypeError) as error:
            raise GoproError(f"{path} is damaged; remove it, or fit again") from error


def _evenly(labels: Sequence[int], most: int) -> list[int]:
    """Indices of the first picture of each class, then of the second, and so on up to ``most``."""
    seen: dict[int, int] = {}
    order = []
    for index, label in enumerate(labels):
        order.append((seen.get(label, 0), index))
        seen[label] = seen.get(label, 0) + 1
    return sorted(index for _, index in sorted(order)[:most])


def _jpeg(pixels: Tensor) -> bytes:
    """uint8 [3, S, S] as a small JPEG."""
    image = Image.fromarray(pixels.permute(1, 2, 0).contiguous().numpy())
    file = io.BytesIO()
    Image.fromarray(to_array(image, SIDE)).save(file, format="JPEG", quality=80)
    return file.getvalue()
