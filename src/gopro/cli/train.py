"""``gopro train DATASET TASK``."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

from gopro.cli.options import Parser, build, names, numbers, parse
from gopro.common.errors import DiskFullError, GoproError
from gopro.methods import TABLE, find
from gopro.training.config import TrainSettings

_SWITCHES = ("-h", "--help", "--resume", "--estimate", "--print_config", "--markdown")
"""Options without a value."""


def parser(
    command: str = "train",
    about: str = "Train a method on a data set's few-shot sample, then test it. Several methods "
    "(--method a,b) or seeds run in turn, each in a folder of its own, and end in one table.",
) -> Parser:
    """All settings of a run: general ones flat, each method's under its name."""
    made = Parser(
        prog=f"gopro {command}",
        usage=f"gopro {command} DATASET [TASK] [options]",
        description=about,
    )
    made.add_argument("--config", action="config", help="read settings from a YAML file")
    made.add_class_arguments(TrainSettings, skip={"resume"})
    made.add_argument("--resume", action="store_true", help="continue an unfinished run")
    if command == "train":
        made.add_argument(
            "--estimate", action="store_true", help="say what it will cost, and do nothing"
        )
    made.add_argument(
        "--seeds", type=str | None, default=None, help="several seeds in turn, in place of --seed"
    )
    for name in TABLE:
        made.add_class_arguments(find(name).Settings, name)
    return made


def read(made: Parser, arguments: Sequence[str]) -> tuple[Any, TrainSettings]:
    """The values of a command line with DATASET and TASK in front, and the run's among them."""
    values = parse(made, _named(arguments))
    settings: TrainSettings = build(TrainSettings, values)
    return values, settings


def options_of(method: str, values: Any) -> Any:
    """The settings of a method.

    Raises:
        GoproError: When there is no such method, or its settings don't fit each other.
    """
    kind = find(method).Settings
    return build(kind, values[method])


def seeds_of(values: Any, settings: TrainSettings) -> list[int]:
    """The seeds asked for, each once."""
    if values["seeds"] is None:
        return [settings.seed]
    if settings.seed != TrainSettings.seed:
        raise GoproError(f"got --seed {settings.seed} and --seeds {values['seeds']}; give one")
    return numbers(values, "seeds")


def runs_from(arguments: Sequence[str]) -> list[tuple[TrainSettings, Any]]:
    """Settings of each run and of its method, from the command line."""
    values, settings = read(parser(), arguments)
    methods = names(values, "method")
    options = {method: options_of(method, values) for method in methods}
    return [
        (replace(settings, method=method, seed=seed), options[method])
        for method in methods
        for seed in seeds_of(values, settings)
    ]


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
        got = " ".join(" ".join(places).split())
        raise GoproError(
            f"got {got}; wanted a data set and a task, and `=` or a blank between an option and "
            "its value, as in `gopro train world base2new --shots 4`"
        )
    named = zip(("--dataset", "--task"), places, strict=False)
    return [*options, *(word for pair in named for word in pair)]


def train(arguments: Sequence[str]) -> None:
    """Train, test, and show the result."""
    wanted = runs_from(arguments)
    if "--estimate" in arguments:
        expect_all(wanted)
    elif len(wanted) == 1:
        show(*wanted[0])
    else:
        show_all(wanted)


def expect_all(wanted: Sequence[tuple[TrainSettings, Any]]) -> None:
    """Print what each run would do and cost."""
    from gopro.runs.run import expect

    print("\n".join(expect(*one) for one in wanted))


def show(settings: TrainSettings, options: Any) -> Path:
    """Run and print what it will do, the table, and where everything is."""
    from gopro.results.pages import printed
    from gopro.runs import run
    from gopro.runs.launch import launch, resolve_in_first_process

    with (
        launch(settings, resolve_in_first_process(settings, options)) as resolved,
        stopping("the same command with --resume continues"),
    ):
        record = run.execute(resolved, announce=print)
    results = record.results
    printed.print_table(results)
    print(
        f"{results['trainable_parameters']:,} learned parameters, {results['train_seconds']:.0f} s "
        f"of training; all of it is in {record.folder}"
    )
    return record.folder


def show_all(wanted: Sequence[tuple[TrainSettings, Any]]) -> None:
    """Run one after the other and print one table of all."""
    from gopro.results import runfolder
    from gopro.results.pages.printed import show as show_table
    from gopro.runs.series import in_turn

    out = wanted[0][0].out or Path("runs")
    placed = []
    for settings, options in wanted:
        name = runfolder.default_folder(settings, getattr(options, "variant", None)).name
        placed.append((replace(settings, out=out / name), options))
    with stopping("the same command continues"):
        folders = in_turn(placed)
    show_table(folders)
    print(f"all of it is in {out}")


@contextmanager
def stopping(how: str) -> Iterator[None]:
    """Say after Ctrl-C, or on a full disk, how to go on."""
    from gopro.training.trainer import Interrupted

    try:
        yield
    except Interrupted as stop:
        raise KeyboardInterrupt(f"stopped, and saved in {stop}; {how}") from stop
    except DiskFullError as full:
        raise GoproError(f"{full}; {how}") from full
