"""One picture explained: answers, context, regions, similar training pictures."""

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
from gopro.classifier.explain.regions import occlusion
from gopro.classifier.predictor import Predictor
from gopro.data.dataset import readable
from gopro.data.images import to_array
from gopro.data.pictures import Picture, open_picture
from gopro.methods.base import Method
from gopro.prediction.predict import scores
from gopro.results.pages.tokens import context_of, starting_words


@dataclass(frozen=True)
class Answer:
    """A class and how likely it is, for the classifier and for zero-shot CLIP."""

    name: str
    probability: float
    zero_shot: float


@dataclass(frozen=True)
class TokenStory:
    """A context token.

    Attributes:
        place: From 1.
        started: The word it started as.
        learned: The words it is near after learning.
        here: The words it is near for this picture; the same where a picture changes nothing.
        shift: Length of this picture's shift as a share of the token's length; None where the
            method shifts nothing.
        content: The part of the shift that comes from content, likewise.
        style: The part that comes from style, likewise.
    """

    place: int
    started: str
    learned: Sequence[Near]
    here: Sequence[Near]
    shift: float | None
    content: float | None
    style: float | None


@dataclass(frozen=True)
class Similar:
    """A training picture, what it shows, and its cosine to the picture that is explained."""

    name: str
    cosine: float
    picture: Image.Image


@dataclass(frozen=True)
class Explanation:
    """What moved an answer.

    Attributes:
        pixels: uint8 [S, S, 3], the picture as the backbone sees it.
        answers: The most likely classes, best first.
        tokens: The context; empty for a method without a context that all classes share.
        regions: [8, 8], above 0 where hiding the place hurts the first answer (occlusion).
        similar: The most similar training pictures that the model keeps; may be empty.
    """

    pixels: npt.NDArray[np.uint8]
    answers: Sequence[Answer]
    tokens: Sequence[TokenStory]
    regions: npt.NDArray[np.float32]
    similar: Sequence[Similar]


@torch.no_grad()
def explain(
    classifier: Predictor, picture: Picture, *, top: int = 5, similar: int = 6
) -> Explanation:
    """Explain the answer to one picture.

    Args:
        classifier: A fitted one.
        picture: A path, a Pillow image or an array.
        top: How many classes to name.
        similar: How many training pictures to look up.

    Raises:
        GoproError: Before ``fit``, or when the picture can't be read.
    """
    classifier.check_fitted()
    method = classifier.method_
    backbone = method.backbone
    side = backbone.image_size
    pixels = to_array(open_picture((0, picture), side), side)
    image = torch.from_numpy(pixels.transpose(2, 0, 1).copy())
    unit = to_unit(image, backbone.device)
    features = method.encode_image(unit[None])
    plain = backbone.encode_image(unit[None])
    names = [readable(name) for name in classifier.class_names_]
    ours = _probabilities(method, features)
    zero = _probabilities(classifier.zero_shot().method_, plain)
    best = ours.argsort(descending=True, stable=True)[:top].tolist()
    _, regions = occlusion(method, unit, classifier.eval_batch)
    return Explanation(
        pixels,
        [Answer(names[place], ours[place].item(), zero[place].item()) for place in best],
        _tokens(method, features),
        regions.numpy().astype(np.float32),
        _similar(classifier, plain.embedding[0], similar),
    )


def _probabilities(method: Method, features: ImageFeatures) -> Tensor:
    return scores(method, features)[0].double().softmax(dim=0).cpu()


def _tokens(method: Method, features: ImageFeatures) -> list[TokenStory]:
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
    started = starting_words(method, len(context))
    learned = nearest_words(method.backbone, context)
    here = learned if shift is None else nearest_words(method.backbone, context + shift)
    lengths = context.norm(dim=-1)

    def share(vectors: Tensor | None, place: int) -> float | None:
        return None if vectors is None else (vectors[place].norm() / lengths[place]).item()

    return [
        TokenStory(
            place + 1,
            started[place],
            learned[place],
            here[place],
            share(shift, place),
            share(parts.get("content"), place),
            share(parts.get("style"), place),
        )
        for place in range(len(context))
    ]


def _similar(classifier: Predictor, embedding: Tensor, most: int) -> list[Similar]:
    examples = classifier.examples_
    if examples is None:
        return []
    return [
        Similar(
            readable(classifier.trained_names_[examples.labels[place]]),
            cosine,
            examples.open(place),
        )
        for place, cosine in examples.nearest(embedding, most)
    ]
