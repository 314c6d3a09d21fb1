"""``gopro doctor``."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence

from gopro.cli.options import Parser, parse
from gopro.common.errors import GoproError

_MARKS = {"ok": "[green]✓[/]", "note": "[yellow]·[/]", "missing": "[red]✗[/]"}


def doctor(arguments: Sequence[str]) -> None:
    """Print what this machine has, and the defaults of a run on it, with reasons."""
    parser = Parser(
        prog="gopro doctor",
        description="Show this machine: device, precision, versions, caches, data sets, and "
        "whether the hub answers. Defaults of a run are given with reasons.",
    )
    parser.flag("--offline", "don't ask the hub")
    parser.option("--timeout", float, 3.0, "seconds to wait for the hub")
    parser.flag("--json", "print a JSON list")
    values = parse(parser, arguments)
    if not 0 < values["timeout"] <= 60:
        raise GoproError(f"got --timeout {values['timeout']}; wanted more than 0, at most 60")

    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    from gopro.cli.machine import examine

    findings = list(examine(ask_hub=not values["offline"], timeout=values["timeout"]))
    if values["json"]:
        print(json.dumps([dataclasses.asdict(finding) for finding in findings], indent=2))
        return
    table = Table.grid(padding=(0, 2))
    for finding in findings:
        why = f"\n[dim]{escape(finding.why)}[/]" if finding.why else ""
        text = escape(finding.text) + why
        table.add_row(_MARKS[finding.mark], f"[bold]{finding.topic}[/]", text)
    Console().print(table)
