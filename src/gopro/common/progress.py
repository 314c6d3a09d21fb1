"""Progress bars on a terminal; silence elsewhere."""

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
    """Moves a progress bar on."""

    def __call__(self, note: str, steps: int = 1) -> None:
        """``note`` stands behind the bar; ``steps`` more are done."""


@contextlib.contextmanager
def bar(title: str, total: int, done: int = 0) -> Iterator[Advance]:
    """Show work as it goes, with the time left.

    Args:
        title: What is being done.
        total: Number of steps.
        done: Steps done before.

    Yields:
        A function to call after each step, with what to show behind the bar.
    """
    console = Console(stderr=True)
    if not console.is_terminal or total < 1:
        yield lambda note, steps=1: None
        return
    columns = (
        TextColumn("{task.description}", table_column=_kept(len(title))),
        BarColumn(bar_width=12),
        MofNCompleteColumn(table_column=_kept(len(str(total)) * 2 + 1)),
        TimeElapsedColumn(table_column=_kept(7)),
        TextColumn("left", table_column=_kept(4)),
        TimeRemainingColumn(table_column=_kept(7)),
        TextColumn("{task.fields[note]}", style="dim", table_column=Column(no_wrap=True, ratio=1)),
    )
    # what is printed meanwhile goes above the bar, except where standard output isn't the terminal
    above = sys.stdout.isatty()
    with Progress(*columns, console=console, transient=True, redirect_stdout=above) as progress:
        task = progress.add_task(title, total=total, completed=done, note="")
        yield lambda note, steps=1: progress.update(task, advance=steps, note=note)


def _kept(width: int) -> Column:
    """A column that a narrow terminal doesn't cut."""
    return Column(no_wrap=True, min_width=width)
