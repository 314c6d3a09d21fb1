"""One self-contained HTML page about a run or a fitted classifier, for a reader."""

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
from gopro.common.files import atomic_write
from gopro.data.images import to_array
from gopro.results.pages.charts import Curve
from gopro.results.pages.story import Part
from gopro.results.pages.tokens import Token

PAGE = "page.html"

_PIXELS = 176
_PICTURES = 96
"""At most so many pictures on a page: about half a megabyte."""

TERMS = {
    "loss": ("Whole loss", "the weighted sum of its terms"),
    "ce": ("Cross-entropy", "between each picture and the class names"),
    "sem": ("Consistency", "of the prompts that the augmented views ask for"),
    "con": ("Contrast", "between a picture and its augmented view"),
    "kg": ("Distance", "to the hand-written prompts"),
    "val_accuracy": ("Validation accuracy in %", "on pictures put aside from the training data"),
}

_GROUPS = {
    "mended": ("Put right by learning", "zero-shot CLIP was wrong, the learned prompts are right"),
    "broken": ("Put wrong by learning", "zero-shot CLIP was right, the learned prompts are wrong"),
    "wrong": ("Wrong either way", ""),
    "right": ("Right either way", ""),
}


@dataclass(frozen=True)
class Page:
    """What the page says.

    Attributes:
        title: The headline.
        asked: What was asked, in a sentence or two.
        parts: The tests, each with all its answers.
        curves: Numbers over epochs.
        tokens: The learned context.
        command: What makes it again.
        settings: Every setting by name.
        environment: Where it was made.
        facts: Short facts beside the headline: what, value.
        summary: Name, own and zero-shot CLIP's value of the one number of several tests.
        notes: What a reader has to know about the data.
        method: How the method is called beside zero-shot CLIP.
        compared: Whether something was learned that zero-shot CLIP doesn't have.
        most: So many classes in each list; a table holds them all.
    """

    title: str
    asked: str
    parts: Sequence[Part]
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
    most: int = 8


def write(page: Page, path: Path) -> Path:
    """Render to a file.

    Raises:
        GoproError: When it can't be written.
    """
    text = render(page)
    with atomic_write(path) as temporary:
        temporary.write_text(text, encoding="utf-8")
    return path


def render(page: Page) -> str:
    """The page as HTML. It loads nothing: style, charts and pictures are inside."""
    groups = [name for name in _GROUPS if page.compared or name in ("wrong", "right")]
    each = max(2, min(6, _PICTURES // max(1, len(page.parts) * len(groups))))
    return template("page.html").render(
        page=page,
        groups={name: _GROUPS[name] for name in groups},
        each=each,
        thumbnail=thumbnail,
    )


def curves(rows: Sequence[Mapping[str, Any]], weights: Mapping[str, float]) -> list[Curve]:
    """The learning curves of a history.

    Args:
        rows: A row an epoch, as in ``metrics.jsonl``.
        weights: Of the loss terms.
    """
    names = [name for name in dict.fromkeys(k for row in rows for k in row) if name != "epoch"]
    first = [name for name in ("val_accuracy", "loss") if name in names]
    found = []
    for name in [*first, *(name for name in names if name not in (*first, "lr"))]:
        points = [(row["epoch"], float(row[name])) for row in rows if name in row]
        points = [(epoch, value) for epoch, value in points if math.isfinite(value)]
        if points:
            title, note = TERMS.get(name, (name.replace("_", " ").capitalize(), ""))
            weight = f"weight {weights[name]:g}" if name in weights else ""
            found.append(Curve(title, ", ".join(filter(None, (note, weight))), tuple(points)))
    return found


def thumbnail(part: Part, number: int) -> Markup | None:
    """A picture as the backbone sees it, as the address of an ``img``; None where it is gone."""
    try:
        square = to_array(part.picture(number, _PIXELS), _PIXELS)
    except GoproError:
        return None
    return data_uri(square)


def data_uri(pixels: Any) -> Markup:
    """uint8 [H, W, 3] as a ``data:`` address (JPEG)."""
    from PIL import Image

    file = io.BytesIO()
    Image.fromarray(pixels).save(file, format="JPEG", quality=82, optimize=True)
    text = base64.b64encode(file.getvalue()).decode("ascii")
    return Markup(f"data:image/jpeg;base64,{text}")  # nosec B704  # no markup in base64


@lru_cache
def template(name: str) -> jinja2.Template:
    """A page's template: text put into it is escaped, and what it lacks is an error."""
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("gopro.results.pages"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["signed"] = _signed
    return environment.get_template(name)


def _signed(value: float) -> str:
    """With its sign, and none for what rounds to zero."""
    text = f"{value:+.1f}".replace("-", "\N{MINUS SIGN}")
    return "0.0" if text[1:] == "0.0" else text
