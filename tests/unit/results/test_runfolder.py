"""Run folders: whose they are, what may be in them, and settings written and read."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from filelock import FileLock

from gopro.common.errors import GoproError
from gopro.data import Dataset, Item
from gopro.data.fewshot import draw
from gopro.methods.coop import CoOpSettings
from gopro.methods.gopro import GOProSettings
from gopro.methods.promptkd import PromptKDSettings
from gopro.results.runfolder import (
    CONFIG,
    DONE,
    LOCK,
    check,
    default_folder,
    finished,
    keep_sample,
    opened,
    read_config,
    read_settings,
)
from gopro.training.config import TrainSettings, ViewSettings

SETTINGS = TrainSettings(dataset="world", method="coop", root=Path("/data"), epochs=3, lr=0.01)
OPTIONS = CoOpSettings(n_ctx=2)


def open_folder(folder: Path, settings: TrainSettings, options: Any) -> None:
    """A run that stops as soon as its folder is there."""
    with opened(folder, settings, options):
        pass


def test_a_new_folder_gets_its_settings_and_is_left_unfinished(tmp_path: Path) -> None:
    folder = tmp_path / "a" / "run"
    check(folder, SETTINGS, OPTIONS)
    assert not folder.exists()
    open_folder(folder, SETTINGS, OPTIONS)
    assert [path.name for path in folder.iterdir()] == [CONFIG]
    assert read_settings(folder) == (SETTINGS, OPTIONS)


def test_relative_paths_of_older_runs_are_the_same_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    student = replace(SETTINGS, method="promptkd", backbone="local-dir:clip")
    open_folder(tmp_path / "run", student, PromptKDSettings(teacher="teacher"))
    student = replace(student, resume=True, backbone=f"local-dir:{tmp_path}/clip")
    check(tmp_path / "run", student, PromptKDSettings(teacher=f"{tmp_path}/teacher"))
    with pytest.raises(GoproError, match=r"another run \(promptkd.teacher differ\)"):
        check(tmp_path / "run", student, PromptKDSettings(teacher=f"{tmp_path}/other"))
    name = "world-base2new-promptkd-local-dir:clip-16shot-seed1"
    for backbone in ("local-dir:clip", student.backbone):  # as typed, and as it is resolved
        assert default_folder(replace(student, backbone=backbone), None).name == name


def test_an_empty_folder_is_as_good_as_none(tmp_path: Path) -> None:
    open_folder(tmp_path, SETTINGS, OPTIONS)
    assert (tmp_path / CONFIG).exists()


def test_what_a_killed_run_was_about_to_write_is_in_nobodys_way(tmp_path: Path) -> None:
    (tmp_path / ".config.yaml.x1.tmp").write_text("met")
    check(tmp_path, SETTINGS, OPTIONS)
    open_folder(tmp_path, SETTINGS, OPTIONS)
    (tmp_path / ".checkpoint.safetensors.x2.tmp").touch()
    open_folder(tmp_path, replace(SETTINGS, resume=True), OPTIONS)
    assert [path.name for path in tmp_path.iterdir()] == [CONFIG]


def test_two_processes_do_not_write_one_run(tmp_path: Path) -> None:
    resumed = replace(SETTINGS, resume=True)
    with FileLock(tmp_path / LOCK), pytest.raises(GoproError, match="another process is writing"):
        open_folder(tmp_path, resumed, OPTIONS)
    assert not (tmp_path / CONFIG).exists()
    open_folder(tmp_path, resumed, OPTIONS)
    assert [path.name for path in tmp_path.iterdir()] == [CONFIG]


def test_a_config_runs_nothing(tmp_path: Path) -> None:
    proof = tmp_path / "proof"
    text = f"method: !!python/object/apply:pathlib.Path.touch [!!python/name:{proof}]\n"
    for evil in (text, f"method: coop\nout: !!python/object/apply:os.mkdir ['{proof}']\n"):
        (tmp_path / CONFIG).write_text(evil)
        with pytest.raises(GoproError, match="is damaged"):
            read_config(tmp_path)
    assert not proof.exists()


@pytest.mark.parametrize(
    ("settings", "options"),
    [
        (SETTINGS, OPTIONS),
        (
            replace(
                SETTINGS,
                method="gopro",
                out=Path("runs/x y"),
                views=ViewSettings(crop_scale=(0.2, 0.9), moco_jitter=(0.1, 0.2, 0.3, 0.4)),
                optimizer="adam",
            ),
            GOProSettings(layers=(1, 2), ctx_init="ein Käfer: #1"),
        ),
    ],
)
def test_settings_come_back_as_they_were(
    tmp_path: Path, settings: TrainSettings, options: Any
) -> None:
    open_folder(tmp_path, settings, options)
    assert read_settings(tmp_path) == (settings, options)


def test_an_unfinished_run_asks_for_resume(tmp_path: Path) -> None:
    open_folder(tmp_path, SETTINGS, OPTIONS)
    before = (tmp_path / CONFIG).read_bytes()
    with pytest.raises(GoproError, match="holds this run, unfinished; add --resume"):
        open_folder(tmp_path, SETTINGS, OPTIONS)
    open_folder(tmp_path, replace(SETTINGS, resume=True), OPTIONS)
    assert (tmp_path / CONFIG).read_bytes() == before


def test_a_finished_run_is_left_alone(tmp_path: Path) -> None:
    open_folder(tmp_path, SETTINGS, OPTIONS)
    (tmp_path / DONE).touch()
    for resume in (False, True):
        with pytest.raises(GoproError, match="holds this very run, finished; see it with `gopro"):
            open_folder(tmp_path, replace(SETTINGS, resume=resume), OPTIONS)


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"seed": 2}, "seed"),
        ({"sample": "coop"}, "sample"),
        ({"lr": 0.02}, "lr"),
        ({"dataset": "caltech101"}, "dataset"),
        ({"views": ViewSettings(crop_scale=(0.5, 1.0))}, "views.crop_scale"),
    ],
)
def test_another_run_is_refused_and_the_difference_named(
    tmp_path: Path, change: dict[str, Any], named: str
) -> None:
    open_folder(tmp_path, SETTINGS, OPTIONS)
    before = (tmp_path / CONFIG).read_bytes()
    with pytest.raises(GoproError, match=rf"holds another run \({named} differ\)"):
        open_folder(tmp_path, replace(SETTINGS, resume=True, **change), OPTIONS)
    with pytest.raises(GoproError, match=r"\(coop.n_ctx differ\)"):
        open_folder(tmp_path, SETTINGS, CoOpSettings(n_ctx=8))
    assert (tmp_path / CONFIG).read_bytes() == before


def test_what_no_result_depends_on_may_change(tmp_path: Path) -> None:
    open_folder(tmp_path, SETTINGS, OPTIONS)
    other = replace(SETTINGS, resume=True, root=Path("/elsewhere"), device="cpu", workers=3)
    open_folder(tmp_path, other, OPTIONS)


def test_foreign_things_are_not_touched(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("years of work")
    with pytest.raises(GoproError, match="holds other things; choose another --out"):
        open_folder(tmp_path, SETTINGS, OPTIONS)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]
    with pytest.raises(GoproError, match="holds other things"):
        open_folder(tmp_path / "thesis.tex", SETTINGS, OPTIONS)
    with pytest.raises(GoproError, match="can't write"):
        open_folder(tmp_path / "thesis.tex" / "run", SETTINGS, OPTIONS)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read anywhere")
def test_a_folder_that_may_not_be_read(tmp_path: Path) -> None:
    tmp_path.chmod(0)
    try:
        with pytest.raises(GoproError, match="can't read"):
            check(tmp_path, SETTINGS, OPTIONS)
    finally:
        tmp_path.chmod(0o700)


@pytest.mark.parametrize(
    "text", ["", "{", "- a", "method: 3", "shots: 4", "a: &a [*a]", "\x00", "method: [coop]"]
)
def test_damaged_settings(tmp_path: Path, text: str) -> None:
    (tmp_path / CONFIG).write_text(text)
    with pytest.raises(GoproError, match="is damaged; train again into another --out"):
        read_config(tmp_path)


@pytest.mark.parametrize(
    "change",
    [
        {"shots": "many"},
        {"views": None},
        {"views": {"nothing": 1}},
        {"coop": None},
        {"coop": {"nothing": 1}},
        {"new_setting": 1},
        {"root": 5},
        {1: 2},
    ],
)
def test_settings_of_another_version(tmp_path: Path, change: dict[Any, Any]) -> None:
    open_folder(tmp_path, SETTINGS, OPTIONS)
    plain = yaml.safe_load((tmp_path / CONFIG).read_text())
    (tmp_path / CONFIG).write_text(yaml.safe_dump({**plain, **change}))
    with pytest.raises(GoproError, match="written by another version of gopro"):
        read_settings(tmp_path)


def test_settings_of_a_method_that_is_not_here(tmp_path: Path) -> None:
    (tmp_path / CONFIG).write_text("method: magic")
    with pytest.raises(GoproError, match="no method 'magic'"):
        read_settings(tmp_path)


def test_no_run_folder(tmp_path: Path) -> None:
    with pytest.raises(GoproError, match="is no run folder"):
        read_config(tmp_path / "none")


@pytest.mark.parametrize(
    ("dataset", "name"),
    [
        ("world", "world"),
        ("folder:/some/where/My Photos/", "My Photos"),
        ("folder:here/../photos", "photos"),
        ("folder:/", "folder"),
    ],
)
def test_the_default_folder_is_named_after_the_run(dataset: str, name: str) -> None:
    settings = TrainSettings(dataset=dataset, backbone="hf/ViT", shots=4, seed=2)
    found = default_folder(settings, "paper")
    assert found == Path("runs") / f"{name}-base2new-gopro-paper-hf-ViT-4shot-seed2"


def test_a_folder_called_dot_is_named_in_full(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "pets").mkdir()
    monkeypatch.chdir(tmp_path / "pets")
    found = default_folder(TrainSettings(dataset="folder:.", method="coop"), None)
    assert found.name == "pets-base2new-coop-lite-16shot-seed1"


def test_a_resumed_runs_data_must_be_the_same(tmp_path: Path) -> None:
    items = tuple(Item(f"{label}/{number}", label) for label in (0, 1) for number in range(4))
    source = Dataset("two", None, ("a", "b"), items, (), items[:0])
    sample = draw(source, 2, 1, (0, 1))
    keep_sample(tmp_path, source, sample)
    before = (tmp_path / "sample.json").read_bytes()
    keep_sample(tmp_path, source, sample)
    more = replace(source, train=(*items, Item("0/new", 0)))
    with pytest.raises(GoproError, match="can't be resumed: the data set has changed since"):
        keep_sample(tmp_path, more, draw(more, 2, 1, (0, 1)))
    assert (tmp_path / "sample.json").read_bytes() == before


def test_a_resumed_runs_sample_must_be_the_same(tmp_path: Path) -> None:
    """The order of the files changes a draw by CoOp's rule, but not the hash of the split."""
    items = tuple(Item(f"{label}/{number}", label) for label in (0, 1) for number in range(9))
    source = Dataset("two", None, ("a", "b"), items, (), items[:0])
    keep_sample(tmp_path, source, draw(source, 2, 1, (0, 1), "coop"))
    keep_sample(tmp_path, source, draw(source, 2, 1, (0, 1), "coop"))
    other = replace(source, train=items[::-1])
    assert other.fingerprint() == source.fingerprint()
    for sample in (draw(other, 2, 1, (0, 1), "coop"), draw(source, 2, 1, (0, 1))):
        with pytest.raises(GoproError, match="the same seed draws other pictures"):
            keep_sample(tmp_path, source, sample)


def test_the_repetition_of_a_run_counts_only_when_it_is_named(tmp_path: Path) -> None:
    for name in ("run", "run/rerun"):
        (tmp_path / name).mkdir()
        (tmp_path / name / DONE).touch()
    assert finished([tmp_path]) == finished([tmp_path / "run"]) == [tmp_path / "run"]
    assert finished([tmp_path / "run" / "rerun"]) == [tmp_path / "run" / "rerun"]


def test_finished_runs_are_found_at_any_depth(tmp_path: Path) -> None:
    for name in ("b", "a/x"):
        (tmp_path / name).mkdir(parents=True)
        (tmp_path / name / DONE).touch()
    (tmp_path / "unfinished").mkdir()
    assert finished([tmp_path, tmp_path / "b"]) == [tmp_path / "a/x", tmp_path / "b"]
    with pytest.raises(GoproError, match="holds no finished run"):
        finished([tmp_path / "unfinished"])
