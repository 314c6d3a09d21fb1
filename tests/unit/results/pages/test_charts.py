"""Line charts: round ticks around the values, and SVG that parses."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gopro.results.pages.charts import line_chart, nice_ticks, number

VALUES = st.floats(-1e6, 1e6, allow_nan=False)


@given(st.lists(VALUES, min_size=1, max_size=20))
def test_every_chart_is_valid_and_inside_its_frame(values: list[float]) -> None:
    root = ElementTree.fromstring(line_chart(list(enumerate(values, start=1)), "a < b & c"))
    assert root.get("aria-label") == "a < b & c"
    dots = root.findall("circle")
    assert len(dots) == len(values)
    for dot in dots:
        assert 0 <= float(dot.get("cx") or -1) <= 340
        assert 0 <= float(dot.get("cy") or -1) <= 170


@pytest.mark.parametrize("values", [[100.0], [98.0, 100.0], [99.7, 99.7]])
def test_an_axis_of_shares_ends_at_a_hundred(values: list[float]) -> None:
    def ticks(name: str) -> list[float]:
        svg = ElementTree.fromstring(line_chart(list(enumerate(values)), name))
        texts = [text.text or "" for text in svg.findall("text[@text-anchor='end']")]
        return [float(text) for text in texts if not text.startswith("epoch")]

    assert max(ticks("Validation accuracy in %")) <= 100
    if len(set(values)) == 1:
        assert max(ticks("Total loss")) > 100


@given(VALUES, VALUES)
def test_ticks_enclose(one: float, two: float) -> None:
    low, high = sorted((one, two))
    ticks = nice_ticks(low, high)
    reach = 1e-6 * max(1.0, abs(low), abs(high))
    assert 2 <= len(ticks) <= 8
    assert ticks[0] <= low + reach
    assert ticks[-1] >= high - reach


@pytest.mark.parametrize(
    ("value", "text"),
    [
        *((0, "0"), (42.0, "42"), (2.956, "2.96"), (0.002, "0.002"), (1e-5, "1e-5")),
        *((9.33e-9, "9.3e-9"), (1500.0, "1500"), (-0.5, "-0.5"), (2.5e6, "2.5e6")),
    ],
)
def test_numbers(value: float, text: str) -> None:
    assert number(value) == text
