"""Finished runs as tables on the terminal."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console

from gopro.common.console import print_table
from gopro.common.errors import GoproError
from gopro.results import by_class, runs_csv
from gopro.results.averages import check_settings
from gopro.results.pages import formats
from gopro.results.results_json import is_zero_shot, method_name, read, summary_of
from gopro.results.run_record import predictions
from gopro.results.runfolder import finished
from gopro.results.tables import ZERO_SHOT, build


def print_runs(
    places: Sequence[Path],
    form: str = "terminal",
    baseline: str = "zeroshot",
    average: str = "image",
) -> None:
    """Print the tables of finished runs, averaged over seeds.

    Args:
        places: Run folders, folders of them, or CSV files with a row for each run.
        form: terminal, markdown, latex, csv, or runs.
        baseline: See ``build``.
        average: Whether each "image" or each "class" has the same weight.

    Raises:
        GoproError: When a run is damaged or given twice, runs of a method have different settings,
            no run is of the baseline, or accuracies by class are wanted as runs, whose readers
            take them for those by image.
    """
    if average == "class" and form == "runs":
        raise GoproError(
            "got --average class and --format runs, whose rows have accuracies averaged over "
            "images; leave one of them out"
        )
    files = [place for place in places if place.suffix == ".csv" and not place.is_dir()]
    folders = finished([place for place in places if place not in files])
    runs: list[Mapping[str, Any]] = [read(folder) for folder in folders]
    if average == "class":
        if files:
            raise GoproError(
                f"{files[0]} has no answers to average by class; name the run folders instead"
            )
        runs = [
            by_class.averaged(run, predictions(folder))
            for run, folder in zip(runs, folders, strict=True)
        ]
    runs += [run for file in files for run in runs_csv.read(file)]
    if form == "runs":
        check_settings(runs)  # the rows don't hold the settings
        runs_csv.write(runs, sys.stdout)
        return
    tables = build(runs, baseline)
    if average == "class":
        tables = [by_class.titled(table) for table in tables]
    if form == "terminal":
        for table in tables:
            print_table(formats.terminal(table))
    else:
        write = {"markdown": formats.markdown, "latex": formats.latex, "csv": formats.to_csv}
        print(write[form](tables), end="")


def print_run(results: Mapping[str, Any]) -> None:
    """Print the results of one run: zero-shot CLIP, then the method."""
    tests = list(results["test"])
    scores = {ZERO_SHOT: results["zeroshot"]}
    prompts = results["zeroshot"].get("templates", {})
    if not is_zero_shot(results):
        scores[method_name(results)] = results
    summary = [summary_of(results)[0].replace("_", " ")] if len(tests) > 1 else []
    rows = [
        [name, *(f"{row['test'][test]['accuracy']:.2f}" for test in tests)]
        + ([f"{summary_of(row)[1]:.2f}"] if summary else [])
        for name, row in scores.items()
    ]
    title = f"{results['dataset']}, {results['task']}: accuracy in %"
    table = formats.rich_table(["method", *tests, *summary], rows, title=title)
    if summary:
        table.columns[-1].style = "bold"
    print_table(table)
    console = Console(emoji=False)
    for name, row in scores.items():
        if row.get("templates", {}) != prompts or name == ZERO_SHOT:
            for line in _prompts(name, row.get("templates", {}), tests):
                console.print(line, markup=False, highlight=False)
    for note in results.get("notes", ()):
        console.print(f"note: {note}", markup=False)


def _prompts(method: str, templates: Mapping[str, str], tests: Sequence[str]) -> list[str]:
    """The prompts of a method: one line, or one per test where they differ."""
    if len(set(templates.values())) == 1:
        return [f"{method} asks: {next(iter(templates.values()))}"]
    return [f"{method} asks on {test}: {templates[test]}" for test in tests if test in templates]
