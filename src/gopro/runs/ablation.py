"""What each part of a method is worth: runs without it, beside runs of the whole method."""

from __future__ import annotations

import difflib
import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from gopro.common.errors import GoproError
from gopro.methods import TABLE, find
from gopro.results.averages import columns, spread

FULL = "full"
"""The name of the method with all of its parts."""

NOTHING = "zero-shot CLIP"
"""The name of what is left when nothing is learned."""

Score = tuple[float, float | None]
"""Mean, and sample standard deviation over seeds (None for one seed)."""


def choose(
    method: str, options: Any, names: Sequence[str] | None = None
) -> tuple[dict[str, Any], list[str]]:
    """The settings of an ablation's methods.

    Args:
        method: Its name.
        options: Settings of the whole method.
        names: Of the parts; all by default.

    Returns:
        Name -> settings, the whole method (``FULL``) first; and a line for each part that can't
        be left out under these settings.

    Raises:
        GoproError: When the method has no parts, or none of this name.
    """
    parts = find(method).parts
    if not parts:
        others = ", ".join(name for name in TABLE if find(name).parts)
        raise GoproError(f"{method} has no parts to switch off; methods that have: {others}")
    for name in names or ():
        if name not in parts:
            near = difflib.get_close_matches(name, parts, n=1)
            hint = f"did you mean {near[0]}?" if near else f"it has {', '.join(parts)}"
            raise GoproError(f"{method} has no part {name!r}; {hint}")
    found = {FULL: options}
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
            found[name] = without
    return found, left_out


@dataclass(frozen=True)
class Row:
    """One line of the table.

    Attributes:
        name: ``FULL``, the part, or ``NOTHING``.
        scores: Column -> mean and spread over seeds: in percent for the whole method; for a part
            the difference to the whole method on the same seeds, below 0 where the part helps.
        parameters: Numbers learned.
        seconds: Mean training time of a run.
    """

    name: str
    scores: Mapping[str, Score]
    parameters: int
    seconds: float


def rows(runs: Mapping[str, Sequence[Mapping[str, Any]]]) -> list[Row]:
    """Compare runs without a part with runs of the whole method.

    Args:
        runs: ``FULL`` and the parts -> contents of ``results.json``, one for each seed.

    Returns:
        The whole method, the parts, and last what zero-shot CLIP makes of the same images.

    Raises:
        GoproError: When a part was run on other seeds than the whole method.
    """
    whole = {run["seed"]: columns(run) for run in runs[FULL]}
    found = []
    for name, members in runs.items():
        if [run["seed"] for run in members] != list(whole):
            raise GoproError(f"{name} was run on other seeds than the whole method; run it again")
        measured = [columns(run) for run in members]
        scores = spread(measured if name == FULL else _differences(measured, whole.values()))
        seconds = statistics.mean(run["train_seconds"] for run in members)
        found.append(Row(name, scores, members[0]["trainable_parameters"], seconds))
    nothing = [columns(run["zeroshot"]) for run in runs[FULL]]
    return [*found, Row(NOTHING, spread(_differences(nothing, whole.values())), 0, 0.0)]


def _differences(
    ours: Iterable[Mapping[str, float]], theirs: Iterable[Mapping[str, float]]
) -> list[dict[str, float]]:
    """Ours less theirs, seed by seed and column by column."""
    return [
        {column: value - there[column] for column, value in here.items()}
        for here, there in zip(ours, theirs, strict=True)
    ]


def table(found: Sequence[Row]) -> list[list[str]]:
    """The rows as words, a head first."""
    names = list(found[0].scores)
    words = [["", *(name.replace("_", " ") for name in names), "learned", "training s"]]
    for row in found:
        sign = "" if row.name == FULL else "+"
        scores = [_score(row.scores[name], sign) for name in names]
        words.append([row.name, *scores, f"{row.parameters:,}", f"{row.seconds:.0f}"])
    return words


def _score(score: Score, sign: str) -> str:
    mean, wide = score
    mean += 0.0 if abs(mean) >= 0.005 else -mean  # no "-0.00"
    words = f"{mean:{sign}.2f}" if mean else f"{mean:.2f}"
    return words if wide is None else f"{words} ± {wide:.2f}"
