"""Tables of many runs: means over seeds, differences to a baseline, published figures."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from gopro.common.errors import GoproError
from gopro.results import dataset_averages, published
from gopro.results.averages import Score, over_seeds
from gopro.results.by_seed import BySeed, Series, by_shots, means, merged, series_of, steady
from gopro.results.statistics import Difference, paired

ZERO_SHOT = "zero-shot CLIP"


@dataclass(frozen=True)
class Line:
    """One method in a table.

    Attributes:
        method: The method with its variant.
        scores: Column -> mean and standard deviation.
        seeds: The averaged seeds; none for zero-shot CLIP, which isn't random.
        seconds: Median training time of a run; of several numbers of shots the largest median, of
            several data sets the mean over them.
        learned: Number of learned parameters, of several numbers of shots the largest; None if it
            depends on the data set.
        gain: Gain over the baseline in the table's last column; None for the baseline itself, and
            where one of the two lacks the column.
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
        left_out: Of an average, the runs on fewer tests than others on the same data set, in words.
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
    left_out: tuple[str, ...] = ()
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
class _Sets:
    """What is averaged over data sets: data set -> series; and what isn't, in words."""

    task: str
    backbone: str
    shots: int | None
    series: Mapping[str, Sequence[Series]]
    left_out: tuple[str, ...]


def build(runs: Sequence[Mapping[str, Any]], baseline: str = "zeroshot") -> list[Table]:
    """All tables of the runs, averages over data sets first.

    Args:
        runs: Contents of ``results.json``.
        baseline: ``zeroshot``, or a method with or without its variant: ``gopro (paper)``.

    Raises:
        GoproError: When two runs have the same settings and seed, runs of a method have different
            settings, or no run is of the baseline.
    """
    groups: dict[tuple[Any, ...], list[Series]] = {}
    for row in over_seeds(runs):
        few_shot = row["task"] == "few-shot"
        shots = None if few_shot else row["shots"]
        columns = ("few-shot",) if few_shot else tuple(row["scores"])
        key = (row["task"], row["dataset"], row["backbone"], shots, columns)
        groups.setdefault(key, []).append(series_of(row))
    averages = [_average(group, baseline) for group in _over_datasets(groups)]
    tables = [table for table in averages if table.lines]
    for (task, dataset, backbone, shots, _), series in groups.items():
        joined = by_shots(series) if task == "few-shot" else series
        lines = _lines(joined, baseline, task, dataset)
        tables.append(_table(task, dataset, backbone, shots, lines, baseline))
    named = {line.method for table in tables for line in table.lines}
    if baseline != "zeroshot" and not any(_is(name, baseline) for name in named):
        raise GoproError(
            f"no run is of the baseline {baseline!r}; choose one of "
            f"{', '.join(['zeroshot', *sorted(named - {ZERO_SHOT})])}"
        )
    return tables


def _over_datasets(groups: Mapping[tuple[Any, ...], Sequence[Series]]) -> list[_Sets]:
    """The groups of a task that differ only by the data set, if there are several.

    Of groups of one data set with different tests, the one with the most tests is taken.
    """
    by_settings: dict[tuple[Any, ...], dict[str, list[tuple[int, Sequence[Series]]]]] = {}
    for (task, dataset, backbone, shots, columns), series in groups.items():
        if task in dataset_averages.TASKS:
            joined = by_shots(series) if task == "few-shot" else series
            sets = by_settings.setdefault((task, backbone, shots), {})
            tests = max(1, len(columns) - 1)  # without their average
            sets.setdefault(dataset, []).append((tests, joined))
    found = []
    for (task, backbone, shots), sets in by_settings.items():
        if len(sets) > 1:
            most = {name: max(parts, key=lambda part: part[0]) for name, parts in sets.items()}
            left_out = [
                f"{one.name} on {name}, seed {', '.join(map(str, one.ours))} "
                f"({tests} of {most[name][0]} tests)"
                for name, parts in sets.items()
                for tests, members in parts
                if members is not most[name][1]
                for one in members
            ]
            kept = {name: members for name, (_, members) in most.items()}
            found.append(_Sets(task, backbone, shots, kept, tuple(left_out)))
    return found


