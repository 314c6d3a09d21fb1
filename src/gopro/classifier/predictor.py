"""Prediction with a fitted classifier: labels, probabilities, accuracy, zero-shot comparison."""

from __future__ import annotations

import copy
import dataclasses
import os
from collections.abc import Iterable, Iterator
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from typing_extensions import Self

from gopro.classifier import fast_prediction
from gopro.classifier.comparison import Comparison
from gopro.classifier.estimator import Estimator
from gopro.classifier.examples import Examples
from gopro.classifier.fitinputs import all_unreadable
from gopro.common.errors import GoproError
from gopro.common.preprocessing import Decode, Preprocessing
from gopro.common.progress import bar
from gopro.data import labelled
from gopro.data.fingerprint import Fingerprints
from gopro.data.pictures import Picture, list_pictures, open_picture
from gopro.data.pixels import groups, stack
from gopro.methods.base import Method
from gopro.methods.zeroshot import ZeroShot, ZeroShotSettings
from gopro.prediction.encode import encode
from gopro.prediction.fast import FastPrompts, Reference
from gopro.prediction.predict import predict, scores

Folder: TypeAlias = "str | os.PathLike[str]"
Probabilities: TypeAlias = npt.NDArray[np.float64]


class Predictor(Estimator):
    """The part of ``PromptClassifier`` that predicts.

    Attributes, beside those that ``PromptClassifier`` describes:
        eval_batch: Pictures per step.
        decode: See ``Preprocessing``.
        workers: Threads that decode pictures; None for one per core.
        fast: Whether to predict without a text pass over all classes.
        trained_names_: The class names at training.
        backbone_checksum_: SHA-256 (hex) of the backbone's weights.
        reference_: The data of training pictures that fast prediction is fitted to; None if the
            method has no fast prediction.
        measured_: Accuracy on pictures that were not trained on, if known.
    """

    eval_batch: int
    decode: Decode
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
    fitted_: Fingerprints | None
    reference_: Reference | None
    measured_: dict[str, Any] | None
    _fast_prompts: FastPrompts | None = None

    def predict(self, images: Iterable[Picture]) -> npt.NDArray[Any]:
        """The most likely label of each picture: [N].

        Raises:
            GoproError: Before ``fit``, or when a picture can't be read.
        """
        indices = self.predict_proba(images).argmax(axis=1)
        labels: npt.NDArray[Any] = self.classes_[indices]
        return labels

    def predict_proba(self, images: Iterable[Picture]) -> Probabilities:
        """The probability of each class for each picture: [N, C], rows sum to 1.

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
        """``predict_proba`` for a stream, which is read batch by batch.

        Yields:
            For each picture its probabilities [C], or the error if it can't be read.

        Raises:
            GoproError: Before ``fit``.
        """
        self.check_fitted()
        for group in self._groups(images):
            pixels = [picture for picture in group if isinstance(picture, Tensor)]
            rows = iter(self._probabilities(torch.stack(pixels)) if pixels else ())
            for picture in group:
                yield picture if isinstance(picture, GoproError) else next(rows)

    def score(
        self, images: Iterable[Picture] | Folder, labels: Iterable[Any] | None = None
    ) -> float:
        """Accuracy: the fraction of pictures whose most likely label is right.

        Args:
            images: Pictures; or a folder, whose ``test`` part is used if there is one.
            labels: One label per picture; None if ``images`` is a folder.

        Raises:
            GoproError: Before ``fit``, when a picture can't be read, or for a folder with classes
                that the classifier doesn't have.
        """
        self.check_fitted()
        test = labelled.read(images, labels, "test")
        truth = test.labels
        if labels is None:
            truth = self.classes_[labelled.places_among(truth, self.classes_)]
        return float(np.mean(self.predict(test.pictures) == truth))

    def with_classes(self, names: Iterable[str]) -> Self:
        """A classifier for other class names with the same learned weights (shared, not copied).

        Its prediction is exact. ``set_params(fast=True)`` fits fast prediction to the new names;
        that is worth its time for thousands of pictures.

        Args:
            names: The classes to choose from, trained on or not.

        Raises:
            GoproError: For names that are empty, repeated or too long, or when the learned weights
                belong to the training classes only.
        """
        self.check_fitted()
        other = copy.copy(self)
        other.class_names_ = labelled.checked_names(names, "class names")
        other.classes_ = np.asarray(other.class_names_)
        other.method_ = self.method_.for_classes(other.class_names_)
        other.measured_, other.fast = None, False
        return other

    def zero_shot(self) -> Self:
        """Zero-shot CLIP with the same classes, for comparison."""
        self.check_fitted()
        other = copy.copy(self).set_params(method="zeroshot", options=None, fast=False)
        other.method_ = ZeroShot(self.method_.backbone, self.class_names_, ZeroShotSettings())
        return other

    def compare(
        self,
        images: Iterable[Picture] | Folder,
        labels: Iterable[Any] | None = None,
        *,
        include_fitted: bool = False,
    ) -> Comparison:
        """Accuracy of this classifier and of zero-shot CLIP, overall and per class.

        Pictures that the classifier was fitted on, and copies of them in another size or format,
        are recognised by their content and left out.

        Args:
            images: See ``score``.
            labels: See ``score``.
            include_fitted: Measure on them too; the headline then says so.

        Raises:
            GoproError: As ``score``, for labels that the classifier doesn't have, and when it was
                fitted on all of the pictures.
        """
        self.check_fitted()
        test = labelled.read(images, labels, "test")
        truth = labelled.places_among(test.labels, self.classes_)
        learned, zero_shot = self.method_, self.zero_shot().method_
        scorer = self.fast_prompts() if self.fast else learned
        answers: list[Tensor] = []
        zero_answers: list[Tensor] = []
        known: list[bool] = []
        errors: list[str] = []
        with bar("measuring", len(truth)) as advance:
            for group in self._groups(test.pictures):
                advance("", len(group))
                errors += [str(one) for one in group if isinstance(one, GoproError)]
                if errors:
                    continue  # all of them are named
                pixels = stack(group)
                frozen = encode(zero_shot, pixels)
                features = encode(learned, pixels) if learned.modifies_image_encoder else frozen
                answers.append(predict(scorer, features))
                zero_answers.append(predict(zero_shot, frozen))
                known += self._known(pixels)
        if errors:
            raise all_unreadable(errors, len(truth))
        ours, zero = torch.cat(answers), torch.cat(zero_answers)
        keep = [i for i, fitted in enumerate(known) if include_fitted or not fitted]
        if not keep:
            raise GoproError(
                f"the classifier was fitted on all {len(known):,} pictures, so they show nothing; "
                "measure on others, or include them (--include_fitted)"
            )
        return dataclasses.replace(
            Comparison.of(self.class_names_, [truth[i] for i in keep], ours[keep], zero[keep]),
            indices=tuple(keep),
            left_out=len(known) - len(keep),
            fitted_on=None if self.fitted_ is None else sum(known[i] for i in keep),
        )

    def _known(self, pixels: Tensor) -> list[bool]:
        """Whether the classifier was fitted on each of the pictures, as far as is known."""
        if self.fitted_ is None:
            return [False] * len(pixels)
        return Fingerprints.of(pixels).known(self.fitted_)

    @property
    def preprocessing(self) -> Preprocessing:
        """From a picture to the backbone's input."""
        return self.method_.backbone.preprocessing.with_decode(self.decode)

    @property
    def fast_is_ready(self) -> bool:
        """Whether fast prediction is already fitted to these class names, as in a saved model."""
        fast: Any = self._fast_prompts
        return fast is not None and fast.method is self.method_

    def fast_prompts(self) -> FastPrompts:
        """Fast prediction for these class names; fitted at the first call.

        Raises:
            GoproError: Before ``fit``, or when the method has no fast prediction.
        """
        self.check_fitted()
        if self._fast_prompts is None or not self.fast_is_ready:
            self._fast_prompts = fast_prediction.fast_prompts(self.method_, self.reference_)
        return self._fast_prompts

    def _groups(self, images: Iterable[Picture]) -> Iterator[list[Tensor | GoproError]]:
        return groups(
            open_picture, enumerate(images), self.preprocessing, self.eval_batch, self.workers
        )

    def _probabilities(self, pixels: Tensor) -> Probabilities:
        """Class probabilities [B, C] of pixels uint8 [B, 3, S, S]."""
        features = encode(self.method_, pixels, self.eval_batch, cached=False)
        scorer = self.fast_prompts() if self.fast else self.method_
        logits = scores(scorer, features, self.eval_batch)
        probabilities: Probabilities = logits.cpu().double().softmax(dim=1).numpy()
        return probabilities
