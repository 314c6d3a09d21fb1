"""The end of a sweep: its tables, and which jobs failed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from gopro.common.errors import GoproError
from gopro.results.pages import printed
from gopro.runs.sweep import run
from gopro.runs.sweep.board import Board
from gopro.runs.sweep.grid import Job
from gopro.runs.sweep.work import Outcome
from gopro.training.config import TrainSettings


def test_failed_jobs_are_named_also_without_tables(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refuse(_: object) -> None:
        raise GoproError("runs differ")

    monkeypatch.setattr(printed, "print_runs", refuse)
    common = TrainSettings(dataset="world", method="coop")
    jobs = [Job(replace(common, seed=n, out=tmp_path / f"job{n}"), None) for n in range(2)]
    jobs[0].folder.mkdir()
    (jobs[0].folder / "done").touch()
    board = Board(jobs)
    with pytest.raises(GoproError, match=r"^runs differ$"):
        run._conclude(jobs, board, tmp_path)
    assert "1 of 2 jobs done" in capsys.readouterr().out
    board.ended(Outcome("job1", "failed", "no room"))
    with pytest.raises(GoproError, match=r"1 of 2 jobs failed, the first .*: no room"):
        run._conclude(jobs, board, tmp_path)
    assert "failed: coop, world" in capsys.readouterr().out