def _average(group: _Sets, baseline: str) -> Table:
    """Accuracies averaged over data sets, of the methods that were run on all of them.

    Gains are paired by data set.
    """
    task, sets = group.task, group.series
    figures = published.figures if set(published.datasets()) == set(sets) else lambda *_: {}
    named = {dataset: {one.name: one for one in series} for dataset, series in sets.items()}
    lines: list[Line] = []
    zero: list[dict[str, BySeed]] = []
    numbers: dict[str, Mapping[str, BySeed]] = {ZERO_SHOT: {}}
    for name in next(iter(named.values())):
        if not all(name in series for series in named.values()):
            continue
        members = {dataset: series[name] for dataset, series in named.items()}
        first = next(iter(members.values()))
        ours = {dataset: one.ours for dataset, one in members.items()}
        by_seed = dataset_averages.averaged(task, ours)
        if not by_seed:
            continue
        zero.append({dataset: one.zero for dataset, one in members.items()})
        if all(_is_zero_shot(one) for one in members.values()):
            continue
        numbers[name] = ours
        seconds = statistics.mean(one.seconds for one in members.values())
        theirs = figures(task, "average", first.method)
        counts = {one.learned for one in members.values()}
        learned = counts.pop() if len(counts) == 1 else None
        seeds = tuple(by_seed)
        lines.append(Line(name, means(by_seed), seeds, seconds, learned, published=theirs))
    if zero:
        numbers[ZERO_SHOT] = {dataset: merged(one[dataset] for one in zero) for dataset in sets}
        scores = steady(means(dataset_averages.averaged(task, numbers[ZERO_SHOT])))
        figure = figures(task, "average", "zeroshot")
        lines.insert(0, Line(ZERO_SHOT, scores, published=figure))

    def gains(line: str, base: str, column: str) -> list[float]:
        return dataset_averages.differences(task, numbers[line], numbers[base], column)

    lines = _with_gains(lines, baseline, task, gains)
    table = _table(task, "average", group.backbone, group.shots, lines, baseline)
    return replace(table, datasets=tuple(sets), left_out=group.left_out)


def _lines(series: Sequence[Series], baseline: str, task: str, dataset: str) -> list[Line]:
    """Zero-shot CLIP, then the methods, with gains over the baseline paired by seed."""
    zero = merged(one.zero for one in series)
    numbers: dict[str, BySeed] = {ZERO_SHOT: zero} | {one.name: one.ours for one in series}
    figures = published.figures(task, dataset, "zeroshot")
    lines = [Line(ZERO_SHOT, steady(means(zero)), published=figures)]
    for one in series:
        if _is_zero_shot(one):
            continue  # the line above
        figures = published.figures(task, dataset, one.method)
        scores, seeds = means(one.ours), tuple(one.ours)
        lines.append(Line(one.name, scores, seeds, one.seconds, one.learned, published=figures))

    def gains(line: str, base: str, column: str) -> list[float]:
        ours, theirs = numbers[line], numbers[base]
        common = [s for s in ours if column in ours[s] and column in theirs.get(s, {})]
        return [ours[seed][column] - theirs[seed][column] for seed in common]

    return _with_gains(lines, baseline, task, gains)


def _is_zero_shot(one: Series) -> bool:
    """Whether a method is zero-shot CLIP with the sentence that is beside all methods."""
    return one.method == "zeroshot" and means(one.ours) == means(one.zero)


def _with_gains(
    lines: Sequence[Line],
    baseline: str,
    task: str,
    differences: Callable[[str, str, str], Sequence[float]],
) -> list[Line]:
    """The lines with their gains in the table's last column, where they and the baseline have it.

    Args:
        lines: Of a table.
        baseline: See ``build``.
        task: The task's full name.
        differences: Of the paired numbers, from two lines' names and the column.
    """
    base = next((line.method for line in lines if _is(line.method, baseline)), None)
    if base is None:
        return list(lines)
    column = _columns(lines, task)[-1]
    pairs = [() if one.method == base else differences(one.method, base, column) for one in lines]
    return [
        replace(line, gain=paired(values)) if values else line
        for line, values in zip(lines, pairs, strict=True)
    ]


def _table(
    task: str,
    dataset: str,
    backbone: str,
    shots: int | None,
    lines: Sequence[Line],
    baseline: str,
) -> Table:
    name = ZERO_SHOT if baseline == "zeroshot" else baseline
    return Table(task, dataset, backbone, shots, _columns(lines, task), tuple(lines), name)


def _columns(lines: Sequence[Line], task: str) -> tuple[str, ...]:
    """The columns of a table: those of any line; numbers of shots in order."""
    columns = dict.fromkeys(column for line in lines for column in line.scores)
    return tuple(sorted(columns, key=int) if task == "few-shot" else columns)


def _is(name: str, baseline: str) -> bool:
    if baseline == "zeroshot":
        return name == ZERO_SHOT
    return name == baseline or name.partition(" (")[0] == baseline
