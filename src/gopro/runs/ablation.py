"""Ablation: runs without one part of a method, compared with runs of the full method."""

from __future__ import annotations

import difflib
import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from gopro.common.errors import GoproError
from gopro.methods import TABLE, find
from gopro.results.averages import Score, columns, spread
from gopro.results.tables import ZERO_SHOT

FULL = "full"
"""Name of the method with all parts."""


def choose(
    method: str, options: Any, names: Sequence[str] | None = None
) -> tuple[dict[str, Any], list[str]]:
    """Settings of all methods of an ablation.

    Args:
        method: Its name.
        options: Settings of the full method.
        names: Of the parts; all by default.

    Returns:
        Name -> settings, the full method (``FULL``) first; and a line for each part that can't be
        switched off with these settings.

    Raises:
        GoproError: When the method has no parts, or none of this name.
    """
    parts = find(method).parts
    if not parts:
        others = ", ".join(name for name in TABLE if find(name).parts)
        raise GoproError(f"{method} has no parts to switch off; methods that have: {others}")
    for name in names or ():
        if name not in parts:
            similar = difflib.get_close_matches(name, parts, n=1)
            hint = f"did you mean {similar[0]}?" if similar else f"it has {', '.join(parts)}"
            raise GoproError(f"{method} has no part {name!r}; {hint}")
    settings = {FULL: options}
    left_out: list[str] = []
    for name in names or parts:
        try:
            without = replace(options, **parts[name])
        except GoproError as error:
            left_out.append(f"{name} is left out: {error}")
            continue
        if without == options:
            left_out.append(f"{name} is left out: these settings are without it already")
        else:
            settings[name] = without
    return settings, left_out


@dataclass(frozen=True)
class Row:
    """One line of the table.

    Attributes:
        name: ``FULL``, the part, or ``ZERO_SHOT``.
        scores: Column -> mean and spread over seeds. In percent for the full method; for a part
            the difference to the full method on the same seeds, below 0 when the part helps.
        parameters: Number of learned parameters.
        seconds: Median training time of a run.
    """

    name: str
    scores: Mapping[str, Score]
    parameters: int
    seconds: float


def rows(runs: Mapping[str, Sequence[Mapping[str, Any]]]) -> list[Row]:
    """Compare runs without a part with runs of the full method.

    Args:
        runs: ``FULL`` and the parts -> contents of ``results.json``, one for each seed.

    Returns:
        The full method, the parts, and last zero-shot CLIP on the same images.

    Raises:
        GoproError: When a part was run on other seeds than the full method.
    """
    full = {run["seed"]: columns(run) for run in runs[FULL]}
    lines = []
    for name, members in runs.items():
        if [run["seed"] for run in members] != list(full):
            raise GoproError(f"{name} was run on other seeds than the full method; run it again")
        measured = [columns(run) for run in members]
        scores = spread(measured if name == FULL else _differences(measured, full.values()))
        seconds = statistics.median(run["train_seconds"] for run in members)
        lines.append(Row(name, scores, members[0]["trainable_parameters"], seconds))
    nothing = [columns(run["zeroshot"]) for run in runs[FULL]]
    return [*lines, Row(ZERO_SHOT, spread(_differences(nothing, full.values())), 0, 0.0)]


def _differences(
    ours: Iterable[Mapping[str, float]], theirs: Iterable[Mapping[str, float]]
) -> list[dict[str, float]]:
    """Ours minus theirs, for each seed and column."""
    return [
        {column: value - there[column] for column, value in here.items()}
        for here, there in zip(ours, theirs, strict=True)
    ]


def table(lines: Sequence[Row]) -> list[list[str]]:
    """The rows as text, with a header row."""
    names = list(lines[0].scores)
    words = [["", *(name.replace("_", " ") for name in names), "learned", "training s"]]
    for row in lines:
        sign = "" if row.name == FULL else "+"
        scores = [_score(row.scores[name], sign) for name in names]
        words.append([row.name, *scores, f"{row.parameters:,}", f"{row.seconds:.0f}"])
    return words


def _score(score: Score, sign: str) -> str:
    mean, deviation = score
    mean += 0.0 if abs(mean) >= 0.005 else -mean  # no "-0.00"
    words = f"{mean:{sign}.2f}" if mean else f"{mean:.2f}"
    return words if deviation is None else f"{words} ± {deviation:.2f}"
