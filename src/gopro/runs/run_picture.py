"""The picture of a finished run, drawn when it is asked for."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from gopro.results import results_json, run_record, runfolder
from gopro.results.pages import picture
from gopro.results.run_record import RunRecord
from gopro.runs.resolve import resolve
from gopro.runs.workspace import Workspace


def draw_picture(
    folder: Path, changes: dict[str, Any] | None = None, workspace: Workspace | None = None
) -> Path:
    """Draw ``picture.png`` of a finished run into its folder; this opens up to 12 test images.

    Args:
        folder: The run folder.
        changes: Settings that replace the run's, such as ``root``.
        workspace: Shares the data sets among several runs.

    Returns:
        The path of the picture.

    Raises:
        GoproError: When the folder holds no finished run, its data is missing, or the picture
            can't be written.
    """
    results = results_json.read(folder)
    record = RunRecord(folder, results, run_record.predictions(folder), run_record.metrics(folder))
    settings, options = runfolder.read_settings(folder)
    settings = replace(settings, out=folder, device="cpu", **(changes or {}))
    run = resolve(settings, options, workspace=workspace)
    return picture.draw(record, {name: test.dataset for name, test in run.plan.tests.items()})
