"""Draw an explanation as one picture."""

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

from gopro.classifier.explain.explanation import ContextToken, Explanation, Similar
from gopro.classifier.explain.text import cut, marked, supporting, words
from gopro.common.files import atomic_write
from gopro.common.text import printable
from gopro.results.pages.picture import ACCENT, INK, PLAIN

_SOFT = "#5b6472"
_HEAT = LinearSegmentedColormap.from_list("heat", ["#ffd60000", "#ff8c0099", "#d6282ee6"])

# Sizes in inches
_WIDTH, _MARGIN, _GAP = 12.0, 0.45, 0.3
_HEAD, _TOP, _SIMILAR, _TOKEN = 0.95, 3.55, 2.55, 0.44


def draw(explanation: Explanation, path: Path, title: str) -> Path:
    """Draw an explanation to a PNG file.

    Args:
        explanation: Its contents.
        path: The file.
        title: The headline, such as the picture's name.

    Raises:
        GoproError: When the file can't be written.
    """
    similar = _SIMILAR if explanation.similar else 0.0
    tokens = 1.05 + _TOKEN * len(explanation.tokens) if explanation.tokens else 0.0
    height = _HEAD + _TOP + similar + tokens + 0.1
    # names come from users: no formulas between dollar signs, no warnings about missing letters
    style: Any = {"font.family": ["DejaVu Sans"], "text.parse_math": False}
    with warnings.catch_warnings(), matplotlib.rc_context(style):
        warnings.filterwarnings("ignore", message="Glyph .* missing from")
        figure = Figure(figsize=(_WIDTH, height), facecolor="white")
        page = _page(figure, height)
        best = explanation.answers[0]
        page.text(_MARGIN, 0.46, cut(printable(title), 70), size=16, weight="bold", color=INK)
        answer = f"{best.name}, {100 * best.probability:.0f} %"
        answer += f"; zero-shot CLIP gives it {100 * best.zero_shot:.0f} %"
        page.text(_MARGIN, 0.78, cut(marked(explanation, answer), 110), size=11.5, color=_SOFT)
        _pictures(page, explanation, _HEAD)
        _bars(figure, explanation, height)
        if explanation.similar:
            _similar(page, explanation.similar, _HEAD + _TOP)
        if explanation.tokens:
            _tokens(page, explanation.tokens, _HEAD + _TOP + similar)
        page.set(xlim=(0, _WIDTH), ylim=(height, 0), aspect="auto")
        with atomic_write(path) as temporary:
            figure.savefig(temporary, format="png", dpi=110)
    return path


def _page(figure: Figure, height: float) -> Axes:
    """Axes over the whole figure, in inches from the upper left corner."""
    axes: Axes = figure.add_axes((0, 0, 1, 1))
    axes.set(xlim=(0, _WIDTH), ylim=(height, 0))
    axes.set_axis_off()
    return axes


def _pictures(page: Axes, explanation: Explanation, top: float) -> None:
    side = _TOP - 0.65
    shown = (
        (_MARGIN, "what the backbone sees"),
        (_MARGIN + side + _GAP, supporting(explanation)),
    )
    grey = explanation.pixels.astype(float).mean(axis=2, keepdims=True).repeat(3, axis=2) / 255
    for (left, caption), pixels in zip(
        shown, (explanation.pixels, 0.35 + 0.65 * grey), strict=True
    ):
        extent = (left, left + side, top + side, top)
        page.imshow(pixels, extent=extent, aspect="auto", interpolation="bilinear")
        page.text(left, top + side + 0.24, caption, size=9.5, color=_SOFT)
    heat = np.clip(explanation.regions, 0, None)
    if heat.max() > 0:
        page.imshow(
            heat / heat.max(), extent=extent, aspect="auto", cmap=_HEAT, interpolation="bicubic"
        )


