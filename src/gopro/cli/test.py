"""``gopro test RUN_DIR``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from gopro.cli.options import Parser, parse


def test(arguments: Sequence[str]) -> None:
    """Measure a finished run again and print its table."""
    parser = Parser(prog="gopro test", description="Measure a finished run's weights again.")
    parser.add_argument("run_dir", type=Path, help="a run folder made by gopro train")
    parser.add_argument(
        "--fast", action="store_true", help="predict without a text pass for each image"
    )
    add_places(parser)
    values = parse(parser, arguments)

    from gopro.results import schema
    from gopro.results.pages import printed
    from gopro.runs import run

    found = run.test(values["run_dir"], places(values), values["fast"], announce=print)
    printed.print_table(found)
    recorded = schema.read(values["run_dir"])
    if found["test"] != recorded["test"]:
        print("these figures differ from the recorded ones:")
        printed.print_table(recorded)


def add_places(parser: Parser) -> None:
    """Options that say where a run's things are now."""
    parser.add_argument("--root", type=Path | None, default=None, help="folder of the data sets")
    parser.add_argument(
        "--dataset", type=str | None, default=None, help="where a folder:PATH lies now"
    )
    parser.add_argument("--device", type=str | None, default=None, help="auto, cpu, cuda or mps")
    parser.add_argument("--pretrained", type=str | None, default=None, help="weights file or tag")


def places(values: Any) -> dict[str, Any]:
    """What was said with them, as changed settings."""
    names = ("root", "dataset", "device", "pretrained")
    return {name: values[name] for name in names if values[name] is not None}
