"""Suites: which runs a named list of data sets has."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from gopro.cli.main import main
from gopro.common.errors import GoproError
from gopro.methods import find
from gopro.runs.sweep import suite
from gopro.runs.sweep.grid import Job
from gopro.training.config import TrainSettings

OFFLINE = suite.SUITES["offline"]


def jobs(root: Path, tasks: tuple[str, ...] = suite.TASKS) -> list[Job]:
    common = TrainSettings(dataset="world", method="coop", backbone="mini", root=root)
    return suite.jobs(
        OFFLINE,
        common,
        {name: find(name).Settings() for name in ("zeroshot", "coop")},
        out=root / "runs",
        task_names=tasks,
        shots=16,
        seeds=[1, 2, 3],
    )


def test_takes_what_is_present_and_the_sets_of_the_benchmark(tmp_path: Path) -> None:
    for name in ("caltech-101", "dtd10", "eurosat", "office_home"):
        (tmp_path / name).mkdir()
    here, missing = OFFLINE.present(tmp_path)
    assert here == ["caltech101", "dtd10", "world", "eurosat"]  # office_home is of no suite
    assert missing == ["pacs", "rsscn7"]


def test_all_tasks(tmp_path: Path) -> None:
    (tmp_path / "caltech-101").mkdir()
    runs = jobs(tmp_path)
    count = Counter((job.settings.task, job.settings.method) for job in runs)
    assert count == {
        ("base2new", "zeroshot"): 2,  # isn't random: the first seed only
        ("base2new", "coop"): 6,
        ("domain-generalization", "zeroshot"): 4,  # the four styles of world
        ("domain-generalization", "coop"): 12,
        ("cross-dataset", "zeroshot"): 1,
        ("cross-dataset", "coop"): 3,
        ("few-shot", "zeroshot"): 10,
        ("few-shot", "coop"): 30,
    }
    assert len({job.key for job in runs}) == len(runs)
    crossed = {job.settings.targets for job in runs if job.settings.task == "cross-dataset"}
    assert crossed == {"world"}
    assert {job.settings.shots for job in runs if job.settings.task == "few-shot"} == {
        *(1, 2, 4, 8, 16)
    }


def test_world_alone_is_always_there(tmp_path: Path) -> None:
    assert {job.settings.dataset for job in jobs(tmp_path, ("basenew",))} == {"world"}
    with pytest.raises(GoproError, match="unknown task 'base'"):
        jobs(tmp_path, ("base",))


def test_default_methods_need_no_blocks() -> None:
    chosen = suite.default_methods()
    assert {"zeroshot", "coop", "gopro", "tip_adapter"} <= set(chosen)
    assert not {"maple", "vpt", "clip_lora", "linear_probe"} & set(chosen)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--suite", "online"], "there is no suite 'online'; choose offline"),
        (["--suite", "offline", "--datasets", "dtd"], "leave --datasets out"),
        (["--suite", "offline", "--targets", "dtd"], "leave --targets out"),
        (["--suite", "offline", "--shots", "1,2"], "a suite takes one number"),
        (["--datasets", "dtd"], "got no --methods; wanted a list such as --methods a,b,c"),
        (["--methods", "coop"], "got no --datasets"),
    ],
)
def test_refusals(
    words: list[str], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["bench", *words, "--root", str(tmp_path), "--out", str(tmp_path / "out")]) == 2
    assert message in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
