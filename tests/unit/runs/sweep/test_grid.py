"""The jobs of a sweep: which there are, and what names them."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest

from gopro.common.errors import GoproError
from gopro.methods import find
from gopro.methods.coop import CoOpSettings
from gopro.methods.gopro import GOProSettings
from gopro.results.runfolder import identity
from gopro.runs.sweep.grid import Job, grid, key_of
from gopro.training.config import TrainSettings
from gopro.training.recipe import choose_recipe

COMMON = TrainSettings(dataset="world")
OPTIONS = {"coop": CoOpSettings(), "gopro": GOProSettings()}


def _grid(**changes: Any) -> list[Job]:
    given: dict[str, Any] = {
        "out": Path("runs/x"),
        "datasets": ["world"],
        "task_names": ["base2new"],
        "shots": [16],
        "seeds": [1],
    }
    common = changes.pop("common", COMMON)
    return grid(common, changes.pop("options", OPTIONS), **{**given, **changes})


def test_every_combination_once_and_seed_after_seed() -> None:
    jobs = _grid(seeds=[1, 2], shots=[1, 4], task_names=["basenew", "few-shot", "base2new"])
    assert len(jobs) == 2 * 2 * 2 * 2
    assert len({job.key for job in jobs}) == len(jobs)
    assert [job.settings.seed for job in jobs] == sorted(job.settings.seed for job in jobs)
    assert {job.settings.task for job in jobs} == {"base2new", "few-shot"}
    assert all(job.folder == Path("runs/x") / job.key and job.settings.resume for job in jobs)


def test_the_key_is_that_of_the_numbers() -> None:
    settings, options = replace(COMMON, method="coop"), CoOpSettings()
    key = key_of(settings, options)
    assert len(key) == 12 and int(key, 16) >= 0
    for free in ({"root": Path("/elsewhere")}, {"workers": 3}, {"out": Path("y")}):
        assert key_of(replace(settings, **free), options) == key
    for change in ({"seed": 2}, {"epochs": 3}, {"backbone": "ViT-B-16"}, {"precision": "bf16"}):
        assert key_of(replace(settings, **change), options) != key
    assert key_of(settings, CoOpSettings(n_ctx=2)) != key
    # what the recipe says anyway changes nothing
    assert key_of(replace(settings, momentum=0.9), options) == key


@pytest.mark.parametrize(("method", "usual"), [("clip_lora", 320), ("two_stage", 192)])
def test_epochs_by_the_classes_are_not_epochs_that_are_given(method: str, usual: int) -> None:
    options = find(method).Settings()
    settings = replace(COMMON, method=method, backbone="ViT-B-16")
    keys = [key_of(replace(settings, epochs=one), options) for one in (None, usual, usual + 1)]
    assert len(set(keys)) == 3
    mini = replace(settings, backbone="mini")  # its recipe names them
    epochs = choose_recipe(find(method), mini).epochs
    assert key_of(replace(mini, epochs=epochs), options) == key_of(mini, options)


def test_the_key_has_the_contents_of_texts(tmp_path: Path) -> None:
    file = tmp_path / "texts.json"
    settings = replace(COMMON, method="zeroshot", texts=file)
    options = find("zeroshot").Settings()
    keys = [key_of(settings, options)]  # the job reports that there is no file
    for text in ('{"ant": ["An ant."]}', '{"ant": ["Ants."]}'):
        file.write_text(text)
        keys.append(key_of(settings, options))
        assert key_of(settings, options) == keys[-1]
    assert len(set(keys)) == 3


@pytest.mark.parametrize(("method", "epochs"), [("clip_lora", None), ("coop", None), ("coop", 5)])
def test_keys_are_those_of_earlier_sweeps(method: str, epochs: int | None) -> None:
    """They name the folders of half-done sweeps: the settings with the recipe filled in."""
    settings = replace(COMMON, method=method, backbone="ViT-B-16", epochs=epochs)
    options = find(method).Settings()
    recipe = asdict(choose_recipe(find(method), settings))
    text = json.dumps(identity(replace(settings, **recipe), options), sort_keys=True)
    assert key_of(settings, options) == hashlib.sha256(text.encode()).hexdigest()[:12]


def test_a_set_of_domains_leaves_one_out_after_the_other() -> None:
    jobs = _grid(options={"coop": CoOpSettings()}, task_names=["domain-generalization"])
    assert len(jobs) == 4 and len({job.settings.targets for job in jobs}) == 4
    named = _grid(
        options={"coop": CoOpSettings()},
        task_names=["domain-generalization"],
        common=replace(COMMON, targets="sketch"),
    )
    assert [job.settings.targets for job in named] == ["sketch"]


def test_a_set_that_is_not_here_fails_as_a_job(tmp_path: Path) -> None:
    common = replace(COMMON, root=tmp_path)
    jobs = _grid(common=common, datasets=["pacs"], task_names=["domain-generalization"])
    assert [job.settings.targets for job in jobs] == [None, None]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"datasets": ["worl"]}, "unknown data set 'worl'; did you mean world?"),
        ({"task_names": ["base2nw"]}, "unknown task 'base2nw'; did you mean base2new?"),
    ],
)
def test_slips(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(GoproError, match=message):
        _grid(**changes)


def test_a_job_in_words() -> None:
    titles = [job.title for job in _grid()]
    assert titles == [
        "coop, world, base2new, 16 shots, seed 1",
        "gopro (paper), world, base2new, 16 shots, seed 1",
    ]
