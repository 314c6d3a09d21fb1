"""Tables on standard output, never cut off."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table

_WIDEST = 10_000
"""Most columns of a table that goes into a file."""


def print_table(table: Table) -> None:
    """Print a table: in full width into a file or a pipe; folded on a narrow terminal."""
    console = Console(emoji=False)  # a name may contain ":cat:"
    if not console.is_terminal:
        wide = console.options.update(width=_WIDEST)
        console.width = max(console.width, console.measure(table, options=wide).maximum)
    for column in table.columns:
        column.overflow = "fold"
    console.print(table)
