"""``gopro reproduce paper``: the whole published comparison, and whether it comes out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from gopro.cli.bench import common
from gopro.cli.options import Parser, names, numbers, parse
from gopro.common.errors import GoproError
from gopro.training.config import TrainSettings

if TYPE_CHECKING:
    from gopro.runs.sweep.grid import Job
    from gopro.runs.sweep.paper import Verdict

_SKIPPED = ("dataset", "task", "targets", "method", "shots", "seed", "out", "resume")


def reproduce(arguments: Sequence[str]) -> None:
    """Run what is missing of the published comparison, and judge it row by row.

    Raises:
        GoproError: For settings that don't fit, or when runs failed.
        KeyboardInterrupt: After Ctrl-C, once the runs at work are saved.
    """
    from gopro.runs.sweep import paper

    parser = _parser(paper.methods_here())
    given = ["--dry_run" if word == "--dry-run" else word for word in arguments]
    values = parse(parser, given)
    if values["what"] != "paper":
        raise GoproError(f"got {values['what']}; wanted `gopro reproduce paper`")
    if values["parallel"] < 1:
        raise GoproError(f"got --parallel {values['parallel']}; it must be 1 or more")
    for name in ("teraflops", "tolerance"):
        if not 0 < values[name] < float("inf"):
            raise GoproError(f"got --{name} {values[name]}; it must be a number above 0")
    methods = names(values, "methods")
    unknown = [name for name in methods if name not in paper.methods_here()]
    if unknown:
        raise GoproError(
            f"no figures of {unknown[0]} are published here; choose among "
            f"{', '.join(paper.methods_here())}"
        )
    out = values["out"].expanduser()
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
    made = Parser(
        prog="gopro reproduce",
        usage="gopro reproduce paper [options]",
        description="Run the published comparison: 11 data sets base to new, ImageNet to 10 "
        "others and to its 4 variants; then say of every figure whether ours lies within its "
        "spread. Started again, it runs what is missing.",
    )
    made.add_argument("what", help="paper")
    made.add_argument("--config", action="config", help="read settings from a YAML file")
    made.add_argument("--dry_run", action="store_true", help="print the jobs and their cost alone")
    made.add_argument("--methods", type=str, default=",".join(methods), help="a,b,c")
    made.add_argument("--seeds", type=str, default="1,2,3", help="1,2,3")
    made.add_argument("--out", type=Path, default=Path("runs/paper"), help="folder of the runs")
    made.add_argument("--parallel", type=int, default=1, help="jobs at once on this machine")
    made.add_argument("--cluster", type=str | None, default=None, help="a Ray cluster: host:port")
    made.add_argument(
        "--teraflops", type=float, default=20.0, help="what the GPU sustains, for the estimate"
    )
    made.add_argument(
        "--tolerance", type=float, default=0.25, help="points that are always allowed"
    )
    made.add_class_arguments(TrainSettings, skip=set(_SKIPPED))
    made.set_defaults({"backbone": "ViT-B-16", "pretrained": "openai", "eval_batch": 256})
    return made


def _plan(jobs: Sequence[Job], teraflops: float, root: Path | None) -> None:
    """What is going to run, by task and method, and what it takes."""
    from rich.console import Console
    from rich.table import Table

    from gopro.data import default_root
    from gopro.data.catalog import present
    from gopro.runs.sweep import paper

    drawn = Table(title="the published comparison: runs and GPU hours")
    for head in ("task", "method", "runs", "done", "GPU hours"):
        drawn.add_column(head, justify="left" if head in ("task", "method") else "right")
    for task, method in Counter((job.settings.task, job.settings.method) for job in jobs):
        some = [j for j in jobs if (j.settings.task, j.settings.method) == (task, method)]
        done = sum(job.done for job in some)
        hours = paper.cost(some, teraflops).hours
        drawn.add_row(task, method, str(len(some)), str(done), f"{hours:.1f}")
    Console().print(drawn)
    whole = paper.cost([job for job in jobs if not job.done], teraflops)
    sets = paper.data_gigabytes(jobs)
    here = present(default_root() if root is None else root)
    missing = [name for name in sets if name not in here]
    print(
        f"{len(jobs)} runs; about {whole.hours:.0f} GPU hours at {teraflops:g} TFLOP/s (reckoned, "
        f"not measured), {whole.gigabytes:.1f} GB of run folders, {sum(sets.values()):.0f} GB of "
        "data sets"
    )
    if missing:
        print(f"not here yet: {', '.join(missing)}; `gopro data download NAME`")


def _judge(folders: Sequence[Path], methods: Sequence[str], least: float) -> None:
    from rich.console import Console
    from rich.table import Table

    from gopro.results.published import source
    from gopro.results.schema import read
    from gopro.results.tables import build
    from gopro.runs.sweep.paper import verdicts

    found = verdicts(build([read(folder) for folder in folders]), methods, least)
    drawn = Table(title="ours and the published figures, in %", caption=source())
    for head in ("task", "trained on", "method", "test", "published", "ours", "spread", "verdict"):
        drawn.add_column(head)
    for one in found:
        if one.ours is not None:
            drawn.add_row(*_row(one))
    if drawn.row_count:
        Console().print(drawn)
    count = Counter(one.word for one in found)
    print(
        f"{count['within']} of {len(found)} published figures lie within the spread of ours; "
        f"{count['above']} are lower than ours, {count['below']} are higher, "
        f"{count['missing']} have no run"
    )


def _row(one: Verdict) -> list[str]:
    style = {"within": "green", "above": "cyan", "below": "red"}[one.word]
    numbers = (f"{one.published:.2f}", f"{one.ours:.2f}", f"{one.reach:.2f}")
    word = f"[{style}]{one.word}[/{style}]"
    return [one.task, one.dataset, one.method, one.test.replace("_", " "), *numbers, word]
