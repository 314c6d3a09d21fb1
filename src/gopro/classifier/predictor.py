"""Prediction with a fitted classifier: labels, probabilities, accuracy, other class names."""

from __future__ import annotations

import copy
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
from scipy.special import softmax
from torch import Tensor
from typing_extensions import Self

from gopro.backbones import ImageFeatures
from gopro.classifier import fast_prediction
from gopro.classifier.choice import AUTO, ZERO_SHOT, Choice
from gopro.classifier.confidence.calibration import Calibration
from gopro.classifier.embedder import Embedder
from gopro.classifier.examples import Examples
from gopro.common.errors import GoproError
from gopro.data import labelled
from gopro.data.fingerprint import Fingerprints
from gopro.data.pictures import Picture
from gopro.methods.zeroshot import ZeroShot, ZeroShotSettings
from gopro.prediction.encode import encode
from gopro.prediction.fast import FastPrompts, Reference
from gopro.prediction.predict import scores

Folder: TypeAlias = "str | os.PathLike[str]"
Probabilities: TypeAlias = npt.NDArray[np.float64]


class Predictor(Embedder):
    """The part of ``PromptClassifier`` that predicts.

    Attributes, beside those that ``PromptClassifier`` describes:
        method: The setting; auto stays what it is.
        fast: Whether to predict without a text pass over all classes.
        trained_names_: The class names at training.
        backbone_checksum_: SHA-256 (hex) of the backbone's weights.
        reference_: The data of training pictures that fast prediction is fitted to; None if the
            method has no fast prediction.
        measured_: Accuracy on pictures that were not trained on, if known.
        calibration_: What calibrates the shares and recognises unknown pictures; None in models
            without it, and for other class names than those of the training.
        texts_: The sentences about each class that were given.
    """

    method: str
    fast: bool
    classes_: npt.NDArray[Any]
    class_names_: tuple[str, ...]
    trained_names_: tuple[str, ...]
    backbone_checksum_: str
    history_: list[dict[str, Any]]
    training_: dict[str, Any]
    examples_: Examples | None
    fitted_: Fingerprints | None
    reference_: Reference | None
    measured_: dict[str, Any] | None
    calibration_: Calibration | None = None
    texts_: Mapping[str, Sequence[str]] | None = None
    _fast_prompts: FastPrompts | None = None

    def predict(self, images: Iterable[Picture]) -> npt.NDArray[Any]:
        """The most likely label of each picture: [N].

        Raises:
            GoproError: Before ``fit``, or when pictures can't be read (``UnreadableError``).
        """
        indices = self.predict_proba(images).argmax(axis=1)
        labels: npt.NDArray[Any] = self.classes_[indices]
        return labels

    def predict_proba(self, images: Iterable[Picture]) -> Probabilities:
        """The probability of each class for each picture: [N, C], rows sum to 1.

        Raises:
            GoproError: Before ``fit``, or when pictures can't be read (``UnreadableError``).
        """
        self.check_fitted()
        return np.stack(self.all_rows(images, self._probabilities))

    def predict_each(self, images: Iterable[Picture]) -> Iterator[Probabilities | GoproError]:
        """``predict_proba`` for a stream, which is read batch by batch.

        Yields:
            For each picture its probabilities [C], or the error if it can't be read.

        Raises:
            GoproError: Before ``fit``.
        """
        self.check_fitted()
        yield from self.each_row(images, self._probabilities)

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
        if other.class_names_ != self.class_names_:
            other.calibration_ = None
        return other

    def zero_shot(self) -> Self:
        """Zero-shot CLIP with the same classes, for comparison."""
        self.check_fitted()
        other = copy.copy(self).set_params(method=ZERO_SHOT, options=None, fast=False)
        other.method_ = ZeroShot(self.method_.backbone, self.class_names_, ZeroShotSettings())
        other.calibration_ = other.texts_ = None
        return other

    @property
    def choice_(self) -> Choice | None:
        """What ``auto`` compared and chose; None for a method that was named."""
        choice = self.training_.get("choice")
        return None if choice is None else Choice.of_dict(choice)

    @property
    def method_name_(self) -> str:
        """Name of the fitted method: for ``auto`` that of the chosen one."""
        return self.training_["choice"]["method"] if self.method == AUTO else self.method

    @property
    def temperature(self) -> float:
        """What class scores are divided by before the softmax: 1 without calibration."""
        return 1.0 if self.calibration_ is None else self.calibration_.temperature

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

    def _probabilities(self, pixels: Tensor) -> Probabilities:
        """Class probabilities [B, C] of pixels uint8 [B, 3, S, S]."""
        features = encode(self.method_, pixels, self.eval_batch, cached=False)
        return self._shares(features)

    def _shares(self, features: ImageFeatures) -> Probabilities:
        """Class probabilities [B, C] of features."""
        probabilities: Probabilities = softmax(self._logits(features) / self.temperature, axis=1)
        return probabilities

    def _logits(self, features: ImageFeatures) -> Probabilities:
        """Class scores [B, C] of features, in float64."""
        scorer = self.fast_prompts() if self.fast else self.method_
        logits: Probabilities = scores(scorer, features, self.eval_batch).cpu().double().numpy()
        return logits
