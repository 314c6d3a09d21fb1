"""What the page and the API ask a classifier for, within bounds. It knows neither of them."""

from __future__ import annotations

import contextlib
import csv
import io
import json
import re
import tempfile
import threading
import time
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from PIL import Image

from gopro.backbones.image import to_unit
from gopro.classifier.classifier import PromptClassifier
from gopro.classifier.explain import picture
from gopro.classifier.explain.explanation import Answer, Explanation
from gopro.common.errors import GoproError
from gopro.data.dataset import readable
from gopro.data.images import image_from_bytes, to_array
from gopro.prediction.encode import encode
from gopro.prediction.predict import scores
from gopro.training.views import make_views

_KEPT = 8
"""So many lists of class names keep their prompts; older ones are made anew."""

_STEP = 8
"""Pictures between two looks at the clock."""


@dataclass(frozen=True)
class Limits:
    """What one request may ask for.

    Attributes:
        bytes: Of a picture's file.
        pixels: Of a picture.
        pictures: Of a request.
        names: Of classes in a request.
        letters: Of a class name.
        seconds: That a request may take, waiting included.
        at_once: Requests that are answered at the same time; others wait.
    """

    bytes: int = 20_000_000
    pixels: int = 50_000_000
    pictures: int = 32
    names: int = 200
    letters: int = 100
    seconds: float = 60.0
    at_once: int = 2


@dataclass(frozen=True)
class Row:
    """One picture: its name, its answers best first, or why there are none."""

    picture: str
    answers: tuple[Answer, ...] = ()
    error: str = ""


Upload = tuple[str, bytes]
"""A file's name and contents."""


