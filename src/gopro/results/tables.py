"""Tables of many runs: means over seeds, differences to a baseline, published figures."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from gopro.common.errors import GoproError
from gopro.results import dataset_averages, published
from gopro.results.averages import over_seeds, spread
from gopro.results.results_json import method_name
from gopro.results.statistics import Difference, paired

ZERO_SHOT = "zero-shot CLIP"
Score = tuple[float, float | None]
"""Mean, and sample standard deviation over seeds (None for one seed)."""


@dataclass(frozen=True)
class Line:
    """One method in a table.

    Attributes:
        method: The method with its variant.
        scores: Column -> mean and standard deviation.
        seeds: The averaged seeds; none for zero-shot CLIP, which isn't random.
        seconds: Median training time of a run; of several data sets the mean of the medians.
        learned: Number of learned parameters; None if it depends on the data set.
        gain: Gain over the baseline in the table's last column; None for the baseline itself.
        published: Column -> published figure, if there is one.
    """

    method: str
    scores: Mapping[str, Score]
    seeds: tuple[int, ...] = ()
    seconds: float | None = None
    learned: int | None = None
    gain: Difference | None = None
    published: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Table:
    """Methods with the same tests.

    Attributes:
        task: The task's full name.
        dataset: The data set trained on; ``average`` for a table over several data sets.
        backbone: The backbone's name.
        shots: Training images per class; None if the columns are numbers of shots.
        columns: Names of the tests, then the summary.
        lines: The methods, zero-shot CLIP first.
        baseline: The method that the gains refer to.
        datasets: The data sets of an average.
        measure: What the numbers measure, in percent.
    """

    task: str
    dataset: str
    backbone: str
    shots: int | None
    columns: tuple[str, ...]
    lines: tuple[Line, ...]
    baseline: str
    datasets: tuple[str, ...] = ()
    measure: str = "accuracy"

    @property
    def title(self) -> str:
        """The title of the table."""
        name = f"average of {len(self.datasets)} data sets" if self.datasets else self.dataset
        shots = f"{self.shots} shots, " if self.shots is not None else ""
        return f"{name}, {self.task}, {shots}{self.backbone}: {self.measure} in %"

    def best(self, column: str) -> float:
        """The highest mean of a column."""
        return max(line.scores[column][0] for line in self.lines if column in line.scores)


@dataclass(frozen=True)
class _Series:
    """A method's accuracies by seed: seed -> column -> percent."""

    method: str
    name: str
    ours: Mapping[int, Mapping[str, float]]
    zero: Mapping[int, Mapping[str, float]]
    seconds: float
    learned: int


def build(runs: Sequence[Mapping[str, Any]], baseline: str = "zeroshot") -> list[Table]:
    """All tables of the runs, averages over data sets first.

    Args:
        runs: Contents of ``results.json``.
        baseline: ``zeroshot``, or a method with or without its variant: ``gopro (paper)``.

    Raises:
        GoproError: When two runs have the same settings and seed, or no run is of the baseline.
    """
    groups: dict[tuple[Any, ...], list[_Series]] = {}
    for row in over_seeds(runs):
        few_shot = row["task"] == "few-shot"
        shots = None if few_shot else row["shots"]
        columns = ("few-shot",) if few_shot else tuple(row["scores"])
        key = (row["task"], row["dataset"], row["backbone"], shots, columns)
        groups.setdefault(key, []).append(_series(row))
    averages = [_average(key, sets, baseline) for key, sets in _over_datasets(groups)]
    tables = [table for table in averages if table.lines]
    for (task, dataset, backbone, shots, _), series in groups.items():
        joined = _by_shots(series) if task == "few-shot" else series
        lines = _lines(joined, baseline, task, dataset)
        tables.append(_table(task, dataset, backbone, shots, lines, baseline))
    named = {line.method for table in tables for line in table.lines}
    if baseline != "zeroshot" and not any(_is(name, baseline) for name in named):
        raise GoproError(
            f"no run is of the baseline {baseline!r}; choose one of "
            f"{', '.join(['zeroshot', *sorted(named - {ZERO_SHOT})])}"
        )
    return tables


def _series(row: Mapping[str, Any]) -> _Series:
    name = method_name(row)
    ours, zero = row["by_seed"], row["zeroshot_by_seed"]
    if row["task"] == "few-shot":
        shots = str(row["shots"])
        ours = {seed: {shots: columns["all"]} for seed, columns in ours.items()}
        zero = {seed: {shots: columns["all"]} for seed, columns in zero.items()}
    learned = row["trainable_parameters"]
    return _Series(row["method"], name, ours, zero, row["train_seconds"], learned)


def _by_shots(series: Sequence[_Series]) -> list[_Series]:
    """One series per method, with a column per number of shots."""
    joined: dict[str, _Series] = {}
    for one in sorted(series, key=lambda one: int(_columns(one)[0])):
        before = joined.get(one.name)
        if before is not None:
            merged = [
                {seed: {**a.get(seed, {}), **b.get(seed, {})} for seed in sorted({*a, *b})}
                for a, b in ((before.ours, one.ours), (before.zero, one.zero))
            ]
            seconds = max(before.seconds, one.seconds)
            learned = max(before.learned, one.learned)
            one = _Series(one.method, one.name, merged[0], merged[1], seconds, learned)
        joined[one.name] = one
    return list(joined.values())


