"""The progress of a sweep: a live table on a terminal, nothing elsewhere."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Sequence

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from gopro.runs.sweep.grid import Job
from gopro.runs.sweep.work import Outcome
from gopro.training.trainer import METRICS

_FAILURES = 5
"""Number of failed jobs shown while others run."""


class Board:
    """Counts a sweep's jobs; as a context manager it shows them.

    Args:
        jobs: All jobs of the sweep, finished ones too.
    """

    def __init__(self, jobs: Sequence[Job]) -> None:
        self.jobs = {job.key: job for job in jobs}
        self.before = sum(job.done for job in jobs)
        self.outcomes: dict[str, Outcome] = {}
        self.running: dict[str, float] = {}
        self.began = time.monotonic()
        self._live: Live | None = None

    @property
    def failed(self) -> list[tuple[Job, str]]:
        """The jobs that failed, each with its cause."""
        return [
            (self.jobs[key], outcome.cause)
            for key, outcome in list(self.outcomes.items())
            if outcome.state == "failed"
        ]

    @property
    def done(self) -> int:
        """Number of finished jobs, with those of earlier sweeps in this folder."""
        return self.before + sum(o.state == "done" for o in list(self.outcomes.values()))

    def started(self, job: Job) -> None:
        """Note that a job has started."""
        self.running[job.key] = time.monotonic()

    def ended(self, outcome: Outcome) -> None:
        """Note a job's outcome."""
        self.running.pop(outcome.key, None)
        self.outcomes[outcome.key] = outcome

    def __enter__(self) -> Board:
        """Show the table if there is a terminal."""
        console = Console(stderr=True)
        if console.is_terminal:
            self._live = Live(
                console=console, get_renderable=self.draw, refresh_per_second=2, transient=True
            )
            self._live.__enter__()
        return self

    def __exit__(self, *about: object) -> None:
        """Remove the table."""
        if self._live is not None:
            self._live.stop()

    def draw(self) -> RenderableType:
        """The current table."""
        total, failed = len(self.jobs), len(self.failed)
        waiting = total - self.done - failed - len(self.running)
        words = Text.assemble(
            (f"{total} jobs: ", "bold"),
            (f"{self.done} done", "green"),
            f", {len(self.running)} running, {waiting} waiting",
            (f", {failed} failed", "red") if failed else "",
            (f"   {self._left(waiting)}", "dim"),
        )
        table = Table.grid(padding=(0, 2))
        for key, since in list(self.running.items()):  # another thread draws
            seconds = time.monotonic() - since
            table.add_row(
                Text("▸", style="cyan"),
                Text(self.jobs[key].title, overflow="ellipsis", no_wrap=True),
                Text(_epochs(self.jobs[key]), style="dim"),
                Text(_clock(seconds), style="dim"),
            )
        lost = [
            Text(f"✗ {job.title}: {cause}", style="red", overflow="ellipsis", no_wrap=True)
            for job, cause in self.failed[-_FAILURES:]
        ]
        bar = ProgressBar(total=total, completed=self.done + failed, width=48)
        return Group(words, bar, table, *lost)

    def _left(self, waiting: int) -> str:
        seconds = time.monotonic() - self.began
        if not self.outcomes:
            return _clock(seconds)
        pace = seconds / len(self.outcomes)
        return f"about {_clock(pace * (waiting + len(self.running) / 2))} left"


def _epochs(job: Job) -> str:
    """Finished epochs, read from the job's folder."""
    with contextlib.suppress(OSError):
        lines = (job.folder / METRICS).read_bytes().count(b"\n")
        return f"epoch {lines}" if lines else ""
    return ""


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
