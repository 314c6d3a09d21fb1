"""``gopro reproduce paper``: run the published comparison and check its figures."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from gopro.cli.bench import common
from gopro.cli.options import Parser, at_least_one, names, numbers, parse
from gopro.common.errors import GoproError
from gopro.training.config import TrainSettings

if TYPE_CHECKING:
    from rich.text import Text

    from gopro.runs.sweep.grid import Job
    from gopro.runs.sweep.paper import Verdict

_SKIPPED = ("dataset", "task", "targets", "method", "shots", "seed", "out", "resume")


def reproduce(arguments: Sequence[str]) -> None:
    """Run what is missing of the published comparison, and compare figure by figure.

    Raises:
        GoproError: For invalid settings, or when runs failed.
        KeyboardInterrupt: After Ctrl-C, when the current runs are saved.
    """
    from gopro.runs.sweep import paper

    parser = _parser(paper.methods_here())
    words = ["--dry_run" if word == "--dry-run" else word for word in arguments]
    values = parse(parser, words)
    if values["what"] != "paper":
        raise GoproError(f"got {values['what']}; wanted `gopro reproduce paper`")
    at_least_one(values, "parallel")
    for name in ("teraflops", "tolerance"):
        if not 0 < values[name] < float("inf"):
            raise GoproError(f"got --{name} {values[name]}; it must be a number above 0")
    methods = names(values, "methods")
    unknown = [name for name in methods if name not in paper.methods_here()]
    if unknown:
        raise GoproError(
            f"gopro has no published figures of {unknown[0]}; choose among "
            f"{', '.join(paper.methods_here())}"
        )
    out = values["out"]
    jobs = paper.jobs(
        common(values, methods[0], "imagenet"), out, methods, numbers(values, "seeds")
    )
    _plan(jobs, values["teraflops"], values["root"])
    if values["dry_run"]:
        return

    from gopro.runs.sweep.run import sweep

    try:
        sweep(jobs, parallel=values["parallel"], cluster=values["cluster"])
    finally:
        _judge([job.folder for job in jobs if job.done], methods, values["tolerance"])


def _parser(methods: Sequence[str]) -> Parser:
    parser = Parser(
        prog="gopro reproduce",
        usage="gopro reproduce paper [options]",
        description="Run the published comparison: base to new on 11 data sets, and from ImageNet "
        "to 10 other data sets and to its 4 variants. Then say for each published figure whether "
        "it lies within the spread of ours. The same command, started again, runs only what is "
        "missing.",
    )
    parser.add_argument("what", help="the word paper")
    parser.add_argument("--config", action="config", help="read settings from a YAML file")
    parser.flag("--dry_run", "only print the runs and their cost")
    parser.option("--methods", str, ",".join(methods), "methods to run: a,b,c")
    parser.option("--seeds", str, "1,2,3", "seeds: 1,2,3")
    parser.option("--out", Path, Path("runs/paper"), "folder of the runs")
    parser.option("--parallel", int, 1, "runs at the same time on this machine")
    parser.option("--cluster", str | None, None, "run on this Ray cluster: host:port")
    parser.option("--teraflops", float, 20.0, "sustained speed of the GPU, to estimate hours")
    parser.option("--tolerance", float, 0.25, "difference in points that is always accepted")
    parser.add_class_arguments(TrainSettings, skip=set(_SKIPPED))
    parser.set_defaults({"backbone": "ViT-B-16", "pretrained": "openai", "eval_batch": 256})
    return parser


def _plan(jobs: Sequence[Job], teraflops: float, root: Path | None) -> None:
    """Print the runs by task and method, and their cost."""
    from gopro.common.console import print_table
    from gopro.data import default_root
    from gopro.data.catalog import present
    from gopro.results.pages.formats import rich_table
    from gopro.runs.sweep import paper

    rows = []
    for task, method in Counter((job.settings.task, job.settings.method) for job in jobs):
        group = [j for j in jobs if (j.settings.task, j.settings.method) == (task, method)]
        hours = paper.cost(group, teraflops).hours
        done = sum(job.done for job in group)
        rows.append((task, method, str(len(group)), str(done), f"{hours:.1f}"))
    head = ("task", "method", "runs", "done", "GPU hours")
    title = "the published comparison: runs and GPU hours"
    print_table(rich_table(head, rows, title=title, left=2))
    total = paper.cost([job for job in jobs if not job.done], teraflops)
    sets = paper.data_gigabytes(jobs)
    here = present(default_root() if root is None else root)
    missing = [name for name in sets if name not in here]
    print(
        f"{len(jobs)} runs; about {total.hours:.0f} GPU hours at {teraflops:g} TFLOP/s "
        f"(calculated, not measured), {total.gigabytes:.1f} GB of run folders, "
        f"{sum(sets.values()):.0f} GB of data sets"
    )
    if missing:
        print(f"missing data sets: {', '.join(missing)}; `gopro data download NAME`")


def _judge(folders: Sequence[Path], methods: Sequence[str], least: float) -> None:
    from gopro.common.console import print_table
    from gopro.results.pages.formats import rich_table
    from gopro.results.published import source
    from gopro.results.results_json import read
    from gopro.results.tables import build
    from gopro.runs.sweep.paper import verdicts

    judged = verdicts(build([read(folder) for folder in folders]), methods, least)
    rows = [_row(verdict) for verdict in judged if verdict.ours is not None]
    if rows:
        head = ("task", "trained on", "method", "test", "published", "ours", "spread", "verdict")
        title = "ours and the published figures, in %"
        print_table(rich_table(head, rows, title=title, caption=source(), left=len(head)))
    count = Counter(verdict.word for verdict in judged)
    print(
        f"{count['within']} of {len(judged)} published figures lie within the spread of ours; "
        f"{count['above']} are lower than ours, {count['below']} are higher, "
        f"{count['missing']} have no run"
    )


def _row(verdict: Verdict) -> list[str | Text]:
    from rich.text import Text

    style = {"within": "green", "above": "cyan", "below": "red"}[verdict.word]
    numbers = [f"{value:.2f}" for value in (verdict.published, verdict.ours, verdict.reach)]
    test = verdict.test.replace("_", " ")
    word = Text(verdict.word, style=style)
    return [verdict.task, verdict.dataset, verdict.method, test, *numbers, word]
