"""``gopro train DATASET TASK``."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

from gopro.cli.options import Parser, build, names, numbers, parse_methods
from gopro.common.errors import DiskFullError, GoproError
from gopro.methods import TABLE, find
from gopro.training.config import TrainSettings

_COMMON = (
    *("dataset", "task", "method", "backbone", "pretrained", "root", "targets", "shots", "epochs"),
    *("lr", "select", "seed", "seeds", "out", "resume", "estimate", "device", "processes"),
)
"""The options that ``--help`` shows."""

_SWITCHES = (
    *("-h", "--help", "--help-all", "--resume", "--verify-cache", "--estimate", "--print_config"),
    "--markdown",
)
"""Options without a value."""


def parser(
    command: str = "train",
    about: str = "Train a method on a few-shot sample of a data set and test it. Several methods "
    "(--method a,b) or seeds run one after another, each in its own folder, and end in one table.",
    more: Sequence[str] = (),
    methods: Iterable[str] = TABLE,
) -> Parser:
    """All settings of a run, and those of each method under its name.

    Args:
        command: The command's name.
        about: What it does.
        more: Options that the command adds itself.
        methods: The methods.
    """
    parser = Parser(
        prog=f"gopro {command}",
        common=(*_COMMON, *more),
        usage=f"gopro {command} DATASET [TASK] [options]",
        description=about,
    )
    parser.add_argument("--config", action="config", help="read settings from a YAML file")
    parser.add_class_arguments(TrainSettings, skip={"resume", "verify_cache"})
    parser.flag("--resume", "continue an unfinished run")
    parser.flag("--verify-cache", "open images with cached features too, and compare them")
    if command in ("train", "ablate"):
        parser.flag("--estimate", "only print the expected time and memory")
    parser.option("--seeds", str | None, None, "several seeds, instead of --seed: 1,2,3")
    parser.methods(methods)
    return parser


def read(
    make: Callable[[Iterable[str]], Parser], arguments: Sequence[str]
) -> tuple[Any, TrainSettings]:
    """All values of a command line that starts with DATASET and TASK, and the run's settings.

    Args:
        make: Makes the parser, with the settings of these methods.
        arguments: The words of the command line.
    """
    values = parse_methods(make, _named(arguments))
    settings: TrainSettings = build(TrainSettings, values)
    return values, settings


def options_of(method: str, values: Any) -> Any:
    """The settings of a method.

    Raises:
        GoproError: When there is no such method, or its settings contradict each other.
    """
    kind = find(method).Settings
    return build(kind, values[method])


def seeds_of(values: Any, settings: TrainSettings) -> list[int]:
    """The seeds of ``--seeds`` or ``--seed``, without duplicates."""
    if values["seeds"] is None:
        return [settings.seed]
    if settings.seed != TrainSettings.seed:
        raise GoproError(f"got --seed {settings.seed} and --seeds {values['seeds']}; give one")
    return numbers(values, "seeds")


def runs_from(arguments: Sequence[str]) -> list[tuple[TrainSettings, Any]]:
    """The settings of each run and of its method."""
    values, settings = read(lambda methods: parser(methods=methods), arguments)
    methods = names(values, "method")
    options = {method: options_of(method, values) for method in methods}
    return [
        (replace(settings, method=method, seed=seed), options[method])
        for method in methods
        for seed in seeds_of(values, settings)
    ]


def _named(arguments: Sequence[str]) -> list[str]:
    """DATASET and TASK as options, at the end, so that they override a settings file.

    If they were positional arguments, argparse would set missing ones to None, and the values
    of the file would be lost.
    """
    options: list[str] = []
    positional: list[str] = []
    rest = iter(arguments)
    for argument in rest:
        if not argument.startswith("-"):
            positional.append(argument)
            continue
        options.append(argument)
        if "=" not in argument and argument not in _SWITCHES:
            options += islice(rest, 1)
    if len(positional) > 2:
        got = " ".join(" ".join(positional).split())
        raise GoproError(
            f"got {got}; wanted a data set and a task, and `=` or a space between an option "
            "and its value, as in `gopro train world base2new --shots 4`"
        )
    named = zip(("--dataset", "--task"), positional, strict=False)
    return [*options, *(word for pair in named for word in pair)]


def train(arguments: Sequence[str]) -> None:
    """Train, test, and print the results."""
    wanted = runs_from(arguments)
    if "--estimate" in arguments:
        expect_all(wanted)
    elif len(wanted) == 1:
        show(*wanted[0])
    else:
        show_all(wanted)


def expect_all(wanted: Sequence[tuple[TrainSettings, Any]]) -> None:
    """Print what each run would do, and its expected cost."""
    from gopro.runs.run import expect

    print("\n".join(expect(*one) for one in wanted))


def show(settings: TrainSettings, options: Any) -> Path:
    """Run, and print the plan, the table, and the run folder."""
    from gopro.results.pages import printed
    from gopro.runs import run
    from gopro.runs.launch import launch, resolve_in_first_process

    with (
        launch(settings, resolve_in_first_process(settings, options)) as resolved,
        stopping("the same command with --resume continues"),
    ):
        record = run.execute(resolved, announce=print)
    results = record.results
    printed.print_run(results)
    print(
        f"{results['trainable_parameters']:,} learned parameters, {results['train_seconds']:.0f} s "
        f"of training; all of it is in {record.folder}"
    )
    return record.folder


def show_all(wanted: Sequence[tuple[TrainSettings, Any]]) -> None:
    """Run one after another, and print one table of all runs."""
    from gopro.results import runfolder
    from gopro.results.pages.printed import print_runs
    from gopro.runs.series import in_turn

    out = wanted[0][0].out or Path("runs")
    placed = []
    for settings, options in wanted:
        name = runfolder.default_folder(settings, getattr(options, "variant", None)).name
        placed.append((replace(settings, out=out / name), options))
    with stopping("the same command continues"):
        folders = in_turn(placed)
    print_runs(folders)
    print(f"all of it is in {out}")


@contextmanager
def stopping(how: str) -> Iterator[None]:
    """After Ctrl-C, or on a full disk, print how to continue."""
    from gopro.training.trainer import Interrupted

    try:
        yield
    except Interrupted as stop:
        raise KeyboardInterrupt(f"stopped, and saved in {stop}; {how}") from stop
    except DiskFullError as full:
        raise GoproError(f"{full}; {how}") from full
