"""Several runs, one after the other: they share what they can; finished ones are not repeated."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from gopro.common.errors import GoproError
from gopro.results import runfolder
from gopro.runs import run
from gopro.runs.prepared import prepare
from gopro.runs.resolve import ResolvedRun, resolve
from gopro.runs.workspace import SHARED, Workspace
from gopro.training.config import TrainSettings

Wanted = tuple[TrainSettings, Any]
"""Settings of a run and of its method."""


def in_turn(wanted: Sequence[Wanted], announce: Callable[[str], None] = print) -> list[Path]:
    """Run one after the other: finished runs are skipped, unfinished ones are resumed.

    Args:
        wanted: Each with a run folder of its own.
        announce: Gets a line about each run.

    Returns:
        The run folders, in the same order.

    Raises:
        GoproError: For anything the user can mend; before the first run starts where possible.
        Interrupted: After Ctrl-C, once all is saved.
    """
    if any(settings.processes > 1 for settings, _ in wanted):
        raise GoproError(
            "several runs in one command can't train over several processes; leave --processes "
            "out, or give each run a command of its own"
        )
    workspace = Workspace(SHARED)
    folders: list[Path] = []
    missing: list[ResolvedRun] = []
    for settings, options in wanted:
        resolved = resolve(replace(settings, resume=True), options, workspace=workspace)
        folder = resolved.folder
        if folder in folders:
            raise GoproError(f"two of the runs would be in {folder}; name each once")
        folders.append(folder)
        if runfolder.state(folder, resolved.settings, resolved.options) != "finished":
            missing.append(resolved)
            prepare(resolved, workspace)
    if len(missing) < len(wanted):
        announce(f"{len(wanted) - len(missing)} of {len(wanted)} runs were finished before")
    for number, resolved in enumerate(missing, start=1):

        def announce_numbered(line: str, number: int = number) -> None:
            announce(f"{number}/{len(missing)} {line}")

        run.execute(resolved, announce_numbered, workspace)
    return folders
