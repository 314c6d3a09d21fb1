"""What a fitted classifier answers: labels, probabilities, accuracy beside zero-shot CLIP."""

from __future__ import annotations

import copy
import os
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from typing_extensions import Self

from gopro.classifier import fastway
from gopro.classifier.comparison import Comparison
from gopro.classifier.estimator import Estimator
from gopro.classifier.examples import Examples
from gopro.common.errors import GoproError
from gopro.common.progress import bar
from gopro.data import labelled
from gopro.data.pictures import Picture, list_pictures, open_picture
from gopro.data.pixels import groups, stack
from gopro.methods.base import Method
from gopro.methods.zeroshot import ZeroShot, ZeroShotSettings
from gopro.prediction.encode import encode
from gopro.prediction.fast import FastPrompts, Reference
from gopro.prediction.predict import predict, scores

if TYPE_CHECKING:
    from gopro.classifier.explain.explanation import Explanation

Folder: TypeAlias = "str | os.PathLike[str]"
Probabilities: TypeAlias = npt.NDArray[np.float64]


class Predictor(Estimator):
    """The half of ``PromptClassifier`` that answers.

    Attributes:
        eval_batch: Pictures per step.
        workers: Threads that decode pictures; None for one per core.
        fast: Whether to predict without a text pass over all classes.
        classes_: The labels, in the order of the columns of ``predict_proba``.
        class_names_: Their names, as they stand in the prompts.
        trained_names_: The names of the classes trained on.
        backbone_checksum_: Tells the backbone from others.
        method_: What was learned.
        history_: A row an epoch: learning rate, loss terms and validation accuracy in percent.
        training_: Number of training pictures of each class, seconds, and the recipe.
        examples_: Training pictures that are kept for explanations, or None.
        reference_: What fast prediction needs of the training pictures, where the method has a fast
            way.
        measured_: Figures on pictures that weren't trained on, where they are known.
    """

    eval_batch: int
    workers: int | None
    fast: bool
    classes_: npt.NDArray[Any]
    class_names_: tuple[str, ...]
    trained_names_: tuple[str, ...]
    backbone_checksum_: str
    method_: Method
    history_: list[dict[str, Any]]
    training_: dict[str, Any]
    examples_: Examples | None
    reference_: Reference | None
    measured_: dict[str, Any] | None
    _quick: FastPrompts | None = None

    def predict(self, images: Iterable[Picture]) -> npt.NDArray[Any]:
        """The most likely label of each picture: [N].

        Raises:
            GoproError: Before ``fit``, or when a picture can't be read.
        """
        best = self.predict_proba(images).argmax(axis=1)
        found: npt.NDArray[Any] = self.classes_[best]
        return found

    def predict_proba(self, images: Iterable[Picture]) -> Probabilities:
        """How likely each class is for each picture: [N, C], rows sum to 1.

        Raises:
            GoproError: Before ``fit``, or when a picture can't be read.
        """
        rows = []
        for row in self.predict_each(list_pictures(images)):
            if isinstance(row, GoproError):
                raise row
            rows.append(row)
        return np.stack(rows)

    def predict_each(self, images: Iterable[Picture]) -> Iterator[Probabilities | GoproError]:
        """As ``predict_proba`` for a stream: pictures are taken as needed, answers come in batches.

        Yields:
            For each picture [C], or why it can't be read.

        Raises:
            GoproError: Before ``fit``.
        """
        self.check_fitted()
        for group in self._groups(images):
            pixels = [one for one in group if isinstance(one, Tensor)]
            rows = iter(self._probabilities(torch.stack(pixels)) if pixels else ())
            yield from (one if isinstance(one, GoproError) else next(rows) for one in group)

    def score(
        self, images: Iterable[Picture] | Folder, labels: Iterable[Any] | None = None
    ) -> float:
        """The share of pictures whose most likely label is the right one.

        Args:
            images: Pictures; or a folder, of which ``test`` counts where there is one.
            labels: A label a picture; left out where ``images`` is a folder.

        Raises:
            GoproError: Before ``fit``, when a picture can't be read, or for a folder with classes
                that the classifier doesn't know.
        """
        self.check_fitted()
        given = labelled.read(images, labels, "test")
        truth = given.labels
        if labels is None:
            truth = self.classes_[labelled.places_among(truth, self.classes_)]
        return float(np.mean(self.predict(given.pictures) == truth))

    def with_classes(self, names: Iterable[str]) -> Self:
        """The same learned weights, shared and not copied, for other class names.

        It predicts exactly: ``set_params(fast=True)`` fits fast prediction to the names, which pays
        for thousands of pictures.

        Args:
            names: The classes to choose from, trained on or not.

        Raises:
            GoproError: For names that are empty, repeated or too long, or where what was learned
                belongs to the training classes alone.
        """
        self.check_fitted()
        other = copy.copy(self)
        other.class_names_ = labelled.checked_names(names, "class names")
        other.classes_ = np.asarray(other.class_names_)
        other.method_ = self.method_.for_classes(other.class_names_)
        other.measured_, other.fast = None, False
        return other

    def zero_shot(self) -> Self:
        """CLIP as it is, without anything learned, on the same classes: what to compare with."""
        self.check_fitted()
        other = copy.copy(self).set_params(method="zeroshot", options=None, fast=False)
        other.method_ = ZeroShot(self.method_.backbone, self.class_names_, ZeroShotSettings())
        return other

    def compare(
        self, images: Iterable[Picture] | Folder, labels: Iterable[Any] | None = None
    ) -> Comparison:
        """Measure beside zero-shot CLIP, class by class, each picture encoded once.

        Args:
            images: See ``score``.
            labels: See ``score``.

        Raises:
            GoproError: As ``score``, and for labels that the classifier doesn't know.
        """
        self.check_fitted()
        given = labelled.read(images, labels, "test")
        truth = labelled.places_among(given.labels, self.classes_)
        methods: tuple[Method, ...] = (self.method_, self.zero_shot().method_)
        answers: list[list[Tensor]] = [[], []]
        with bar("measuring", len(truth)) as advance:
            for group in self._groups(given.pictures):
                pixels = stack(group)
                frozen = encode(methods[1], pixels)
                for method, found in zip(methods, answers, strict=True):
                    own = encode(method, pixels) if method.modifies_image_encoder else frozen
                    quick = self.fast and method is self.method_
                    found.append(predict(self.quick() if quick else method, own))
                advance("", len(group))
        return Comparison.of(self.class_names_, truth, *(torch.cat(found) for found in answers))

    @property
    def fast_is_ready(self) -> bool:
        """Whether fast prediction for these class names is fitted already, as in a saved model."""
        kept: Any = self._quick
        return kept is not None and kept.method is self.method_

    def quick(self) -> FastPrompts:
        """The fast prediction for these classes, fitted once.

        Raises:
            GoproError: Before ``fit``, or when the method has no fast way.
        """
        self.check_fitted()
        if self._quick is None or not self.fast_is_ready:
            self._quick = fastway.quick(self.method_, self.reference_)
        return self._quick

    def explain(self, picture: Picture, *, top: int = 5) -> Explanation:
        """What moved the answer to a picture: context, regions, similar training pictures.

        Args:
            picture: A path, a Pillow image or an array.
            top: How many classes to name.

        Raises:
            GoproError: Before ``fit``, or when the picture can't be read.
        """
        from gopro.classifier.explain.explanation import explain

        return explain(self, picture, top=top)

    def _groups(self, images: Iterable[Picture]) -> Iterator[list[Tensor | GoproError]]:
        size = self.method_.backbone.image_size
        return groups(open_picture, enumerate(images), size, self.eval_batch, self.workers)

    def _probabilities(self, pixels: Tensor) -> Probabilities:
        """[B, C] for uint8 [B, 3, S, S]."""
        features = encode(self.method_, pixels, self.eval_batch, cached=False)
        method = self.quick() if self.fast else self.method_
        logits = scores(method, features, self.eval_batch)
        found: Probabilities = logits.cpu().double().softmax(dim=1).numpy()
        return found
