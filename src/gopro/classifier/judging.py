"""Answers with their confidence, and their measurement on pictures whose class is known."""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from typing_extensions import Self

from gopro.classifier.comparison import Comparison
from gopro.classifier.confidence.judgement import Judgement, check_confidence, judge, needed
from gopro.classifier.confidence.measurement import Measurement
from gopro.classifier.confidence.unknown import frozen_inputs, inputs_from
from gopro.classifier.predictor import Folder, Predictor
from gopro.common.errors import GoproError, UnreadableError
from gopro.common.progress import bar
from gopro.data import labelled
from gopro.data.fingerprint import Fingerprints
from gopro.data.pictures import Picture, list_pictures
from gopro.data.pixels import stack
from gopro.prediction.encode import encode
from gopro.prediction.predict import predict
from gopro.results.confidence import Floats


class Judging(Predictor):
    """The part of ``PromptClassifier`` that knows how far its answers can be trusted."""

    def judge_each(
        self, images: Iterable[Picture], sets: float | None = None
    ) -> Iterator[Judgement | GoproError]:
        """As ``predict_each``, with everything that is known about the confidence of each answer.

        Args:
            images: The pictures.
            sets: Probability with which the conformal set of a picture holds the right class; None
                for no sets.

        Yields:
            For each picture its judgement, or the error if it can't be read.

        Raises:
            GoproError: Before ``fit``, or for sets that can't be made.
        """
        self.check_fitted()
        limit = self.set_limit(sets)
        yield from self.each_row(images, lambda pixels: self._judgements(pixels, limit))

    def set_limit(self, sets: float | None) -> float | None:
        """The limit of ``1 - share`` for conformal sets; None if none are asked for.

        Args:
            sets: See ``judge_each``.

        Raises:
            GoproError: Without calibration, or for sets that can't be made.
        """
        return None if sets is None else needed(self.calibration_, "sets").set_limit(sets)

    def is_unknown(self, images: Iterable[Picture]) -> npt.NDArray[np.bool_]:
        """Whether each picture is of none of the classes: [N].

        Raises:
            GoproError: Before ``fit``, when pictures can't be read, or without calibration.
        """
        self.check_fitted()
        needed(self.calibration_, "answers of `none of these`")
        return np.array([one.unknown for one in self.all_rows(images, self._judgements)])

    def predict_sets(self, images: Iterable[Picture], level: float) -> list[tuple[Any, ...]]:
        """For each picture the labels that hold the right one with a probability.

        Args:
            images: The pictures.
            level: The probability, such as 0.95.

        Raises:
            GoproError: Before ``fit``, when pictures can't be read, or without calibration.
        """
        self.check_fitted()
        limit = needed(self.calibration_, "sets").set_limit(level)
        rows = self.all_rows(images, lambda pixels: self._judgements(pixels, limit))
        return [tuple(self.classes_[one.inside].tolist()) for one in rows]

    def with_others(self, images: Iterable[Picture]) -> Self:
        """The same classifier, which learned what is "none of these" from examples.

        They replace those that were given before.

        Args:
            images: Pictures of no known class, at least two.

        Raises:
            GoproError: Before ``fit``, when pictures can't be read or are training pictures,
                without calibration, or for a published classifier.
        """
        self.check_fitted()
        calibration = needed(self.calibration_, "pictures of no known class")
        pictures = list_pictures(images)
        if len(pictures) < 2:
            raise GoproError("got 1 picture of no known class; wanted at least 2")
        errors: list[str] = []
        parts = list(self._seen(pictures, errors))
        if errors:
            raise UnreadableError(errors, len(pictures))
        prints = Fingerprints.joined([prints for _, prints in parts])
        trained_on = self.fitted_
        if trained_on is not None:
            # without the examples that were given before, which these replace
            trained_on = trained_on.first(sum(self.training_["pictures"].values()))
        if trained_on is not None and (known := sum(prints.known(trained_on))):
            raise GoproError(
                f"{known:,} of {len(pictures):,} pictures of no known class are among those that "
                "the classifier was fitted on; give pictures of other things"
            )
        other = copy.copy(self)
        other.calibration_ = calibration.with_others(torch.cat([part for part, _ in parts]))
        if trained_on is not None:
            other.fitted_ = Fingerprints.joined([trained_on, prints])
        return other

    def compare(
        self,
        images: Iterable[Picture] | Folder,
        labels: Iterable[Any] | None = None,
        *,
        include_fitted: bool = False,
        skip_bad: bool = False,
        confidence: float | None = None,
        sets: float | None = None,
        others: Iterable[Picture] | None = None,
    ) -> Comparison:
        """Accuracy of this classifier and of zero-shot CLIP, overall and per class, and how far the
        answers can be trusted.

        Pictures that the classifier was fitted on, and copies of them in another size or format,
        are recognised by their content and left out.

        Args:
            images: See ``score``.
            labels: See ``score``.
            include_fitted: Measure on them too; the headline then says so.
            skip_bad: Leave out pictures that can't be read; the headline then says so.
            confidence: Also measure what is answered with at least this share.
            sets: Also measure conformal sets for this probability.
            others: Pictures of no known class, to measure how many of them are recognised.

        Raises:
            GoproError: As ``score``, for labels that the classifier doesn't have, when it was
                fitted on all of the pictures, and for what needs calibration without it.
        """
        self.check_fitted()
        check_confidence(confidence)
        others = None if others is None else list_pictures(others)
        if others is not None:
            needed(self.calibration_, "pictures of no known class")
        limit = self.set_limit(sets)
        test = labelled.read(images, labels, "test")
        truth = labelled.places_among(test.labels, self.classes_)
        measured = Measurement(self.calibration_, limit)
        zero_shot = self.zero_shot().method_
        zero_answers: list[Tensor] = []
        fitted: list[bool] = []
        errors: list[str] = []
        opened: list[int] = []
        with bar("measuring", len(truth)) as advance:
            for group in self.groups(test.pictures):
                start = len(opened) + len(errors)
                good = [i for i, one in enumerate(group) if isinstance(one, Tensor)]
                errors += [str(one) for one in group if isinstance(one, GoproError)]
                opened += [start + i for i in good]
                advance("", len(group))
                if not good or (errors and not skip_bad):
                    continue  # all unreadable ones are named
                pixels = stack([group[i] for i in good])
                frozen = encode(zero_shot, pixels)
                changed = self.method_.modifies_image_encoder
                features = encode(self.method_, pixels) if changed else frozen
                fitted += self._fitted_on(Fingerprints.of(pixels))
                true_classes = [truth[i] for i in opened[-len(good) :]]
                measured.add(frozen, self._logits(features), true_classes)
                zero_answers.append(predict(zero_shot, frozen))
        if errors and not (skip_bad and opened):
            raise UnreadableError(errors, len(truth))
        keep = [i for i, known in enumerate(fitted) if include_fitted or not known]
        if not keep:
            raise GoproError(
                f"the classifier was fitted on all {len(fitted):,} pictures, so they show nothing; "
                "measure on others, or include them (--include_fitted)"
            )
        ours, zero = torch.from_numpy(measured.answers), torch.cat(zero_answers)
        known, others_left_out = None, 0
        if others is not None:
            known, unreadable = self._scores_of(others, include_fitted, skip_bad)
            others_left_out = len(others) - len(unreadable) - len(known)
            errors += unreadable
        return dataclasses.replace(
            Comparison.of(
                self.class_names_, [truth[opened[i]] for i in keep], ours[keep], zero[keep]
            ),
            indices=tuple(opened[i] for i in keep),
            unreadable=tuple(errors),
            left_out=len(fitted) - len(keep),
            fitted_on=None if self.fitted_ is None else sum(fitted[i] for i in keep),
            confidence=measured.result(keep, confidence, sets, known, others_left_out),
        )

    def _fitted_on(self, prints: Fingerprints) -> list[bool]:
        """Whether the classifier was fitted on each of the pictures, as far as is known."""
        if self.fitted_ is None:
            return [False] * len(prints)
        return prints.known(self.fitted_)

    def _seen(
        self, pictures: list[Picture], errors: list[str]
    ) -> Iterator[tuple[Tensor, Fingerprints]]:
        """What the score of known classes takes, and fingerprints of pictures, batch by batch.

        Args:
            pictures: The pictures.
            errors: Gets the reason of each that can't be read.
        """
        for group in self.groups(pictures):
            errors += [str(one) for one in group if isinstance(one, GoproError)]
            good = [one for one in group if isinstance(one, Tensor)]
            if good:
                pixels = torch.stack(good)
                yield frozen_inputs(self.method_.backbone, pixels), Fingerprints.of(pixels)

    def _scores_of(
        self, others: list[Picture], include_fitted: bool, skip_bad: bool
    ) -> tuple[Floats, list[str]]:
        """The scores for known classes of pictures of none, and why others can't be read.

        Raises:
            GoproError: When pictures can't be read, or the classifier was fitted on all of them.
        """
        classes = needed(self.calibration_, "pictures of no known class").classes
        parts: list[Tensor] = []
        errors: list[str] = []
        for inputs, prints in self._seen(others, errors):
            new = ~torch.tensor(self._fitted_on(prints)) | include_fitted
            parts.append(classes.scores(inputs)[new])
        if errors and not (skip_bad and parts):
            raise UnreadableError(errors, len(others))
        scores: Floats = torch.cat(parts).numpy()
        if not len(scores):
            raise GoproError(
                f"the classifier was fitted on all {len(others) - len(errors):,} pictures of no "
                "known class, so they show nothing; measure on others"
            )
        return scores, errors

    def _judgements(self, pixels: Tensor, limit: float | None = None) -> Iterator[Judgement]:
        """The judgements of pixels uint8 [B, 3, S, S]; ``limit`` is that of the sets."""
        features = encode(self.method_, pixels, self.eval_batch, cached=False)
        calibration = self.calibration_
        known = None
        if calibration is not None:
            changed = self.method_.modifies_image_encoder
            backbone = self.method_.backbone
            inputs = frozen_inputs(backbone, pixels) if changed else inputs_from(features)
            known = calibration.classes.scores(inputs).numpy()
        return judge(calibration, self._shares(features), known, limit)
