"""Several runs in turn, which share what they have in common; finished ones are not repeated."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from gopro.runs import run
from gopro.results import runfolder
from gopro.training.config import TrainSettings
from gopro.common.errors import GoproError
from gopro.runs.setup import complete, equip
from gopro.runs.workspace import SHARED, Workspace

Wanted = tuple[TrainSettings, Any]
"""Settings of a run and of its method."""


def in_turn(wanted: Sequence[Wanted], announce: Callable[[str], None] = print) -> list[Path]:
    """Run one after the other: what is finished is left, what is unfinished goes on.

    Args:
        wanted: Each with a run folder of its own.
        announce: Gets a line about each run.

    Returns:
        The run folders, in the same order.

    Raises:
        GoproError: For anything the user can mend: before the first run starts, where it can be
            known then.
        Interrupted: After Ctrl-C, once all is saved.
    """
    if any(settings.processes > 1 for settings, _ in wanted):
        raise GoproError(
            "several runs in one command can't train over several processes; leave --processes "
            "out, or give each run a command of its own"
        )
    workspace = Workspace(SHARED)
    folders: list[Path] = []
    missing: list[Wanted] = []
    for settings, options in wanted:
        job = complete(settings, options, workspace=workspace)
        if job.folder in folders:
            raise GoproError(f"two of the runs would be in {job.folder}; name each once")
        folders.append(job.folder)
        if runfolder.state(job.folder, job.settings, job.options) != "finished":
            missing.append((settings, options))
            equip(job, workspace)
    if len(missing) < len(wanted):
        announce(f"{len(wanted) - len(missing)} of {len(wanted)} runs were finished before")
    for number, (settings, options) in enumerate(missing, start=1):

        def told(line: str, number: int = number) -> None:
            announce(f"{number}/{len(missing)} {line}")

        run.train(replace(settings, resume=True), options, announce=told, workspace=workspace)
    return folders
