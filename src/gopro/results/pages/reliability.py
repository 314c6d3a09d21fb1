"""The reliability figure: accuracy by confidence, as SVG; the page around it sets the colours."""

from __future__ import annotations

from markupsafe import Markup

from gopro.results.confidence import Bin, Confidence
from gopro.results.pages.charts import PERCENT, Chart

_HEIGHT = 260.0
_MARGINS = (44.0, 14.0, 12.0, 26.0)


def reliability_chart(confidence: Confidence) -> Markup:
    """Accuracy by confidence, calibrated and (in grey) uncalibrated; the diagonal is the ideal."""
    chart = Chart(f"Accuracy by confidence, {PERCENT}", (0.0, 100.0), _HEIGHT, _MARGINS)
    for percent in (0, 50, 100):
        words = f"confidence {percent} %" if percent == 100 else f"{percent}"
        chart.text(
            chart.x(percent / 100), _HEIGHT - 8, words, "end" if percent == 100 else "middle"
        )
    ends = (chart.x(0), chart.y(0), chart.x(1), chart.y(100))
    x1, y1, x2, y2 = (f"{end:.1f}" for end in ends)
    chart.parts.append(f'<line class="ideal" x1="{x1}" y1="{y1}" x2="{x2}" y2="{y2}"/>')
    for bins, colour in ((confidence.uncalibrated or (), "plain"), (confidence.bins, "")):
        if bins:
            points = [(chart.x(one.confidence), chart.y(100 * one.accuracy)) for one in bins]
            chart.line(points, [_title(one) for one in bins], colour)
    return chart.svg


def _title(one: Bin) -> str:
    return (
        f"{one.pictures:,} images with confidence {100 * one.confidence:.0f} %: "
        f"{100 * one.accuracy:.0f} % right"
    )
