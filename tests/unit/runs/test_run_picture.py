"""The picture of a finished run: drawn when it is asked for, of the same images each time."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from PIL import Image

from gopro.common.errors import GoproError
from gopro.data import Dataset, load
from gopro.runs import workspace
from gopro.runs.run_picture import draw_picture
from tiny_run import Cli


@pytest.mark.parametrize("method", ["coop", "zeroshot"])
def test_the_report_draws_it(train: Cli, cli: Cli, tmp_path: Path, method: str) -> None:
    run = tmp_path / "run"
    assert train(run, "--method", method, "--epochs", 1).code == 0
    assert not (run / "picture.png").exists()
    answer = cli("report", run, "--out", tmp_path / "report.html", "--pictures")
    assert answer.code == 0, answer.err
    assert str(run / "picture.png") in answer.out.replace("\n", "")
    with Image.open(run / "picture.png") as image:
        image.load()
        assert image.size == (1300, 960)


def test_the_report_reads_a_data_set_once(
    train: Cli, cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = train(tmp_path / "runs", "--method", "zeroshot,coop", "--epochs", 1)
    assert answer.code == 0, answer.err
    read: list[str] = []

    def counted(name: str, root: Path | None, *, seed: int) -> Dataset:
        read.append(name)
        return load(name, root, seed=seed)

    monkeypatch.setattr(workspace, "load", counted)
    page = tmp_path / "report.html"
    answer = cli("report", tmp_path / "runs", "--out", page, "--pictures")
    assert answer.code == 0, answer.err
    assert answer.out.count("picture.png") == 2 and len(read) == 1


def test_a_run_without_its_pictures(train: Cli, cli: Cli, tmp_path: Path, photos: Path) -> None:
    run, moved = tmp_path / "run", tmp_path / "moved"
    shutil.copytree(photos, moved)
    assert train(run, "--epochs", 1, dataset=f"folder:{moved}").code == 0
    shutil.rmtree(moved)
    with pytest.raises(GoproError, match="moved"):
        draw_picture(run)
    with pytest.raises(GoproError, match="no finished run"):
        draw_picture(tmp_path / "none")
