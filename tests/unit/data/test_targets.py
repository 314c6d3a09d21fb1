"""Targets, from settings to results: data sets to test on, domains to leave out."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from test_tasks import SET

from gopro.common.errors import GoproError
from gopro.data import tasks
from gopro.data.dataset import Dataset, Item
from gopro.results import averages, results_json, runfolder
from gopro.results.pages import printed
from gopro.runs import run
from gopro.training.config import TrainSettings

DOMAINS = ("art", "photo", "sketch")


def items(part: str, count: int) -> tuple[Item, ...]:
    return tuple(
        Item(f"{domain}/{part}/{label}/{number}", label, domain)
        for label in range(2)
        for domain in DOMAINS
        for number in range(count)
    )


STYLES = Dataset(
    "styles",
    None,
    ("cat", "dog"),
    items("train", 2),
    (),
    items("test", 1),
    notes=("split generated",),
    draw=lambda key: Image.new("RGB", (16, 16), (len(key), 80, 90)),
)


def settings(**changes: Any) -> TrainSettings:
    usual = {"dataset": "styles", "task": "domain-generalization", "method": "zeroshot"}
    return TrainSettings(**{**usual, "shots": 1, "device": "cpu", "workers": 1, **changes})


def test_names_are_separated_by_commas() -> None:
    assert settings().target_names == ()
    assert settings(targets=" pacs, Real World,").target_names == ("pacs", "Real World")
    with pytest.raises(GoproError, match="got empty --targets"):
        settings(targets=" ,")


def test_runs_with_other_targets_have_other_folders() -> None:
    folder = runfolder.default_folder(settings(targets="Real World,art"), None)
    assert folder.name == "styles-domain-generalization-Real_World-art-zeroshot-lite-1shot-seed1"
    plain = runfolder.default_folder(settings(), None)
    assert plain.name == "styles-domain-generalization-zeroshot-lite-1shot-seed1"


def test_a_run_leaves_a_domain_out(tmp_path: Path) -> None:
    folder = run.train(settings(targets="sketch", out=tmp_path / "run"), dataset=STYLES)
    results = results_json.read(folder)
    assert results["task"] == "domain-generalization"
    assert {name: (row["n"], row["classes"]) for name, row in results["test"].items()} == {
        "sketch": (6, 2)
    }
    assert results["notes"] == ["styles: split generated"]
    sample = json.loads((folder / runfolder.SAMPLE).read_bytes())
    assert not any(key.startswith("sketch") for key, _ in sample["train"] + sample["val"])
    assert runfolder.read_settings(folder)[0].targets == "sketch"
    with pytest.raises(GoproError, match=r"holds another run \(targets differ\)"):
        run.train(settings(targets="art", out=tmp_path / "run"), dataset=STYLES)


def test_settings_record_the_default_targets(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("cat", "dog"):
        (tmp_path / "pets" / name).mkdir(parents=True)
        for number in range(4):
            Image.new("RGB", (16, 16)).save(tmp_path / "pets" / name / f"{number}.png")
    target = f"folder:{tmp_path / 'pets'}"
    monkeypatch.setattr("gopro.data.tasks.data.present", lambda root: [target])
    folder = run.train(settings(task="cross-dataset", out=tmp_path / "run"), dataset=STYLES)
    results = results_json.read(folder)
    assert list(results["test"]) == ["folder:pets"]
    assert results["test"]["folder:pets"]["n"] == 2
    assert runfolder.read_settings(folder)[0].targets == target
    assert results["notes"] == [
        "styles: split generated",
        "folder:pets: split generated 50/20/30 a class with seed 1",
    ]


@pytest.mark.parametrize(
    ("source", "others"), [("dtd", ["pacs"]), ("dtd10", ["pacs"]), ("pacs", ["dtd", "dtd10"])]
)
def test_sets_of_the_same_pictures_are_no_default_targets(
    tmp_path: Path, source: str, others: list[str]
) -> None:
    for folder in ("pacs", "dtd", "dtd10"):
        (tmp_path / folder).mkdir()

    def read(name: str, root: Path | None, seed: int) -> Dataset:
        return replace(SET, name=name)

    dataset = replace(SET, name=source)
    assert list(tasks.find_targets(dataset, "cross-dataset", (), tmp_path, read=read)) == others
    named = tasks.find_targets(dataset, "cross-dataset", ("dtd", "dtd10"), tmp_path, read=read)
    targets = [target for name, target in named.items() if name != source]
    plan = tasks.plan(dataset, "cross-dataset", shots=1, seed=1, targets=targets)
    notes = {name: test.dataset.notes for name, test in plan.tests.items()}
    note = (f"has pictures that {source} has too, which was trained on",)
    shares = {"dtd": "dtd10", "dtd10": "dtd"}.get(source)
    assert notes == {name: note if name == shares else () for name in notes}


@pytest.mark.parametrize(
    ("source", "task", "message"),
    [
        ("dtd", "cross-dataset", "unpack the complete imagenet there"),
        ("imagenet", "domain-generalization", "no folder .*imagenetv2.*pass --root"),
    ],
)
def test_a_default_target_that_cannot_be_read(
    tmp_path: Path, source: str, task: str, message: str
) -> None:
    (tmp_path / "imagenet").mkdir()
    dataset = replace(SET, name=source)
    with pytest.raises(GoproError, match=message) as raised:
        tasks.find_targets(dataset, task, (), tmp_path)
    assert str(raised.value).endswith(", or name the sets to test on with --targets")
    with pytest.raises(GoproError) as raised:
        tasks.find_targets(dataset, task, ("imagenetv2",), tmp_path)
    assert "--targets" not in str(raised.value)


def left_out(domain: str, accuracy: float, seed: int = 1) -> dict[str, Any]:
    group = dict.fromkeys(averages.GROUP)
    test = {domain: {"accuracy": accuracy, "n": 5, "classes": 2}}
    zero = {domain: {"accuracy": 50.0, "n": 5, "classes": 2}}
    return {
        **group,
        "dataset": "styles",
        "method": "coop",
        "seed": seed,
        "train_seconds": 4.0 * accuracy,
        "trainable_parameters": 7,
        "test": test,
        "average": accuracy,
        "zeroshot": {"test": zero, "average": 50.0},
    }


def test_one_row_for_runs_with_different_left_out_domains() -> None:
    runs = [left_out("sketch", 60.0), left_out("art", 80.0), left_out("photo", 100.0)]
    [row] = averages.over_seeds(runs)
    assert row["seeds"] == [1]
    assert row["scores"] == {
        "art": (80.0, None),
        "photo": (100.0, None),
        "sketch": (60.0, None),
        "average": (80.0, None),
    }
    assert row["zeroshot"]["average"] == (50.0, None)
    assert row["train_seconds"] == 320.0


def test_averages_seeds_with_the_same_tests() -> None:
    runs = [left_out(domain, 60.0 + 10 * seed, seed) for domain in DOMAINS for seed in (1, 2)]
    runs.append(left_out("art", 10.0, seed=3))
    both, single = averages.over_seeds(runs)
    assert both["seeds"] == [1, 2]
    assert both["scores"]["average"] == (75.0, pytest.approx(50**0.5))
    assert single["seeds"] == [3]
    assert single["scores"] == {"art": (10.0, None)}
    with pytest.raises(GoproError, match=r"same seed \(1\) and test \(art\); name each run once"):
        averages.over_seeds([*runs, left_out("art", 5.0)])


def test_the_table_ends_with_notes(capsys: pytest.CaptureFixture[str]) -> None:
    printed.print_run({**left_out("art", 80.0), "notes": ["styles: split [b]generated[/b]"]})
    assert capsys.readouterr().out.splitlines()[-1] == "note: styles: split [b]generated[/b]"
