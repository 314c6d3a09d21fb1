"""One self-contained HTML page about many runs: tables, curves, gains by class."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from markupsafe import Markup

from gopro.common.files import write_text
from gopro.common.localdir import without_folders
from gopro.results import published, results_json
from gopro.results.pages import formats, history, plots
from gopro.results.pages.answers import ClassRow
from gopro.results.pages.history import Run
from gopro.results.pages.page import TERMS, data_url, template
from gopro.results.pages.plots import Forest, Interval, Points
from gopro.results.tables import ZERO_SHOT, Table, build

COLOURS = 8
"""Number of colours for methods; with more methods, some share a colour."""

_FEW = 4
"""Tables with at most this many columns have bars for each column."""

_CLASSES = 6


@dataclass(frozen=True)
class Curves:
    """A chart with its title."""

    title: str
    note: str
    svg: Markup


@dataclass(frozen=True)
class Section:
    """A table with its charts.

    Attributes:
        table: The numbers.
        curves: Few-shot curves, accuracy over epochs, loss terms.
        forest: Gains over the baseline with their intervals; None if there are none.
        classes: Method -> the classes with the largest gains, and with the largest losses.
    """

    table: Table
    curves: Sequence[Curves]
    forest: Forest | None
    classes: dict[str, tuple[list[ClassRow], list[ClassRow]]]

    @property
    def bars(self) -> Sequence[str]:
        """The columns with bars: all, or the last one if there are many."""
        return self.table.columns if len(self.table.columns) <= _FEW else self.table.columns[-1:]

    @property
    def title(self) -> str:
        """The data set trained on."""
        sets = self.table.datasets
        return f"Average of {len(sets)} data sets" if sets else self.table.dataset


@dataclass(frozen=True)
class SweepPage:
    """Contents of the page.

    Attributes:
        title: The headline.
        sections: The tables, averages first.
        colours: Method -> CSS class of its colour, the same on the whole page.
        facts: Name, value.
        notes: Notes of the runs, without duplicates.
        files: File name -> its ``data:`` address.
    """

    title: str
    sections: Sequence[Section]
    colours: dict[str, str]
    facts: Sequence[tuple[str, str]]
    notes: Sequence[str]
    files: dict[str, Markup]

    @property
    def published(self) -> bool:
        """Whether any table has published figures."""
        return any(line.published for section in self.sections for line in section.table.lines)


def write(folders: Sequence[Path], path: Path, baseline: str = "zeroshot") -> Path:
    """Write the page of finished run folders.

    Raises:
        GoproError: When a run is damaged or given twice, runs of a method have different settings,
            no run is of the baseline, or the page can't be written.
    """
    page = gather([Run(folder, results_json.read(folder)) for folder in folders], baseline)
    text = template("sweep.html").render(page=page, formats=formats, published=published)
    write_text(path, text)
    return path


def gather(runs: Sequence[Run], baseline: str = "zeroshot") -> SweepPage:
    """The contents of the page.

    Raises:
        GoproError: See ``write``.
    """
    tables = build([run.results for run in runs], baseline)
    methods = dict.fromkeys(line.method for table in tables for line in table.lines)
    learned = [name for name in methods if name != ZERO_SHOT]
    # GOPro has the first colour, as on the page of a single run
    ours_first = sorted(learned, key=lambda name: not name.startswith("gopro"))
    colours = {name: f"m{number % COLOURS}" for number, name in enumerate(ours_first)}
    colours[ZERO_SHOT] = "plain"
    sections = [_section(table, runs, colours) for table in tables]
    sets = list(dict.fromkeys(run.results["dataset"] for run in runs))
    return SweepPage(
        title=f"{_counted(learned, 'method')} on {_counted(sets, 'data set')}",
        sections=sections,
        colours=colours,
        facts=(
            ("runs", str(len(runs))),
            ("backbone", ", ".join(dict.fromkeys(run.results["backbone"] for run in runs))),
            ("seeds", ", ".join(str(s) for s in sorted({run.results["seed"] for run in runs}))),
            ("gains over", ZERO_SHOT if baseline == "zeroshot" else baseline),
        ),
        notes=list(dict.fromkeys(note for run in runs for note in run.results.get("notes", ()))),
        files={
            "tables.csv": data_url("text/csv;charset=utf-8", formats.to_csv(tables).encode()),
            "tables.tex": data_url("text/plain;charset=utf-8", formats.latex(tables).encode()),
        },
    )


def _section(table: Table, runs: Sequence[Run], colours: dict[str, str]) -> Section:
    gains = tuple(
        Interval(line.method, colours[line.method], line.gain.mean, line.gain.reach)
        for line in table.lines
        if line.gain is not None
    )
    forest = Forest(gains) if gains else None
    if table.datasets:
        return Section(table, (), forest, {})
    behind = _runs_of(table, runs)
    methods = history.by_method(run for run in behind if run.results["method"] != "zeroshot")
    classes = {
        name: history.best_and_worst(history.changes(members), _CLASSES)
        for name, members in methods.items()
    }
    curves = [*_few_shot(table, colours), *_over_epochs(methods, colours)]
    return Section(table, curves, forest, classes)


def _few_shot(table: Table, colours: dict[str, str]) -> list[Curves]:
    if table.shots is not None or len(table.columns) < 2:
        return []
    series = [
        Points(
            line.method,
            colours[line.method],
            tuple(
                (float(column), *line.scores[column])
                for column in table.columns
                if column in line.scores
            ),
        )
        for line in table.lines
    ]
    svg = plots.lines(series, f"few-shot curves, {table.dataset}, in %", "shots", doubling=True)
    return [Curves("Accuracy over shots", "test pictures, all classes, in %", svg)]


def _over_epochs(methods: dict[str, list[Run]], colours: dict[str, str]) -> list[Curves]:
    """One chart of validation accuracy with all methods, and one per loss term."""
    every = [run for runs in methods.values() for run in runs]
    charts = []
    for name in ("val_accuracy", *history.terms(every)):
        series = [
            Points(method, colours[method], points)
            for method, runs in methods.items()
            if (points := history.over_epochs(runs, name))
        ]
        if series:
            title, note = TERMS.get(name, (name.replace("_", " ").capitalize(), ""))
            charts.append(Curves(title, note, plots.lines(series, title, "epoch")))
    return charts


def _runs_of(table: Table, runs: Sequence[Run]) -> list[Run]:
    """The runs behind a data set's table; for few-shot curves only those with the most shots."""
    selected = [
        run
        for run in runs
        if (run.results["dataset"], run.results["task"]) == (table.dataset, table.task)
        # a folder's model has no path in tables
        and without_folders(run.results["backbone"]) == table.backbone
        and (table.shots is None or run.results["shots"] == table.shots)
    ]
    if table.shots is None:
        most = max(run.results["shots"] for run in selected)
        selected = [run for run in selected if run.results["shots"] == most]
    return [
        run
        for run in selected
        if table.shots is None or set(run.results["test"]) <= set(table.columns)
    ]


def _counted(names: Sequence[str], word: str) -> str:
    return names[0].removeprefix("folder:") if len(names) == 1 else f"{len(names)} {word}s"
