"""Answers of a classifier within limits, for the web page and the API. Free of web code."""

from __future__ import annotations

import contextlib
import re
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from gopro.backbones.image import to_unit
from gopro.classifier.app.rows import Row, Wanted
from gopro.classifier.classifier import PromptClassifier
from gopro.classifier.confidence.judgement import check_confidence
from gopro.classifier.explain import picture
from gopro.classifier.explain.explanation import Answer, Explanation
from gopro.common.errors import GoproError
from gopro.common.text import readable
from gopro.data.images import image_from_bytes, preprocess
from gopro.prediction.encode import encode
from gopro.prediction.predict import scores
from gopro.training.views import make_views

_CACHED = 8
"""How many classifiers with other class names are cached."""

_STEP = 8
"""Pictures between two checks of the time limit."""


@dataclass(frozen=True)
class Limits:
    """Limits of a request.

    Attributes:
        bytes: Size of a picture's file.
        pixels: Pixels of a picture.
        pictures: Pictures per request.
        names: Class names per request.
        letters: Letters of a class name.
        seconds: Duration of a request, waiting included.
        at_once: Requests that are handled at the same time; others wait.
    """

    bytes: int = 20_000_000
    pixels: int = 50_000_000
    pictures: int = 32
    names: int = 200
    letters: int = 100
    seconds: float = 60.0
    at_once: int = 2


@dataclass(frozen=True)
class Upload:
    """A picture's file.

    Attributes:
        name: The file's name.
        read: Gives its first bytes, at most as many as asked for, or raises a GoproError. It is
            called when the request has its turn, so that waiting requests hold no pictures.
    """

    name: str
    read: Callable[[int], bytes]


