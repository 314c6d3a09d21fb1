"""``gopro methods``."""

from __future__ import annotations

from collections.abc import Sequence

from gopro.commands.options import Parser, parse


def methods(arguments: Sequence[str]) -> None:
    """List the methods."""
    parse(Parser(prog="gopro methods", description="List the methods."), arguments)
    from rich.console import Console
    from rich.table import Table

    from gopro.methods import TABLE, find

    table = Table("method", "what it learns")
    for name in TABLE:
        table.add_row(name, find(name).about)
    Console().print(table)
