"""A few training pictures, small, that a model keeps so that explanations can show them."""

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
"""Side of a kept picture in pixels; one takes about 3 kilobytes."""

MOST = 512
"""So many pictures at most, whatever is asked for: about two megabytes."""

_NOTE = {"what": "training pictures for explanations"}


@dataclass(frozen=True)
class Examples:
    """Kept training pictures.

    Attributes:
        embedding: [N, e], unit image embeddings of the frozen tower, in half precision.
        labels: N places among the names trained on.
        pictures: N small JPEGs.
    """

    embedding: Tensor
    labels: tuple[int, ...]
    pictures: tuple[bytes, ...]

    @classmethod
    def of(
        cls, pixels: Tensor, labels: Sequence[int], backbone: Backbone, most: int
    ) -> Examples | None:
        """Keep some of the training pictures, as many of each class as of any other.

        Args:
            pixels: uint8 [N, 3, S, S].
            labels: N places among the names trained on.
            backbone: Encodes them.
            most: How many to keep; ``MOST`` counts where it is lower.

        Returns:
            None where none are to be kept.
        """
        chosen = _evenly(labels, min(most, MOST))
        if not chosen:
            return None
        kept = pixels[chosen]
        parts = [
            backbone.encode_image(to_unit(part, backbone.device)) for part in torch.split(kept, 64)
        ]
        embedding = torch.cat([F.normalize(part.embedding, dim=-1) for part in parts])
        return cls(
            embedding.cpu().half(),
            tuple(labels[number] for number in chosen),
            tuple(_jpeg(picture) for picture in kept),
        )

    def nearest(self, embedding: Tensor, top: int) -> list[tuple[int, float]]:
        """The most similar pictures of an image embedding [e]: place here and cosine."""
        cosines = self.embedding.float() @ F.normalize(embedding.float().cpu(), dim=-1)
        found = cosines.topk(min(top, len(cosines)))
        return list(zip(found.indices.tolist(), found.values.tolist(), strict=True))

    def open(self, place: int) -> Image.Image:
        """One of the pictures, RGB.

        Raises:
            GoproError: When it is damaged.
        """
        try:
            with Image.open(io.BytesIO(self.pictures[place]), formats=["JPEG"]) as image:
                if max(image.size) > 4 * SIDE:
                    raise ValueError("too large")
                picture: Image.Image = image.convert("RGB")
                return picture
        except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
            raise GoproError("a kept training picture is damaged; fit again") from error

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
                raise ValueError("not as many of each")
            return cls(tensors["embedding"], tuple(labels), pictures)
        except (KeyError, ValueError, TypeError) as error:
            raise GoproError(f"{path} is damaged; remove it, or fit again") from error


def _evenly(labels: Sequence[int], most: int) -> list[int]:
    """Places of the first of each class, then of the second of each, until there are enough."""
    seen: dict[int, int] = {}
    order = []
    for number, label in enumerate(labels):
        order.append((seen.get(label, 0), number))
        seen[label] = seen.get(label, 0) + 1
    return sorted(number for _, number in sorted(order)[:most])


def _jpeg(pixels: Tensor) -> bytes:
    """uint8 [3, S, S] as a small JPEG."""
    image = Image.fromarray(pixels.permute(1, 2, 0).contiguous().numpy())
    file = io.BytesIO()
    Image.fromarray(to_array(image, SIDE)).save(file, format="JPEG", quality=80)
    return file.getvalue()