class Service:
    """Classifies and explains pictures for several clients at once.

    Args:
        classifier: Fitted.
        limits: Limits of each request.
    """

    def __init__(self, classifier: PromptClassifier, limits: Limits | None = None) -> None:
        classifier.check_fitted()
        self.classifier = classifier
        self.limits = limits or Limits()
        self.own = tuple(readable(name) for name in classifier.class_names_)
        self.own_text = ", ".join(self.own[: self.limits.names])
        self._slots = threading.BoundedSemaphore(self.limits.at_once)
        self._drawing = threading.Lock()  # matplotlib is not thread-safe
        self._renamed = lru_cache(maxsize=_CACHED)(classifier.with_classes)

    def names(self, text: str | None) -> tuple[str, ...]:
        """Class names separated by commas, semicolons or lines.

        The model's own for no names and for ``own_text``, which shows them on the page: that may
        be the first of many, and a name may have a comma.

        Raises:
            GoproError: For too many names, or one that is too long.
        """
        names = tuple(name.strip() for name in re.split(r"[,;\n]", text or "") if name.strip())
        limits = self.limits
        if not names or names == self.own or (text or "").strip() == self.own_text.strip():
            return self.own
        if len(names) > limits.names:
            raise GoproError(f"got {len(names)} class names; at most {limits.names} are allowed")
        if any(len(name) > limits.letters for name in names):
            raise GoproError(f"a class name is longer than {limits.letters} letters; shorten it")
        return names

    def answer(
        self, pictures: Sequence[Upload], names: Sequence[str], wanted: Wanted | None = None
    ) -> list[Row]:
        """Classify pictures; one that can't be read gets a row with the error.

        Raises:
            GoproError: For too many pictures, unusable class names or sets, or when it takes too
                long.
        """
        wanted = wanted or Wanted()
        check_confidence(wanted.confidence)
        if len(pictures) > self.limits.pictures:
            raise GoproError(
                f"got {len(pictures)} pictures; at most {self.limits.pictures} are allowed at once"
            )
        with self._slot() as deadline:
            classifier = self._with(names)
            rows: list[Row] = []
            for start in range(0, len(pictures), _STEP):
                if time.monotonic() > deadline:
                    raise GoproError("the request takes too long; send fewer or smaller pictures")
                rows += self._rows(classifier, pictures[start : start + _STEP], wanted)
            return rows

    def explain(self, upload: Upload, names: Sequence[str]) -> tuple[Explanation, Image.Image]:
        """Explain the prediction for a picture, as data and as an image.

        Raises:
            GoproError: When the picture can't be read, or the request waits too long.
        """
        with self._slot():
            explanation = self._with(names).explain(self._open(upload))
            with self._drawing, tempfile.TemporaryDirectory(prefix="gopro-") as folder:
                path = picture.draw(explanation, Path(folder) / "explanation.png", upload.name)
                with Image.open(path) as image:
                    return explanation, image.convert("RGB")

    def views(
        self, upload: Upload, names: Sequence[str], draws: int = 3
    ) -> list[tuple[Image.Image, str]]:
        """Augmented views of a picture, as in training, each with its prediction.

        Raises:
            GoproError: As ``explain``.
        """
        with self._slot(), torch.no_grad():
            classifier = self._with(names)
            method = classifier.method_
            device, image = method.backbone.device, self._open(upload)
            array = preprocess(image, classifier.preprocessing)
            pixels = torch.from_numpy(array.transpose(2, 0, 1).copy())[None]
            size = method.backbone.image_size
            originals = [np.asarray(image)] * draws
            views = make_views(originals, ("moco", "augmix"), 1, size=size, device=device)
            views["x"] = to_unit(pixels, device)
            kinds = {"unchanged": "x", "MoCo v3": "moco", "AugMix": "augmix"}
            results = []
            for kind, view in kinds.items():
                images = views[view]
                logits = scores(method, encode(method, images, cached=False)).cpu().double()
                shares = (logits / classifier.temperature).softmax(dim=1)
                for image, row in zip(images, shares, strict=True):
                    best = int(row.argmax())
                    name = readable(classifier.class_names_[best])
                    array = (image * 255).round().byte().permute(1, 2, 0).cpu().numpy()
                    shown = Image.fromarray(array).resize((224, 224), Image.Resampling.BICUBIC)
                    results.append((shown, f"{kind}: {name} {100 * row[best]:.0f} %"))
            return results

    @contextlib.contextmanager
    def _slot(self) -> Iterator[float]:
        """Wait for a free slot; gives the deadline of the request."""
        started = time.monotonic()
        if not self._slots.acquire(timeout=self.limits.seconds):
            raise GoproError("too many requests at once; try again later")
        try:
            yield started + self.limits.seconds
        finally:
            self._slots.release()

    def _with(self, names: Sequence[str]) -> PromptClassifier:
        return self.classifier if tuple(names) == self.own else self._renamed(tuple(names))

    def _open(self, upload: Upload) -> Image.Image:
        contents = upload.read(self.limits.bytes + 1)  # one more shows that it is too large
        if len(contents) > self.limits.bytes:
            limit = f"{self.limits.bytes / 1e6:g} MB"
            raise GoproError(
                f"picture {upload.name} is larger than {limit}; shrink it, or save it with more "
                "compression"
            )
        reduced_to = self.classifier.preprocessing.reduced_to
        return image_from_bytes(contents, upload.name, self.limits.pixels, reduced_to)

    def _rows(
        self, classifier: PromptClassifier, pictures: Sequence[Upload], wanted: Wanted
    ) -> list[Row]:
        opened: list[Image.Image | str] = []
        for upload in pictures:
            try:
                opened.append(self._open(upload))
            except GoproError as error:
                opened.append(str(error))
        images = [image for image in opened if not isinstance(image, str)]
        if images:
            judgements = classifier.judge_each(images, wanted.sets)
            zero_shot = iter(classifier.zero_shot().predict_proba(images))
        names = [readable(name) for name in classifier.class_names_]
        rows = []
        for upload, image in zip(pictures, opened, strict=True):
            if isinstance(image, str):
                rows.append(Row(upload.name, error=image))
                continue
            judged, zero = next(judgements), next(zero_shot)
            if isinstance(judged, GoproError):
                rows.append(Row(upload.name, error=str(judged)))
                continue
            best = (-judged.shares).argsort(kind="stable")[: wanted.top]
            inside = judged.names_inside(names)
            rows.append(
                Row(
                    upload.name,
                    tuple(Answer(names[i], float(judged.shares[i]), float(zero[i])) for i in best),
                    unknown=None if judged.known is None else judged.unknown,
                    unsure=None if wanted.confidence is None else judged.unsure(wanted.confidence),
                    inside=None if inside is None else tuple(inside),
                )
            )
        return rows
