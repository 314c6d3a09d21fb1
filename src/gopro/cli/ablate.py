"""``gopro ablate DATASET TASK --method gopro``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from gopro.cli import train
from gopro.cli.options import Parser, names


def parser() -> Parser:
    """The settings of a run, and which parts are switched off."""
    made = train.parser(
        "ablate",
        "Run a method whole and with each of its parts switched off, and print the difference "
        "that makes on the same seeds. Started again, it runs what is missing.",
    )
    made.add_argument("--parts", type=str | None, default=None, help="only these: a,b,c")
    made.add_argument("--markdown", action="store_true", help="print a Markdown table")
    return made


def ablate(arguments: Sequence[str]) -> None:
    """Run a method with each of its parts switched off and print what each is worth."""
    values, settings = train.read(parser(), arguments)
    options = train.options_of(settings.method, values)
    seeds = train.seeds_of(values, settings)

    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    from gopro.results import runfolder, schema
    from gopro.runs import ablation
    from gopro.runs.series import in_turn

    chosen = names(values, "parts") if values["parts"] is not None else None
    methods, left_out = ablation.choose(settings.method, options, chosen)
    variant = getattr(options, "variant", None)
    usual = runfolder.default_folder(replace(settings, out=None), variant)
    out = settings.out or usual.with_name(f"ablation-{usual.name.rpartition('-seed')[0]}")
    wanted = {
        (name, seed): (replace(settings, seed=seed, out=_folder(out, name, seed)), given)
        for seed in seeds  # seed after seed, so that a stopped ablation has whole tables
        for name, given in methods.items()
    }
    for line in left_out:
        print(line)
    if "--estimate" in arguments:
        train.expect_all(list(wanted.values()))
        return
    with train.stopping("the same command continues"):
        in_turn(list(wanted.values()))
    found = {name: [schema.read(_folder(out, name, seed)) for seed in seeds] for name in methods}
    words = ablation.table(ablation.rows(found))
    first = found[ablation.FULL][0]
    label = settings.method + (f" ({variant})" if variant else "")
    title = (
        f"{label} on {first['dataset']}, {first['task']}, {settings.shots} shots, "
        f"{settings.backbone}, seeds {', '.join(map(str, seeds))}: accuracy in %, and what "
        "switching a part off changes"
    )
    if values["markdown"]:
        ruled = [words[0], ["---", *["---:"] * (len(words[0]) - 1)], *words[1:]]
        print(f"{title}\n\n" + "\n".join("| " + " | ".join(cells) + " |" for cells in ruled))
    else:
        drawn = Table(title=escape(title), title_justify="left")
        for number, head in enumerate(words[0]):
            drawn.add_column(head, justify="right" if number else "left")
        for cells in words[1:]:
            drawn.add_row(*cells, end_section=cells is words[1])
        Console().print(drawn)
    print(f"all of it is in {out}")


def _folder(out: Path, name: str, seed: int) -> Path:
    return out / name / f"seed{seed}"
