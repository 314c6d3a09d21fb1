"""The table of tried training settings, from the log of ``python -m recipes.choose``."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import fmean

SCORES = ("base", "new", "harmonic mean")
_TEXT = ("method", "chosen", "the others")
Row = Mapping[str, str]


def table(file: Path) -> str:
    """A row for each method, the best harmonic mean first, as Markdown.

    Scores are averages over the data sets. The other candidates are named by the settings in which
    they differ from the chosen one.
    """
    with file.open(encoding="utf-8", newline="") as source:
        rows = list(csv.DictReader(source))
    methods = dict.fromkeys(row["method"] for row in rows)
    lines = [_line([row for row in rows if row["method"] == method]) for method in methods]
    lines.sort(key=lambda line: -float(line[4]))
    head = ["method", "chosen", "base", "new", "harmonic mean", "the others"]
    rule = ["---" if name in _TEXT else "---:" for name in head]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (head, rule, *lines)) + "\n"


def _line(rows: Sequence[Row]) -> list[str]:
    groups: dict[tuple[tuple[str, str], ...], list[Row]] = {}
    for row in rows:
        settings = [(k, v) for k, v in row.items() if k not in ("method", "dataset", *SCORES) and v]
        groups.setdefault(tuple(settings), []).append(row)
    means = {
        settings: [fmean(float(row[score]) for row in own) for score in SCORES]
        for settings, own in groups.items()
    }
    best, *others = sorted(means, key=lambda settings: -means[settings][-1])
    chosen = dict(best)
    rest = [f"{means[one][-1]:.2f} ({_words(set(one) - set(best))})" for one in others]
    return [
        rows[0]["method"],
        f"{chosen['lr']}, {chosen['epochs']} epochs" if chosen else "",
        *(f"{score:.2f}" for score in means[best]),
        ", ".join(rest),
    ]


def _words(settings: set[tuple[str, str]]) -> str:
    return ", ".join(
        value if name == "lr" else f"{value} {name}" for name, value in sorted(settings)
    )
