"""An explanation as one picture."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure

from gopro.classifier.explain.explanation import Explanation, Similar, TokenStory
from gopro.classifier.explain.text import words
from gopro.common.files import atomic_write
from gopro.results.pages.picture import ACCENT, INK, PLAIN

_SOFT = "#5b6472"
_HEAT = LinearSegmentedColormap.from_list("heat", ["#ffd60000", "#ff8c0099", "#d6282ee6"])

# Sizes in inches
_WIDTH, _MARGIN, _GAP = 12.0, 0.45, 0.3
_HEAD, _TOP, _SIMILAR, _TOKEN = 0.95, 3.55, 2.55, 0.44


def draw(found: Explanation, path: Path, title: str) -> Path:
    """Draw an explanation to a PNG file.

    Args:
        found: What there is to show.
        path: The file.
        title: Above it, such as the picture's name.

    Raises:
        GoproError: When the file can't be written.
    """
    similar = _SIMILAR if found.similar else 0.0
    tokens = 1.05 + _TOKEN * len(found.tokens) if found.tokens else 0.0
    height = _HEAD + _TOP + similar + tokens + 0.1
    # names come from the user: a dollar sign is no formula, and an unknown letter is no warning
    style: Any = {"font.family": ["DejaVu Sans"], "text.parse_math": False}
    with warnings.catch_warnings(), matplotlib.rc_context(style):
        warnings.filterwarnings("ignore", message="Glyph .* missing from")
        figure = Figure(figsize=(_WIDTH, height), facecolor="white")
        page = _page(figure, height)
        best = found.answers[0]
        page.text(_MARGIN, 0.46, _cut(title, 70), size=16, weight="bold", color=INK)
        told = f"{best.name}, {100 * best.probability:.0f} %"
        told += f"; zero-shot CLIP gives it {100 * best.zero_shot:.0f} %"
        page.text(_MARGIN, 0.78, _cut(told, 110), size=11.5, color=_SOFT)
        _pictures(page, found, _HEAD)
        _bars(figure, found, height)
        if found.similar:
            _similar(page, found.similar, _HEAD + _TOP)
        if found.tokens:
            _tokens(page, found.tokens, _HEAD + _TOP + similar)
        page.set(xlim=(0, _WIDTH), ylim=(height, 0), aspect="auto")
        with atomic_write(path) as temporary:
            figure.savefig(temporary, format="png", dpi=110)
    return path


def _page(figure: Figure, height: float) -> Axes:
    """One axes in inches, counted from the upper left corner."""
    axes: Axes = figure.add_axes((0, 0, 1, 1))
    axes.set(xlim=(0, _WIDTH), ylim=(height, 0))
    axes.set_axis_off()
    return axes


def _pictures(page: Axes, found: Explanation, top: float) -> None:
    side = _TOP - 0.65
    shown = (
        (_MARGIN, "what the backbone sees"),
        (_MARGIN + side + _GAP, "what the answer rests on"),
    )
    grey = found.pixels.astype(float).mean(axis=2, keepdims=True).repeat(3, axis=2) / 255
    for (left, caption), pixels in zip(shown, (found.pixels, 0.35 + 0.65 * grey), strict=True):
        place = (left, left + side, top + side, top)
        page.imshow(pixels, extent=place, aspect="auto", interpolation="bilinear")
        page.text(left, top + side + 0.24, caption, size=9.5, color=_SOFT)
    heat = np.clip(found.regions, 0, None)
    if heat.max() > 0:
        page.imshow(
            heat / heat.max(), extent=place, aspect="auto", cmap=_HEAT, interpolation="bicubic"
        )


def _bars(figure: Figure, found: Explanation, height: float) -> None:
    left = _MARGIN + 2 * (_TOP - 0.65 + _GAP) + 1.55
    box = (left, height - _HEAD - _TOP + 0.75, _WIDTH - left - 0.75, _TOP - 1.1)
    axes: Axes = figure.add_axes(
        (box[0] / _WIDTH, box[1] / height, box[2] / _WIDTH, box[3] / height)
    )
    axes.spines[["top", "right", "bottom", "left"]].set_visible(False)
    axes.tick_params(length=0, labelbottom=False)
    count = len(found.answers)
    for shift, colour, label, values in (
        (-0.19, ACCENT, "learned", [answer.probability for answer in found.answers]),
        (0.19, PLAIN, "zero-shot CLIP", [answer.zero_shot for answer in found.answers]),
    ):
        places = [place + shift for place in range(count)]
        drawn = axes.barh(places, [100 * v for v in values], 0.34, color=colour, label=label)
        axes.bar_label(drawn, fmt="%.0f", padding=3, size=8.5, color=INK)
    axes.set_yticks(range(count), [_cut(a.name, 18) for a in found.answers], size=9.5, color=INK)
    axes.set_xlim(0, 105)
    axes.set_ylim(max(count, 3) - 0.4, -0.6)
    axes.set_title("probability in %", size=9.5, color=_SOFT, loc="left", pad=8)
    axes.legend(frameon=False, fontsize=8.5, loc="upper left", bbox_to_anchor=(-0.02, 0.0), ncols=2)


def _similar(page: Axes, similar: Sequence[Similar], top: float) -> None:
    page.text(_MARGIN, top + 0.2, "The most similar training pictures", size=11, color=INK)
    side = 1.4
    for number, one in enumerate(similar):
        left = _MARGIN + number * (side + _GAP)
        place = (left, left + side, top + 0.38 + side, top + 0.38)
        page.imshow(np.asarray(one.picture), extent=place, aspect="auto")
        page.text(left, top + 0.6 + side, _cut(one.name, 17), size=9.5, color=INK)
        page.text(left, top + 0.79 + side, f"cosine {one.cosine:.2f}", size=8.5, color=_SOFT)


def _tokens(page: Axes, tokens: Sequence[TokenStory], top: float) -> None:
    shifts = [token.shift for token in tokens if token.shift is not None]
    page.text(_MARGIN, top + 0.2, "The context, token by token", size=11, color=INK)
    heads = ((_MARGIN, "started as"), (2.0, "words it is near, with the cosine"))
    for left, head in (*heads, *([(8.3, "how far this picture shifted it")] if shifts else [])):
        page.text(left, top + 0.55, head, size=9, color=_SOFT)
    longest = max([*shifts, *(t.content or 0 for t in tokens), *(t.style or 0 for t in tokens)])
    for number, token in enumerate(tokens):
        y = top + 0.9 + number * _TOKEN
        page.plot([_MARGIN, _WIDTH - _MARGIN], [y - 0.2] * 2, color="#e6e3dc", lw=0.8)
        page.text(_MARGIN, y, f"{token.place}", size=9.5, color=PLAIN)
        page.text(_MARGIN + 0.3, y, _cut(token.started, 14), size=10, weight="bold", color=INK)
        page.text(2.0, y, _cut(words(token.here, 5), 66), size=9.5, color=INK)
        if token.shift is not None and longest > 0:
            _shift(page, token, y, longest)


def _shift(page: Axes, token: TokenStory, y: float, longest: float) -> None:
    parts = [("content", token.content, ACCENT), ("style", token.style, "#c9822b")]
    known = [(name, share, colour) for name, share, colour in parts if share is not None]
    for row, (name, share, colour) in enumerate(known or [("shift", token.shift, ACCENT)]):
        height = y - 0.08 + 0.16 * row
        width = 1.7 * (share or 0) / longest
        page.plot([8.3, 8.3 + width], [height] * 2, color=colour, lw=5, solid_capstyle="butt")
        told = f"{name} {100 * (share or 0):.1f} %"
        page.text(8.36 + width, height, told, size=8.5, va="center", color=INK)


def _cut(text: str, length: int) -> str:
    return text if len(text) <= length else text[: length - 1].rstrip() + "…"