def _bars(figure: Figure, explanation: Explanation, height: float) -> None:
    left = _MARGIN + 2 * (_TOP - 0.65 + _GAP) + 1.55
    box = (left, height - _HEAD - _TOP + 0.75, _WIDTH - left - 0.75, _TOP - 1.1)
    axes: Axes = figure.add_axes(
        (box[0] / _WIDTH, box[1] / height, box[2] / _WIDTH, box[3] / height)
    )
    axes.spines[["top", "right", "bottom", "left"]].set_visible(False)
    axes.tick_params(length=0, labelbottom=False)
    count = len(explanation.answers)
    for shift, colour, label, values in (
        (-0.19, ACCENT, "learned", [answer.probability for answer in explanation.answers]),
        (0.19, PLAIN, "zero-shot CLIP", [answer.zero_shot for answer in explanation.answers]),
    ):
        positions = [row + shift for row in range(count)]
        drawn = axes.barh(positions, [100 * v for v in values], 0.34, color=colour, label=label)
        axes.bar_label(drawn, fmt="%.0f", padding=3, size=8.5, color=INK)
    axes.set_yticks(
        range(count), [cut(a.name, 18) for a in explanation.answers], size=9.5, color=INK
    )
    axes.set_xlim(0, 105)
    axes.set_ylim(max(count, 3) - 0.4, -0.6)
    axes.set_title("probability in %", size=9.5, color=_SOFT, loc="left", pad=8)
    axes.legend(frameon=False, fontsize=8.5, loc="upper left", bbox_to_anchor=(-0.02, 0.0), ncols=2)


def _similar(page: Axes, similar: Sequence[Similar], top: float) -> None:
    page.text(_MARGIN, top + 0.2, "The most similar training pictures", size=11, color=INK)
    side = 1.4
    for number, one in enumerate(similar):
        left = _MARGIN + number * (side + _GAP)
        extent = (left, left + side, top + 0.38 + side, top + 0.38)
        page.imshow(np.asarray(one.picture), extent=extent, aspect="auto")
        page.text(left, top + 0.6 + side, cut(one.name, 17), size=9.5, color=INK)
        page.text(left, top + 0.79 + side, f"cosine {one.cosine:.2f}", size=8.5, color=_SOFT)


def _tokens(page: Axes, tokens: Sequence[ContextToken], top: float) -> None:
    shifts = [token.shift for token in tokens if token.shift is not None]
    page.text(_MARGIN, top + 0.2, "The context tokens", size=11, color=INK)
    heads = ((_MARGIN, "initial word"), (2.0, "nearest words, with their cosines"))
    for left, head in (*heads, *([(8.3, "shift by this picture")] if shifts else [])):
        page.text(left, top + 0.55, head, size=9, color=_SOFT)
    longest = max([*shifts, *(t.content or 0 for t in tokens), *(t.style or 0 for t in tokens)])
    for number, token in enumerate(tokens):
        y = top + 0.9 + number * _TOKEN
        page.plot([_MARGIN, _WIDTH - _MARGIN], [y - 0.2] * 2, color="#e6e3dc", lw=0.8)
        page.text(_MARGIN, y, f"{token.position}", size=9.5, color=PLAIN)
        page.text(_MARGIN + 0.3, y, cut(token.initial, 14), size=10, weight="bold", color=INK)
        page.text(2.0, y, cut(words(token.here, 5), 66), size=9.5, color=INK)
        if token.shift is not None and longest > 0:
            _shift(page, token, y, longest)


def _shift(page: Axes, token: ContextToken, y: float, longest: float) -> None:
    parts = [("content", token.content, ACCENT), ("style", token.style, "#c9822b")]
    shown = [part for part in parts if part[1] is not None] or [("shift", token.shift, ACCENT)]
    for row, (name, share, colour) in enumerate(shown):
        height = y - 0.08 + 0.16 * row
        width = 1.7 * (share or 0) / longest
        page.plot([8.3, 8.3 + width], [height] * 2, color=colour, lw=5, solid_capstyle="butt")
        label = f"{name} {100 * (share or 0):.1f} %"
        page.text(8.36 + width, height, label, size=8.5, va="center", color=INK)
