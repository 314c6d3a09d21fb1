"""Pictures to rows of numbers, batch by batch; the rows of ``transform`` are embeddings."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeAlias, TypeVar

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from torch import Tensor

from gopro.classifier.estimator import Estimator
from gopro.common.errors import GoproError, UnreadableError
from gopro.common.preprocessing import Decode, Preprocessing
from gopro.data.pictures import Picture, list_pictures, open_picture
from gopro.data.pixels import groups
from gopro.methods.base import Method
from gopro.prediction.encode import encode

Embeddings: TypeAlias = npt.NDArray[np.float32]
T = TypeVar("T")


class Embedder(Estimator):
    """The part of ``PromptClassifier`` that encodes pictures.

    Attributes:
        eval_batch: Pictures per step.
        decode: See ``Preprocessing``.
        workers: Threads that decode pictures; None for one per core.
        method_: Has the image encoder.
    """

    eval_batch: int
    decode: Decode
    workers: int | None
    method_: Method

    def transform(self, images: Iterable[Picture]) -> Any:
        """``embeddings``, as a table of pandas if ``set_output`` says so.

        Raises:
            GoproError: As ``embeddings``.
        """
        return self.in_container(
            self.embeddings(images), images, self.get_feature_names_out().tolist()
        )

    def get_feature_names_out(self, input_features: Any = None) -> npt.NDArray[Any]:
        """The names of the columns of ``transform``.

        Args:
            input_features: Not used; scikit-learn passes it.

        Raises:
            GoproError: Before ``fit``.
        """
        self.check_fitted()
        width = self.method_.backbone.embed_dim
        return np.asarray([f"embedding{column}" for column in range(width)], dtype=object)

    def embeddings(self, images: Iterable[Picture]) -> Embeddings:
        """The image embedding of each picture, of length 1: [N, e], float32.

        Raises:
            GoproError: Before ``fit``, or when pictures can't be read (``UnreadableError``).
        """
        self.check_fitted()

        def rows_of(pixels: Tensor) -> Embeddings:
            features = encode(self.method_, pixels, self.eval_batch, cached=False)
            rows: Embeddings = F.normalize(features.embedding.float(), dim=-1).cpu().numpy()
            return rows

        return np.stack(self.all_rows(images, rows_of))

    def all_rows(
        self, images: Iterable[Picture], rows_of: Callable[[Tensor], Iterable[T]]
    ) -> list[T]:
        """A row for each picture; arguments as for ``each_row``.

        Raises:
            UnreadableError: When pictures can't be read.
        """
        rows = list(self.each_row(list_pictures(images), rows_of))
        errors = [str(row) for row in rows if isinstance(row, GoproError)]
        if errors:
            raise UnreadableError(errors, len(rows))
        return [row for row in rows if not isinstance(row, GoproError)]

    def each_row(
        self, images: Iterable[Picture], rows_of: Callable[[Tensor], Iterable[T]]
    ) -> Iterator[T | GoproError]:
        """A row for each picture of a stream, or the error if it can't be read.

        Args:
            images: The pictures.
            rows_of: B rows of pixels uint8 [B, 3, S, S].
        """
        for group in self.groups(images):
            pixels = [picture for picture in group if isinstance(picture, Tensor)]
            rows = iter(rows_of(torch.stack(pixels)) if pixels else ())
            for picture in group:
                yield picture if isinstance(picture, GoproError) else next(rows)

    @property
    def preprocessing(self) -> Preprocessing:
        """From a picture to the backbone's input."""
        return self.method_.backbone.preprocessing.with_decode(self.decode)

    def groups(self, images: Iterable[Picture]) -> Iterator[list[Tensor | GoproError]]:
        """Decoded pictures of a stream, ``eval_batch`` at a time; errors of unreadable ones."""
        return groups(
            open_picture, enumerate(images), self.preprocessing, self.eval_batch, self.workers
        )
