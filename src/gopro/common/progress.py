"""Progress bars, shown on terminals only."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from typing import Protocol

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.table import Column


class Advance(Protocol):
    """Advances a progress bar."""

    def __call__(self, note: str, steps: int = 1) -> None:
        """Add ``steps`` to the finished ones; show ``note`` after the bar."""


@contextlib.contextmanager
def bar(title: str, total: int, done: int = 0) -> Iterator[Advance]:
    """Show a progress bar with the time left on standard error, if that is a terminal.

    Args:
        title: Name of the work.
        total: Number of steps.
        done: Steps that are already finished, for example before resuming.

    Yields:
        A function to call after each step, with a note to show after the bar.
    """
    console = Console(stderr=True)
    if not console.is_terminal or total < 1:
        yield lambda note, steps=1: None
        return
    columns = (
        TextColumn("{task.description}", table_column=_fixed(len(title))),
        BarColumn(bar_width=12),
        MofNCompleteColumn(table_column=_fixed(len(str(total)) * 2 + 1)),
        TimeElapsedColumn(table_column=_fixed(7)),
        TextColumn("left", table_column=_fixed(4)),
        TimeRemainingColumn(table_column=_fixed(7)),
        TextColumn("{task.fields[note]}", style="dim", table_column=Column(no_wrap=True, ratio=1)),
    )
    # print() output goes above the bar when it goes to the same terminal
    same_terminal = sys.stdout.isatty()
    with Progress(
        *columns, console=console, transient=True, redirect_stdout=same_terminal
    ) as progress:
        task = progress.add_task(title, total=total, completed=done, note="")
        yield lambda note, steps=1: progress.update(task, advance=steps, note=note)


def _fixed(width: int) -> Column:
    """A column that isn't shortened on a narrow terminal."""
    return Column(no_wrap=True, min_width=width)
