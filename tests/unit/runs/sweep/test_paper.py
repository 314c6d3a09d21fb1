"""The published comparison: its jobs, their cost, and the verdicts."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from gopro.results import published
from gopro.results.tables import build
from gopro.runs.sweep import paper
from gopro.training.config import TrainSettings
from many_runs import make
from tiny_run import Cli

COMMON = TrainSettings(dataset="imagenet", backbone="ViT-B-16", pretrained="openai")


def test_the_jobs_of_three_tables() -> None:
    jobs = paper.jobs(COMMON, Path("runs/paper"), ["zeroshot", "coop"], [1, 2, 3])
    count = Counter((job.settings.task, job.settings.method) for job in jobs)
    assert count == {
        ("base2new", "zeroshot"): 11,
        ("base2new", "coop"): 33,
        ("cross-dataset", "zeroshot"): 1,
        ("cross-dataset", "coop"): 3,
        ("domain-generalization", "zeroshot"): 1,
        ("domain-generalization", "coop"): 3,
    }
    assert len({job.key for job in jobs}) == len(jobs)
    cross = next(job.settings for job in jobs if job.settings.task == "cross-dataset")
    assert len(cross.target_names) == 10 and "imagenet" not in cross.target_names
    assert set(paper.data_gigabytes(jobs)) == {
        *published.datasets(),
        *("imagenetv2", "imagenet_sketch", "imagenet_a", "imagenet_r"),
    }


def test_the_cost_grows_with_the_work() -> None:
    def hours(method: str, seeds: list[int]) -> float:
        return paper.cost(paper.jobs(COMMON, Path("x"), [method], seeds), 20.0).hours

    assert 0 < hours("zeroshot", [1]) < hours("coop", [1]) < hours("cocoop", [1])
    assert hours("coop", [1, 2]) == pytest.approx(2 * hours("coop", [1]))
    jobs = paper.jobs(COMMON, Path("x"), ["coop"], [1])
    assert paper.cost(jobs, 40.0).hours < paper.cost(jobs, 20.0).hours


def test_the_cost_by_hand() -> None:
    # 50 classes: 800 images, 200 steps of 5 epochs; 2465 test images; 5 + 5 tokens a prompt
    jobs = paper.jobs(COMMON, Path("x"), ["maple"], [1])
    [job] = [j for j in jobs if (j.settings.dataset, j.settings.task) == ("caltech101", "base2new")]
    learning = 5 * 800 * (3 * 35e9 + 3 * 76e6 * (5 + 50 * 5) / 4)
    seconds = (learning + 2465 * 35e9) / 20e12 + 5 * 200 * 0.05 + 60
    assert paper.cost([job], 20.0).hours == pytest.approx(seconds / 3600)


def test_verdicts_by_hand() -> None:
    # published CoOp on dtd: base 79.44, new 41.18, harmonic mean 54.24
    runs = [
        make("coop", seed, ours={"base": base, "new": 50.0}, backbone="ViT-B-16")
        for seed, base in ((1, 78.0), (2, 79.0), (3, 80.0))
    ]
    found = {(v.dataset, v.test): v for v in paper.verdicts(build(runs), ["coop"], 0.25)}
    base = found["dtd", "base"]
    assert (base.ours, base.published, base.word) == (79.0, 79.44, "within")
    assert base.reach == pytest.approx(4.3027 * (2 / 3) ** 0.5, abs=1e-3)
    new = found["dtd", "new"]
    assert (new.word, new.reach) == ("above", 0.25)  # no spread: the tolerance alone
    assert found["eurosat", "base"].word == "missing"
    assert found["imagenet", "imagenet_a"].word == "missing"
    zero = paper.verdicts(build(runs), ["zeroshot"], 0.25)
    assert next(v for v in zero if (v.dataset, v.test) == ("dtd", "base")).word == "below"


def test_the_average_is_compared_when_all_data_sets_are_finished() -> None:
    runs = [
        make("coop", dataset=name, ours={"base": 90.0, "new": 50.0}, backbone="ViT-B-16")
        for name in published.datasets()
    ]
    words = []
    for some in (runs[:2], runs):
        found = {(v.dataset, v.test): v for v in paper.verdicts(build(some), ["coop"], 0.25)}
        words.append(found["average", "base"].word)
    assert words == ["missing", "above"]  # published: 82.69


def test_a_dry_run_prints_jobs_hours_and_gigabytes(cli: Cli, tmp_path: Path) -> None:
    out = tmp_path / "runs"
    for option in ("--dry-run", "--dry_run"):
        answer = cli("reproduce", "paper", option, "--out", out, "--root", tmp_path)
        assert (answer.code, answer.err) == (0, "")
    assert "base2new" in answer.out and "GPU hours" in answer.out
    assert "GB of data sets" in answer.out and "missing data sets: " in answer.out
    assert not out.exists()


def test_what_is_missing_is_told_and_the_rest_judged(cli: Cli, tmp_path: Path) -> None:
    answer = cli(
        *("reproduce", "paper", "--methods", "zeroshot", "--seeds", "1"),
        *("--out", tmp_path / "runs", "--root", tmp_path / "data"),
    )
    assert answer.code == 2
    assert answer.err.splitlines()[-1].startswith("gopro: 13 of 13 jobs failed")
    assert "0 of " in answer.out and "have no run" in answer.out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["papr"], "got papr; wanted `gopro reproduce paper`"),
        (["paper", "--methods", "kgcoop"], "gopro has no published figures of kgcoop"),
        (["paper", "--teraflops", "0"], "got --teraflops 0"),
        (["paper", "--seeds", "x"], "got --seeds x"),
    ],
)
def test_slips(cli: Cli, arguments: list[str], message: str) -> None:
    assert message in cli("reproduce", *arguments).line
