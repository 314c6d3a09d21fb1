"""What a sweep's table says."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from rich.console import Console

from gopro.runs.sweep.board import Board
from gopro.runs.sweep.grid import Job
from gopro.runs.sweep.work import Outcome
from gopro.training.config import TrainSettings


def test_counts_and_words(tmp_path: Path) -> None:
    common = TrainSettings(dataset="world", method="coop")
    jobs = [Job(replace(common, seed=n, out=tmp_path / f"job{n}"), None) for n in range(5)]
    jobs[0].folder.mkdir()
    (jobs[0].folder / "done").touch()
    board = Board(jobs)
    for job in jobs[1:4]:
        board.started(job)
    board.ended(Outcome("job1", "done"))
    board.ended(Outcome("job2", "failed", "[red]no room"))
    jobs[3].folder.mkdir()
    (jobs[3].folder / "metrics.jsonl").write_text("{}\n{}\n")
    console = Console(width=120, record=True, file=(tmp_path / "out").open("w"))
    console.print(board.draw())
    text = console.export_text()
    assert "5 jobs: 2 done, 1 running, 1 waiting, 1 failed" in text
    assert "left" in text
    assert "coop, world, base2new, 16 shots, seed 3" in text and "epoch 2" in text
    assert "✗ coop, world, base2new, 16 shots, seed 2: [red]no room" in text


def test_nothing_is_drawn_where_there_is_no_terminal(tmp_path: Path, capsys: object) -> None:
    with Board([]) as board:
        assert board.done == 0
    assert capsys.readouterr() == ("", "")  # type: ignore[attr-defined]
