"""``gopro test RUN_DIR``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from gopro.cli.options import Parser, parse


def test(arguments: Sequence[str]) -> None:
    """Test a finished run again and print its table."""
    parser = Parser(prog="gopro test", description="Test the weights of a finished run again.")
    parser.add_argument("run_dir", type=Path, help="a run folder made by gopro train")
    parser.flag("--fast", "predict without a text encoder pass per image")
    parser.flag("--verify-cache", "open images with cached features too, and compare them")
    add_places(parser)
    values = parse(parser, arguments)

    from gopro.results import results_json
    from gopro.results.pages import printed
    from gopro.runs import run

    changes = {**places(values), "verify_cache": values["verify_cache"]}
    results = run.test(values["run_dir"], changes, values["fast"], announce=print)
    printed.print_run(results)
    recorded = results_json.read(values["run_dir"])
    if results["test"] != recorded["test"]:
        print("the accuracies differ from the recorded ones:")
        printed.print_run(recorded)


def add_places(parser: Parser) -> None:
    """Add options for the current places of data, device, weights and teacher."""
    parser.option("--root", Path | None, None, "folder of the data sets")
    parser.option("--dataset", str | None, None, "current place of a folder:PATH")
    parser.option("--device", str | None, None, "auto, cpu, cuda or mps")
    parser.option("--pretrained", str | None, None, "weights file or tag of the backbone")
    parser.option("--teacher", Path | None, None, "run folder of the teacher of promptkd")


def places(values: Any) -> dict[str, Any]:
    """The settings that these options change."""
    names = ("root", "dataset", "device", "pretrained", "teacher")
    return {name: values[name] for name in names if values[name] is not None}
