"""A disk that is full: one line, nothing half-written, and the same numbers once there is room."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from gopro.common.tensors import load_tensors
from gopro.training.trainer import Trainer
from killed_work import download, small_dtd
from killing import start
from same_runs import assert_same
from small_disk import Disk, mounted, used
from tiny_run import Answer, Cli, write_photos

ENOUGH = 50_000_000
GOPRO = ["--method", "gopro", "--epochs", 4, "--select", "best"]


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Disk]:
    with mounted(tmp_path / "disk") as made:
        yield made


def _halves(disk: Disk) -> list[Path]:
    return list(disk.path.rglob(".*.tmp"))


def test_a_disk_too_small_for_a_run(train: Cli, disk: Disk, tmp_path: Path) -> None:
    """Full at the first file, at later ones, and in training."""
    train(tmp_path / "whole", *GOPRO)
    run, most, stopped = disk.path / "run", used(tmp_path / "whole"), []
    for tenth in (1, 3, 5, 7, 9):
        disk.empty()
        disk.resize(most * tenth // 10)
        answer = train(run, *GOPRO)
        assert "no room left on the disk while writing" in answer.line
        assert "the same command with --resume continues" in answer.line
        assert not _halves(disk) and not (run / "done").exists()
        stopped.append(len(list(run.glob("*"))))
        disk.resize(ENOUGH)
        again = train(run, *GOPRO, "--resume")
        assert again.code == 0, again.err
        assert_same(run, tmp_path / "whole")
    assert len(set(stopped)) >= 3  # at different places


def test_a_disk_that_fills_up_in_training(
    train: Cli, disk: Disk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The last good checkpoint stays, and training goes on from there."""
    train(tmp_path / "whole", *GOPRO)
    disk.resize(ENOUGH)
    run, close = disk.path / "run", Trainer._close_epoch

    def fill(self: Trainer) -> None:
        close(self)
        if self.progress.epoch == 3:
            disk.resize(used(run) + 4096)

    with monkeypatch.context() as patch:
        patch.setattr(Trainer, "_close_epoch", fill)
        assert "while writing" in (line := train(run, *GOPRO).line)
    assert "checkpoint.safetensors: free some space" in line
    assert load_tensors(run / "checkpoint.safetensors")[1]["epoch"] == 2
    assert not _halves(disk)
    disk.resize(ENOUGH)
    assert train(run, *GOPRO, "--resume").code == 0
    assert_same(run, tmp_path / "whole")


def test_caches(train: Cli, disk: Disk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Features are done without; cached views are asked for, so the run stops."""
    views = [*GOPRO, "--view_cache", 8]
    train(tmp_path / "live", *GOPRO)
    train(tmp_path / "whole", *views)
    monkeypatch.setenv("GOPRO_CACHE", str(disk.path / "cache"))
    disk.resize(3 * 4096)
    assert train(tmp_path / "run", *GOPRO).code == 0
    assert_same(tmp_path / "run", tmp_path / "live")
    assert not _halves(disk)
    line = train(tmp_path / "cached", *views).line
    assert "no room left on the disk while writing" in line and ".npy" in line
    assert not _halves(disk)
    disk.resize(ENOUGH)
    assert train(tmp_path / "cached", *views, "--resume").code == 0
    assert_same(tmp_path / "cached", tmp_path / "whole")
    assert len(list((disk.path / "cache").glob("*.npy"))) == 1


def test_downloads(disk: Disk, tmp_path: Path) -> None:
    root = disk.path / "root"
    with small_dtd(tmp_path, each=60) as (pieces, counts):
        codes, said = [], tmp_path / "said"
        for pages in (2, 100, 400, 500, 800, 12_000):
            disk.resize(pages * 4096)
            process = start(download, str(root), pieces, counts, str(said))
            process.join(60)
            codes.append(process.exitcode)
            if process.exitcode:
                *_, last = said.read_text().splitlines()
                assert last.startswith("gopro: ") and "free some space" in last, last
                assert not list(root.rglob(".unpacking-*"))
    assert codes[0] == 2 and codes[-1] == 0 and codes.count(2) >= 3
    assert len(list(root.rglob("*.jpg"))) == 180


def test_a_sweep(cli: Cli, disk: Disk, tmp_path: Path) -> None:
    """The jobs run in processes of their own, which start from one that has loaded all modules."""
    photos = write_photos(tmp_path / "animals")

    def bench(out: Path) -> Answer:
        return cli(
            *("bench", "--methods", "coop", "--backbone", "mini", "--seeds", "1,2"),
            *("--datasets", f"folder:{photos}"),
            *("--shots", 2, "--epochs", 3, "--batch", 2, "--augment", "none", "--device", "cpu"),
            *("--out", out),
        )

    assert bench(tmp_path / "whole").code == 0
    disk.resize(used(tmp_path / "whole") // 4)
    line = bench(disk.path / "runs").line
    assert "2 of 2 jobs failed" in line and "o room left on the disk" in line
    assert not _halves(disk)
    disk.resize(ENOUGH)
    again = bench(disk.path / "runs")
    assert again.code == 0, again.err
    jobs = sorted(path.parent.name for path in (tmp_path / "whole").glob("*/done"))
    assert len(jobs) == 2
    for name in jobs:
        assert_same(disk.path / "runs" / name, tmp_path / "whole" / name)
