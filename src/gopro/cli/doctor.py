"""``gopro doctor``."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence

from gopro.cli.options import Parser, parse
from gopro.common.errors import GoproError

_MARKS = {"ok": "[green]✓[/]", "note": "[yellow]·[/]", "missing": "[red]✗[/]"}


def doctor(arguments: Sequence[str]) -> None:
    """Print what is here, and what would be chosen by default and why."""
    parser = Parser(
        prog="gopro doctor",
        description="Look at this machine: device, precision, versions, caches, data sets, whether "
        "the hub answers, and what a run here would choose by itself and why.",
    )
    parser.add_argument("--offline", action="store_true", help="don't ask the hub")
    parser.add_argument("--timeout", type=float, default=3.0, help="seconds to wait for the hub")
    parser.add_argument("--json", action="store_true", help="print a JSON list")
    values = parse(parser, arguments)
    if not 0 < values["timeout"] <= 60:
        raise GoproError(f"got --timeout {values['timeout']}; wanted more than 0, at most 60")

    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    from gopro.cli.machine import examine

    found = list(examine(ask_hub=not values["offline"], timeout=values["timeout"]))
    if values["json"]:
        print(json.dumps([dataclasses.asdict(one) for one in found], indent=2))
        return
    table = Table.grid(padding=(0, 2))
    for one in found:
        table.add_row(
            _MARKS[one.mark],
            f"[bold]{one.topic}[/]",
            escape(one.text) + (f"\n[dim]{escape(one.why)}[/]" if one.why else ""),
        )
    Console().print(table)