def _over_datasets(
    groups: Mapping[tuple[Any, ...], Sequence[_Series]],
) -> list[tuple[tuple[Any, ...], dict[str, Sequence[_Series]]]]:
    """The groups of a task that differ only by the data set, if there are several."""
    by_settings: dict[tuple[Any, ...], dict[str, Sequence[_Series]]] = {}
    for (task, dataset, backbone, shots, _), series in groups.items():
        if task in dataset_averages.TASKS:
            joined = _by_shots(series) if task == "few-shot" else series
            by_settings.setdefault((task, backbone, shots), {})[dataset] = joined
    return [(key, sets) for key, sets in by_settings.items() if len(sets) > 1]


def _average(key: tuple[Any, ...], sets: Mapping[str, Sequence[_Series]], baseline: str) -> Table:
    """Accuracies averaged over data sets, of the methods that were run on all of them.

    Gains are paired by data set.
    """
    task, backbone, shots = key
    figures = published.figures if set(published.datasets()) == set(sets) else lambda *_: {}
    named = {dataset: {one.name: one for one in series} for dataset, series in sets.items()}
    lines: list[Line] = []
    gained: dict[str, list[float]] = {}
    for name in next(iter(named.values())):
        if not all(name in series for series in named.values()):
            continue
        members = {dataset: series[name] for dataset, series in named.items()}
        first = next(iter(members.values()))
        seeds = sorted(set.intersection(*(set(one.ours) for one in members.values())))
        if not dataset_averages.comparable(task, [one.ours for one in members.values()], seeds):
            continue
        if ZERO_SHOT not in gained:
            zero = {dataset: one.zero for dataset, one in members.items()}
            gained[ZERO_SHOT] = dataset_averages.summaries(task, zero, seeds)
            rows = [dataset_averages.averaged(task, zero, seed) for seed in seeds]
            scores = _steady(spread(rows))
            lines.append(Line(ZERO_SHOT, scores, published=figures(task, "average", "zeroshot")))
        if first.method == "zeroshot":
            continue
        ours = {dataset: one.ours for dataset, one in members.items()}
        gained[name] = dataset_averages.summaries(task, ours, seeds)
        scores = spread([dataset_averages.averaged(task, ours, seed) for seed in seeds])
        seconds = statistics.mean(one.seconds for one in members.values())
        theirs = figures(task, "average", first.method)
        counts = {one.learned for one in members.values()}
        learned = counts.pop() if len(counts) == 1 else None
        lines.append(Line(name, scores, tuple(seeds), seconds, learned, published=theirs))
    base = next((name for name in gained if _is(name, baseline)), None)
    if base is not None:
        lines = [
            _with_gain(line, gained[line.method], gained[base]) if line.method != base else line
            for line in lines
        ]
    return _table(task, "average", backbone, shots, lines, baseline, tuple(sets))


def _lines(series: Sequence[_Series], baseline: str, task: str, dataset: str) -> list[Line]:
    """Zero-shot CLIP, then the methods, with gains over the baseline paired by seed."""
    column = _columns(series[0])[-1]
    zero: dict[int, Mapping[str, float]] = {}
    for one in series:
        for seed, columns in one.zero.items():
            zero[seed] = {**zero.get(seed, {}), **columns}
    numbers = {ZERO_SHOT: zero} | {one.name: dict(one.ours) for one in series}
    base = next((name for name in numbers if _is(name, baseline)), None)
    figures = published.figures(task, dataset, "zeroshot")
    lines = [Line(ZERO_SHOT, _steady(_spread(zero)), published=figures)]
    for one in series:
        if one.method == "zeroshot" and _spread(one.ours) == _spread(one.zero):
            continue  # the line above
        figures = published.figures(task, dataset, one.method)
        scores, seeds = _spread(one.ours), tuple(one.ours)
        lines.append(Line(one.name, scores, seeds, one.seconds, one.learned, published=figures))
    if base is None:
        return lines
    theirs, with_gains = numbers[base], []
    for line in lines:
        ours = numbers[line.method]
        common = [s for s in ours if column in ours[s] and column in theirs.get(s, {})]
        values = [[of[seed][column] for seed in common] for of in (ours, theirs)]
        is_compared = bool(common) and line.method != base
        with_gains.append(_with_gain(line, *values) if is_compared else line)
    return with_gains


def _table(
    task: str,
    dataset: str,
    backbone: str,
    shots: int | None,
    lines: Sequence[Line],
    baseline: str,
    datasets: tuple[str, ...] = (),
) -> Table:
    columns = dict.fromkeys(column for line in lines for column in line.scores)
    if task == "few-shot":
        columns = dict.fromkeys(sorted(columns, key=int))
    name = ZERO_SHOT if baseline == "zeroshot" else baseline
    return Table(task, dataset, backbone, shots, tuple(columns), tuple(lines), name, datasets)


def _columns(series: _Series) -> list[str]:
    return list(dict.fromkeys(column for row in series.ours.values() for column in row))


def _spread(by_seed: Mapping[int, Mapping[str, float]]) -> dict[str, Score]:
    """Mean and standard deviation by column; a seed can lack some columns."""
    columns = dict.fromkeys(column for row in by_seed.values() for column in row)
    return {
        column: spread([{column: row[column]} for row in by_seed.values() if column in row])[column]
        for column in columns
    }


def _steady(scores: Mapping[str, Score]) -> dict[str, Score]:
    """The scores, with None in place of a standard deviation of 0: nothing is random."""
    return {name: (mean, deviation or None) for name, (mean, deviation) in scores.items()}


def _with_gain(line: Line, ours: Sequence[float], theirs: Sequence[float]) -> Line:
    """The line with its gain, which may be zero."""
    return replace(line, gain=paired([a - b for a, b in zip(ours, theirs, strict=True)]))


def _is(name: str, baseline: str) -> bool:
    if baseline == "zeroshot":
        return name == ZERO_SHOT
    return name == baseline or name.partition(" (")[0] == baseline
