"""What is said about a choice."""

from __future__ import annotations

import io
import re
from dataclasses import replace

from rich.console import Console

from gopro.classifier.choice import Choice, Compared

ROWS = (
    Compared("zeroshot", 30, 0.5, 0.2, 0.05, 0.1),
    Compared("prolip", 35, 0.3, 0.0, 0.0, 2.0),
    Compared("coop", 35, 0.32, 0.02, 0.03, 2.0),
    Compared("gopro", 29, 0.9, 0.6, 0.1, 9.0),
)
CHOICE = Choice("prolip", 40, ROWS, {"tip_adapter": "it needs about 9 s"})


def test_how_close_it_was() -> None:
    assert CHOICE.lines() == [
        "tip_adapter was not compared: it needs about 9 s",
        "prolip is chosen; next is coop, behind by 0.020 ± 0.030 in log loss",
    ]


def test_zero_shot_is_kept() -> None:
    kept = replace(CHOICE, method="zeroshot", compared=(ROWS[1], ROWS[2]), left_out={})
    assert kept.lines() == [
        "no method beats zero-shot CLIP beyond chance, so it is kept, without training; next is "
        "prolip, behind by 0.000 ± 0.000 in log loss; --method NAME trains one all the same"
    ]
    nothing = replace(kept, compared=ROWS[:0])
    assert nothing.lines() == [
        "nothing was compared, so zero-shot CLIP is kept, without training; --method NAME trains "
        "one all the same"
    ]


def test_the_table() -> None:
    written = io.StringIO()
    Console(file=written, width=100).print(CHOICE.table())
    assert "cross-validation on 40 training images" in written.getvalue()
    rows = [re.findall(r"[\w.]+", line) for line in written.getvalue().splitlines()]
    assert ["zeroshot", "30", "75.0", "0.500", "0.200", "0.050", "0.1"] in rows
    assert ["prolip", "35", "87.5", "0.300", "2.0"] in rows
