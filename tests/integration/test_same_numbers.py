"""The same settings and seed: the same weights, however the work is shared out."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from same_runs import assert_same
from tiny_run import Cli, write_photos

GOPRO = ["--method", "gopro", "--select", "best"]


@pytest.mark.parametrize("views", [[], ["--view_cache", 2]], ids=["live", "cached"])
def test_twice(train: Cli, tmp_path: Path, views: list[object]) -> None:
    for name in ("one", "other"):
        assert train(tmp_path / name, *GOPRO, *views).code == 0
    assert_same(tmp_path / "one", tmp_path / "other")


def test_threads_that_decode(train: Cli, tmp_path: Path) -> None:
    """Pictures are decoded by threads, at least one; the last value given counts."""
    for workers in (1, 4):
        assert train(tmp_path / str(workers), *GOPRO, "--workers", workers).code == 0
    assert train(tmp_path / "cores", *GOPRO, "--workers", os.cpu_count()).code == 0
    assert_same(tmp_path / "1", tmp_path / "4")
    assert_same(tmp_path / "1", tmp_path / "cores")


@pytest.mark.timeout(600)
def test_jobs_side_by_side(tmp_path: Path) -> None:
    """One job after the other on two cores, or two at once: on mini, whose matrices are large
    enough for several threads."""
    photos = write_photos(tmp_path / "animals", side=64)
    for parallel in (1, 2):
        command = [
            *(
                sys.executable,
                "-m",
                "gopro",
                "bench",
                "--backbone",
                "mini",
                "--methods",
                "gopro",
                "--seeds",
                "1,2",
            ),
            *("--datasets", f"folder:{photos}", "--shots", "2", "--epochs", "1", "--batch", "4"),
            *(
                "--device",
                "cpu",
                "--parallel",
                str(parallel),
                "--out",
                str(tmp_path / str(parallel)),
            ),
        ]
        environment = {**os.environ, "OMP_NUM_THREADS": "2"}
        done = subprocess.run(command, env=environment, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
    jobs = sorted(path.parent.name for path in (tmp_path / "1").glob("*/done"))
    assert len(jobs) == 2
    for name in jobs:
        assert_same(tmp_path / "1" / name, tmp_path / "2" / name)
