"""Explain the prediction for one picture: context, regions, similar training pictures."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image
from torch import Tensor

from gopro.backbones import ImageFeatures
from gopro.backbones.image import to_unit
from gopro.backbones.vocabulary import Near, nearest_words
from gopro.classifier.confidence.unknown import inputs_from
from gopro.classifier.explain.regions import occlusion
from gopro.classifier.predictor import Predictor
from gopro.common.text import readable
from gopro.data.images import preprocess
from gopro.data.pictures import Picture, open_picture
from gopro.methods.base import Method
from gopro.prediction.predict import scores
from gopro.results.pages.tokens import context_of, starting_words


@dataclass(frozen=True)
class Answer:
    """A class and its probability, from the classifier and from zero-shot CLIP."""

    name: str
    probability: float
    zero_shot: float


@dataclass(frozen=True)
class ContextToken:
    """A context token.

    Attributes:
        position: From 1.
        initial: The word it was initialised with.
        learned: The words nearest to it after training.
        here: The words nearest to it for this picture; the same if the method has no shifts.
        shift: Norm of this picture's shift divided by the token's norm; None if the method has
            no shifts.
        content: The same ratio for the content part of the shift.
        style: The same ratio for the style part.
    """

    position: int
    initial: str
    learned: Sequence[Near]
    here: Sequence[Near]
    shift: float | None
    content: float | None
    style: float | None


@dataclass(frozen=True)
class Similar:
    """A training picture, its class name, and its cosine to the explained picture."""

    name: str
    cosine: float
    picture: Image.Image


@dataclass(frozen=True)
class Explanation:
    """The explanation of a prediction.

    Attributes:
        pixels: uint8 [S, S, 3], the picture as the backbone sees it.
        answers: The most likely classes, best first.
        tokens: The context; empty for a method without a context shared by all classes.
        regions: [8, 8], above 0 where hiding the region lowers the first answer (occlusion).
        similar: The most similar of the saved training pictures; may be empty.
        unknown: Whether the picture is of none of the classes; None without calibration.
    """

    pixels: npt.NDArray[np.uint8]
    answers: Sequence[Answer]
    tokens: Sequence[ContextToken]
    regions: npt.NDArray[np.float32]
    similar: Sequence[Similar]
    unknown: bool | None = None


@torch.no_grad()
def explain(
    classifier: Predictor, picture: Picture, *, top: int = 5, similar: int = 6
) -> Explanation:
    """Explain the prediction for one picture.

    Args:
        classifier: A fitted one.
        picture: A path, a Pillow image or an array.
        top: How many classes to name.
        similar: How many training pictures to show.

    Raises:
        GoproError: Before ``fit``, or when the picture can't be read.
    """
    classifier.check_fitted()
    method = classifier.method_
    backbone = method.backbone
    how = classifier.preprocessing
    pixels = preprocess(open_picture((0, picture), how.reduced_to), how)
    image = torch.from_numpy(pixels.transpose(2, 0, 1).copy())
    unit = to_unit(image, backbone.device)
    features = method.encode_image(unit[None])
    frozen = backbone.encode_image(unit[None])
    names = [readable(name) for name in classifier.class_names_]
    ours = _probabilities(method, features, classifier.temperature)
    zero = _probabilities(classifier.zero_shot().method_, frozen)
    best = ours.argsort(descending=True, stable=True)[:top].tolist()
    unknown, calibration = None, classifier.calibration_
    if calibration is not None:
        known = calibration.classes.scores(inputs_from(frozen)).item()
        unknown = known < calibration.threshold
    _, regions = occlusion(method, unit, classifier.eval_batch)
    return Explanation(
        pixels,
        [Answer(names[index], ours[index].item(), zero[index].item()) for index in best],
        _tokens(method, features),
        regions.numpy().astype(np.float32),
        _similar(classifier, frozen.embedding[0], similar),
        unknown,
    )


def _probabilities(method: Method, features: ImageFeatures, temperature: float = 1.0) -> Tensor:
    return (scores(method, features)[0].cpu().double() / temperature).softmax(dim=0)


def _tokens(method: Method, features: ImageFeatures) -> list[ContextToken]:
    context = context_of(method)
    if context is None or not len(context):
        return []
    shifts: Callable[[ImageFeatures], Tensor] | None = getattr(method, "shifts", None)
    shift = None if shifts is None else shifts(features)[0].expand_as(context)
    generator: Any = getattr(method, "generator", None)
    parts: dict[str, Tensor] = {}
    if hasattr(generator, "contributions"):
        parts = {
            name: part[0].expand_as(context)
            for name, part in generator.contributions(features, "x").items()
        }
    initial = starting_words(method, len(context))
    learned = nearest_words(method.backbone, context)
    here = learned if shift is None else nearest_words(method.backbone, context + shift)
    norms = context.norm(dim=-1)

    def ratio(vectors: Tensor | None, index: int) -> float | None:
        return None if vectors is None else (vectors[index].norm() / norms[index]).item()

    vectors = (shift, parts.get("content"), parts.get("style"))
    return [
        ContextToken(index + 1, *words, *(ratio(one, index) for one in vectors))
        for index, words in enumerate(zip(initial, learned, here, strict=True))
    ]


def _similar(classifier: Predictor, embedding: Tensor, count: int) -> list[Similar]:
    examples = classifier.examples_
    if examples is None:
        return []
    return [
        Similar(
            readable(classifier.trained_names_[examples.labels[index]]),
            cosine,
            examples.open(index),
        )
        for index, cosine in examples.nearest(embedding, count)
    ]
