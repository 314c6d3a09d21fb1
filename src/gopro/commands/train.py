"""``gopro train DATASET TASK``."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from gopro.commands.options import Parser, build, parse
from gopro.config import TrainSettings
from gopro.errors import GoproError
from gopro.methods import TABLE, find

_SWITCHES = ("-h", "--help", "--resume", "--print_config")
"""Options without a value."""


def parser() -> Parser:
    """All settings of a run: general ones flat, each method's under its name."""
    made = Parser(
        prog="gopro train",
        usage="gopro train DATASET [TASK] [options]",
        description="Train a method on a data set's few-shot sample, then test it.",
    )
    made.add_argument("--config", action="config", help="read settings from a YAML file")
    made.add_class_arguments(TrainSettings, skip={"resume"})
    made.add_argument("--resume", action="store_true", help="continue an unfinished run")
    for name in TABLE:
        made.add_class_arguments(find(name).Settings, name)
    return made


def settings_from(arguments: Sequence[str]) -> tuple[TrainSettings, Any]:
    """Settings of a run and of its method, from the command line."""
    values = parse(parser(), _named(arguments))
    settings: TrainSettings = build(TrainSettings, values)
    return settings, build(find(settings.method).Settings, values[settings.method])


def _named(arguments: Sequence[str]) -> list[str]:
    """DATASET and TASK as the options they stand for, last, so that they beat a settings file.

    As positional arguments argparse would set them to nothing where they are left out, and a
    file's values would be lost.
    """
    options: list[str] = []
    places: list[str] = []
    rest = iter(arguments)
    for argument in rest:
        if not argument.startswith("-"):
            places.append(argument)
            continue
        options.append(argument)
        if "=" not in argument and argument not in _SWITCHES:
            options += islice(rest, 1)
    if len(places) > 2:
        raise GoproError(
            f"got {' '.join(places)}; wanted a data set and a task, and `=` or a blank between an "
            "option and its value, as in `gopro train world base2new --shots 4`"
        )
    named = zip(("--dataset", "--task"), places, strict=False)
    return [*options, *(word for pair in named for word in pair)]


def train(arguments: Sequence[str]) -> None:
    """Train, test, and show the result."""
    settings, options = settings_from(arguments)
    show(settings, options)


def show(settings: TrainSettings, options: Any) -> Path:
    """Run and print what it will do, the table, and where everything is."""
    from gopro import results, run
    from gopro.engine import Interrupted

    try:
        folder = run.train(settings, options, announce=print)
    except Interrupted as stop:
        raise KeyboardInterrupt(
            f"stopped, and saved in {stop}; the same command with --resume continues"
        ) from stop
    found = results.read(folder)
    results.print_table(found)
    print(
        f"{found['trainable_parameters']:,} learned parameters, {found['train_seconds']:.0f} s of "
        f"training; all of it is in {folder}"
    )
    return folder
