"""``gopro ablate DATASET TASK --method gopro``."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from gopro.cli import train
from gopro.cli.options import Parser, names
from gopro.methods import TABLE


def parser(methods: Iterable[str] = TABLE) -> Parser:
    """The settings of a run, and the parts to switch off."""
    parser = train.parser(
        "ablate",
        "Run a method in full and with each of its parts switched off, and print the differences "
        "on the same seeds. The same command, started again, runs only what is missing.",
        more=("parts", "markdown"),
        methods=methods,
    )
    parser.option("--parts", str | None, None, "switch off only these parts: a,b,c")
    parser.flag("--markdown", "print a Markdown table, and all other lines to standard error")
    return parser


def ablate(arguments: Sequence[str]) -> None:
    """Run a method with each of its parts switched off, and print the differences."""
    values, settings = train.read(parser, arguments)
    options = train.options_of(settings.method, values)
    seeds = train.seeds_of(values, settings)

    from gopro.common.console import print_table
    from gopro.results import results_json, runfolder
    from gopro.results.pages.formats import rich_table
    from gopro.runs import ablation
    from gopro.runs.series import in_turn

    parts = names(values, "parts") if values["parts"] is not None else None
    methods, left_out = ablation.choose(settings.method, options, parts)
    variant = getattr(options, "variant", None)
    default = runfolder.default_folder(replace(settings, out=None), variant)
    out = settings.out or default.with_name(f"ablation-{default.name.rpartition('-seed')[0]}")
    runs = [
        (replace(settings, seed=seed, out=_folder(out, name, seed)), changed)
        for seed in seeds  # seed by seed, so that a stopped ablation has complete tables
        for name, changed in methods.items()
    ]
    announce = partial(print, file=sys.stderr) if values["markdown"] else print
    for line in left_out:
        announce(line)
    if "--estimate" in arguments:
        train.expect_all(runs)
        return
    with train.stopping("the same command continues"):
        in_turn(runs, announce)
    results = {
        name: [results_json.read(_folder(out, name, seed)) for seed in seeds] for name in methods
    }
    head, *rows = ablation.table(ablation.rows(results))
    first = results[ablation.FULL][0]
    title = (
        f"{results_json.method_name(first)} on {first['dataset']}, {first['task']}, "
        f"{settings.shots} shots, {settings.backbone}, seeds {', '.join(map(str, seeds))}: "
        "accuracy in %, and the change without each part"
    )
    if values["markdown"]:
        ruled = [head, ["---", *["---:"] * (len(head) - 1)], *rows]
        print(f"{title}\n\n" + "\n".join("| " + " | ".join(cells) + " |" for cells in ruled))
    else:
        table = rich_table(head, rows, title=title)
        table.title_justify = "left"
        table.rows[0].end_section = True
        print_table(table)
    announce(f"all runs are in {out}")


def _folder(out: Path, name: str, seed: int) -> Path:
    return out / name / f"seed{seed}"