class Service:
    """Answers within bounds, for several clients at once.

    Args:
        classifier: Fitted.
        limits: The bounds.
    """

    def __init__(self, classifier: PromptClassifier, limits: Limits | None = None) -> None:
        classifier.check_fitted()
        self.classifier = classifier
        self.limits = limits or Limits()
        self.own = tuple(readable(name) for name in classifier.class_names_)
        self._room = threading.BoundedSemaphore(self.limits.at_once)
        self._lock = threading.Lock()  # guards what follows; drawing isn't safe in two threads
        self._drawing = threading.Lock()
        self._others: OrderedDict[tuple[str, ...], PromptClassifier] = OrderedDict()

    def names(self, text: str | None) -> tuple[str, ...]:
        """Class names between commas or lines; the model's own where there are none.

        Raises:
            GoproError: For too many, or too long ones.
        """
        found = tuple(name.strip() for name in re.split(r"[,;\n]", text or "") if name.strip())
        most = self.limits
        if len(found) > most.names and found != self.own:
            raise GoproError(f"got {len(found)} class names; at most {most.names} are taken")
        if any(len(name) > most.letters for name in found):
            raise GoproError(f"a class name is longer than {most.letters} letters; shorten it")
        return found or self.own

    def answer(self, pictures: Sequence[Upload], names: Sequence[str], top: int = 5) -> list[Row]:
        """Name pictures; one that can't be read gets a row that says why.

        Raises:
            GoproError: For more than is taken, names that don't fit, or when it takes too long.
        """
        if len(pictures) > self.limits.pictures:
            raise GoproError(
                f"got {len(pictures)} pictures; at most {self.limits.pictures} are taken at once"
            )
        with self._turn() as deadline:
            classifier = self._with(tuple(names))
            rows: list[Row] = []
            for start in range(0, len(pictures), _STEP):
                if time.monotonic() > deadline:
                    raise GoproError("this takes too long; send fewer or smaller pictures")
                part = pictures[start : start + _STEP]
                rows += self._rows(classifier, part, top)
            return rows

    def explain(self, upload: Upload, names: Sequence[str]) -> tuple[Explanation, Image.Image]:
        """Explain the answer to a picture, as data and drawn.

        Raises:
            GoproError: When the picture can't be read, or it takes too long to get a turn.
        """
        with self._turn():
            found = self._with(tuple(names)).explain(self._open(upload))
            with self._drawing, tempfile.TemporaryDirectory(prefix="gopro-") as folder:
                path = picture.draw(found, Path(folder) / "explanation.png", upload[0])
                with Image.open(path) as drawn:
                    return found, drawn.convert("RGB")

    def views(
        self, upload: Upload, names: Sequence[str], draws: int = 3
    ) -> list[tuple[Image.Image, str]]:
        """Augmented views of a picture as training sees them, each with its answer.

        Raises:
            GoproError: As ``explain``.
        """
        with self._turn(), torch.no_grad():
            classifier = self._with(tuple(names))
            method = classifier.method_
            side = method.backbone.image_size
            array = to_array(self._open(upload), side)
            pixels = torch.from_numpy(array.transpose(2, 0, 1).copy())[None]
            many = to_unit(pixels, method.backbone.device).expand(draws, -1, -1, -1)
            made = make_views(many, ("x", "moco", "augmix"), seed=1)
            shown = [("as it is", made["x"][:1]), ("MoCo v3", made["moco"])]
            shown.append(("AugMix", made["augmix"]))
            found = []
            for kind, images in shown:
                logits = scores(method, encode(method, images, cached=False))
                shares = logits.double().softmax(dim=1).cpu()
                for image, row in zip(images, shares, strict=True):
                    best = int(row.argmax())
                    name = readable(classifier.class_names_[best])
                    array = (image * 255).round().byte().permute(1, 2, 0).cpu().numpy()
                    drawn = Image.fromarray(array).resize((224, 224), Image.Resampling.BICUBIC)
                    found.append((drawn, f"{kind}: {name} {100 * row[best]:.0f} %"))
            return found

    @contextlib.contextmanager
    def _turn(self) -> Iterator[float]:
        """Wait for a turn; gives the time by which the request has to be done."""
        started = time.monotonic()
        if not self._room.acquire(timeout=self.limits.seconds):
            raise GoproError("too many requests at once; try again in a while")
        try:
            yield started + self.limits.seconds
        finally:
            self._room.release()

    def _with(self, names: tuple[str, ...]) -> PromptClassifier:
        if names == self.own:
            return self.classifier
        with self._lock:
            if names in self._others:
                self._others.move_to_end(names)
                return self._others[names]
        made = self.classifier.with_classes(names)
        with self._lock:
            self._others[names] = made
            while len(self._others) > _KEPT:
                self._others.popitem(last=False)
        return made

    def _open(self, upload: Upload) -> Image.Image:
        name, contents = upload
        if len(contents) > self.limits.bytes:
            most = f"{self.limits.bytes / 1e6:.0f} MB"
            raise GoproError(f"picture {name} has {len(contents) / 1e6:.0f} MB; at most {most}")
        return image_from_bytes(contents, name, self.limits.pixels)

    def _rows(
        self, classifier: PromptClassifier, pictures: Sequence[Upload], top: int
    ) -> list[Row]:
        opened: list[Image.Image | str] = []
        for upload in pictures:
            try:
                opened.append(self._open(upload))
            except GoproError as error:
                opened.append(str(error))
        images = [image for image in opened if not isinstance(image, str)]
        if images:
            ours = iter(classifier.predict_proba(images))
            zero = iter(classifier.zero_shot().predict_proba(images))
        names = [readable(name) for name in classifier.class_names_]
        rows = []
        for (name, _), image in zip(pictures, opened, strict=True):
            if isinstance(image, str):
                rows.append(Row(name, error=image))
                continue
            share, plain = next(ours), next(zero)
            best = (-share).argsort(kind="stable")[:top]
            answers = tuple(Answer(names[i], float(share[i]), float(plain[i])) for i in best)
            rows.append(Row(name, answers))
        return rows


def as_json(rows: Sequence[Row]) -> str:
    """Rows as JSON text."""
    return json.dumps({"answers": [as_dict(row) for row in rows]}, indent=2, ensure_ascii=False)


def as_dict(row: Row) -> dict[str, object]:
    """A row as plain data: ``error``, or ``answers``."""
    if row.error:
        return {"picture": row.picture, "error": row.error}
    return {"picture": row.picture, "answers": [asdict(answer) for answer in row.answers]}


def as_csv(rows: Sequence[Row]) -> str:
    """Rows as CSV, a line an answer; no cell acts as a formula in a spreadsheet."""
    file = io.StringIO()
    writer = csv.writer(file)
    writer.writerow(["picture", "rank", "name", "probability", "zero_shot", "error"])
    for row in rows:
        if row.error:
            writer.writerow([_neutral(row.picture), "", "", "", "", _neutral(row.error)])
        for rank, answer in enumerate(row.answers, start=1):
            figures = (f"{answer.probability:.6f}", f"{answer.zero_shot:.6f}")
            writer.writerow([_neutral(row.picture), rank, _neutral(answer.name), *figures, ""])
    return file.getvalue()


def _neutral(text: str) -> str:
    return f"'{text}" if text[:1] in ("=", "+", "-", "@", "\t", "\r") else text
