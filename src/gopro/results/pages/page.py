"""A self-contained HTML page about a run or a fitted classifier."""

from __future__ import annotations

import base64
import io
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup

from gopro.common.errors import GoproError
from gopro.common.files import write_text
from gopro.data.images import to_array
from gopro.results.confidence import Confidence
from gopro.results.pages.answers import Answers
from gopro.results.pages.charts import Curve
from gopro.results.pages.reliability import reliability_chart
from gopro.results.pages.tokens import Token

PAGE = "page.html"

_PIXELS = 176
_PICTURES = 96
"""Most images on a page: about half a megabyte."""

TERMS = {
    "loss": ("Total loss", "the weighted sum of its terms"),
    "ce": ("Cross-entropy", "of the predicted classes"),
    "sem": ("Consistency", "of the prompts of the augmented views"),
    "con": ("Contrastive loss", "between an image and its augmented view"),
    "kg": ("Distance", "to the hand-written prompts"),
    "val_accuracy": ("Validation accuracy in %", "on images held out from training"),
}

_GROUPS = {
    "corrected": ("Corrected", "zero-shot CLIP is wrong, the method is right"),
    "spoiled": ("Spoiled", "zero-shot CLIP is right, the method is wrong"),
    "wrong": ("Wrong with both", ""),
    "right": ("Right with both", ""),
}


@dataclass(frozen=True)
class Page:
    """Contents of the page.

    Attributes:
        title: The headline.
        description: The task in one or two sentences.
        tests: All answers on each test.
        curves: Curves over epochs.
        tokens: The learned context.
        command: The command that reproduces it.
        settings: All settings by name.
        environment: Device, system and versions.
        facts: Short facts below the headline: name, value.
        summary: For several tests: name, value, and zero-shot CLIP's value of their summary.
        notes: Remarks about the data.
        method: Name of the method.
        compared: Whether the method differs from zero-shot CLIP.
        confidence: How far the answers can be trusted, if that was measured.
        unseen: Whether none of the test images was used for training.
        most: Length of the lists of classes; a table has all classes.
    """

    title: str
    description: str
    tests: Sequence[Answers]
    curves: Sequence[Curve]
    tokens: Sequence[Token]
    command: str
    settings: Mapping[str, Any]
    environment: Mapping[str, str]
    method: str
    facts: Sequence[tuple[str, str]] = ()
    summary: tuple[str, float, float] | None = None
    notes: Sequence[str] = ()
    compared: bool = True
    confidence: Confidence | None = None
    unseen: bool = True
    most: int = 8


def write(page: Page, path: Path) -> Path:
    """Write the page to a file.

    Raises:
        GoproError: When it can't be written.
    """
    text = render(page)
    write_text(path, text)
    return path


def render(page: Page) -> str:
    """The page as HTML; style, charts and images are embedded."""
    groups = [name for name in _GROUPS if page.compared or name in ("wrong", "right")]
    each = max(2, min(6, _PICTURES // max(1, len(page.tests) * len(groups))))
    return template("page.html").render(
        page=page,
        groups={name: _GROUPS[name] for name in groups},
        each=each,
        thumbnail=thumbnail,
        reliability=None if page.confidence is None else reliability_chart(page.confidence),
    )


def curves(rows: Sequence[Mapping[str, Any]], weights: Mapping[str, float]) -> list[Curve]:
    """The learning curves of a history.

    Args:
        rows: One row per epoch, as in ``metrics.jsonl``.
        weights: The weights of the loss terms.
    """
    names = [name for name in dict.fromkeys(k for row in rows for k in row) if name != "epoch"]
    first = [name for name in ("val_accuracy", "loss") if name in names]
    curves = []
    for name in [*first, *(name for name in names if name not in (*first, "lr"))]:
        points = [(row["epoch"], float(row[name])) for row in rows if name in row]
        points = [(epoch, value) for epoch, value in points if math.isfinite(value)]
        if points:
            title, note = TERMS.get(name, (name.replace("_", " ").capitalize(), ""))
            weight = f"weight {weights[name]:g}" if name in weights else ""
            curves.append(Curve(title, ", ".join(filter(None, (note, weight))), tuple(points)))
    return curves


def thumbnail(answers: Answers, number: int) -> Markup | None:
    """The image as the backbone sees it, as a ``data:`` address; None where it is missing."""
    try:
        square = to_array(answers.picture(number, _PIXELS), _PIXELS)
    except GoproError:
        return None
    return data_uri(square)


def data_uri(pixels: Any) -> Markup:
    """Pixels, uint8 [H, W, 3], as a ``data:`` address of a JPEG."""
    from PIL import Image

    file = io.BytesIO()
    Image.fromarray(pixels).save(file, format="JPEG", quality=82, optimize=True)
    return data_url("image/jpeg", file.getvalue())


def data_url(kind: str, contents: bytes) -> Markup:
    """The contents of a file as a ``data:`` address."""
    text = base64.b64encode(contents).decode("ascii")
    return Markup(f"data:{kind};base64,{text}")  # nosec B704  # no markup in base64


def template(name: str) -> jinja2.Template:
    """A template of the pages about runs and classifiers."""
    return environment("gopro.results.pages").get_template(name)


@lru_cache
def environment(package: str) -> jinja2.Environment:
    """The templates of a package. Text is escaped; a missing value is an error."""
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader(package),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["signed"] = _signed
    return environment


def _signed(value: float) -> str:
    """The value with its sign; no sign if it rounds to zero."""
    text = f"{value:+.1f}".replace("-", "\N{MINUS SIGN}")
    return "0.0" if text[1:] == "0.0" else text
