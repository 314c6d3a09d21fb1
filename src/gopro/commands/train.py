"""``gopro train DATASET TASK``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from gopro.commands.options import Parser, build, parse
from gopro.config import TrainSettings
from gopro.methods import TABLE, find


def parser() -> Parser:
    """All settings of a run: general ones flat, each method's under its name."""
    made = Parser(
        prog="gopro train",
        description="Train a method on a data set's few-shot sample, then test it.",
    )
    made.add_argument("dataset", nargs="?", default=None, help="caltech101, world, folder:PATH, ..")
    made.add_argument("task", nargs="?", default=None, help="base2new (default), few-shot, ..")
    made.add_argument("--config", action="config", help="read settings from a YAML file")
    made.add_class_arguments(TrainSettings, skip={"dataset", "task", "resume"})
    made.add_argument("--resume", action="store_true", help="continue an unfinished run")
    for name in TABLE:
        made.add_class_arguments(find(name).Settings, name)
    return made


def settings_from(arguments: Sequence[str]) -> tuple[TrainSettings, Any]:
    """Settings of a run and of its method, from the command line."""
    values = parse(parser(), arguments)
    values["dataset"] = values["dataset"] or ""
    values["task"] = values["task"] or "base2new"
    settings: TrainSettings = build(TrainSettings, values)
    return settings, build(find(settings.method).Settings, values[settings.method])


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
