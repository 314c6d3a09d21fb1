"""Several methods and seeds in one command: shared work, nothing repeated, the same numbers."""

from __future__ import annotations

import re
import shutil
from collections import Counter
from pathlib import Path

import pytest

from gopro.backbones import shared
from gopro.data import Dataset
from gopro.results.pages import run_page
from gopro.training import trainer
from tiny_run import Cli

RUNS = ("coop", "slip")
FOLDER = "animals-base2new-{}-tiny-test-4shot-seed{}"


def folder(out: Path, method: str, seed: int) -> Path:
    return out / FOLDER.format(method, seed)


def test_methods_and_seeds_in_turn(
    train: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    both = ["--method", "coop,slip"]
    answer = train(tmp_path / "all", *both, "--seeds", "1,2")
    assert (answer.code, answer.err) == (0, "")
    assert "1/4 coop" in answer.out and "4/4 slip" in answer.out
    table = answer.out.partition("accuracy in %")[2]
    assert "zero-shot CLIP" in table and "harmonic mean" in table and "±" in table
    assert re.search(r"coop .* 1, 2 .* 128 ", table) and re.search(r"slip .* 272 ", table)
    for method in RUNS:
        train(tmp_path / "alone" / method, "--method", method, "--seed", 2)
        for name in ("model.safetensors", "metrics.jsonl", "predictions.json", "sample.json"):
            together = folder(tmp_path / "all", method, 2) / name
            assert together.read_bytes() == (tmp_path / "alone" / method / name).read_bytes(), name
    again = train(tmp_path / "all", *both, "--seeds", "1,2")
    assert again.out.startswith("4 of 4 runs were finished before")
    assert again.out.partition("accuracy in %")[2] == table


def test_pictures_are_opened_and_the_backbone_built_once(
    train: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[str] = []
    built: list[str] = []
    open_one, build = Dataset.open, shared.build

    def watched(self: Dataset, item, size=None):  # type: ignore[no-untyped-def]
        opened.append(item.key)
        return open_one(self, item, size)

    def counted(name, *arguments, **options):  # type: ignore[no-untyped-def]
        built.append(name)
        return build(name, *arguments, **options)

    monkeypatch.setattr(Dataset, "open", watched)
    monkeypatch.setattr(shared, "_last", None)
    monkeypatch.setattr(shared, "build", counted)
    monkeypatch.setattr(run_page, "write", lambda *arguments: None)  # opens a few again
    assert train(tmp_path / "all", "--method", "coop,slip,zeroshot").code == 0
    # a test image is also opened before the first training, to see whether it can be
    assert max(Counter(opened).values()) <= 2
    assert built == ["tiny-test"]


def test_the_shared_backbone_stays_as_it_was(train: Cli, tmp_path: Path) -> None:
    assert train(tmp_path / "all", "--method", "clip_lora,maple,coop", "--epochs", 1).code == 0
    train(tmp_path / "alone", "--epochs", 1)
    for name in ("model.safetensors", "metrics.jsonl", "predictions.json"):
        after, alone = folder(tmp_path / "all", "coop", 1), tmp_path / "alone"
        assert (after / name).read_bytes() == (alone / name).read_bytes(), name


def test_stopped_and_started_again(
    train: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    both = ["--method", "coop,slip"]
    train(tmp_path / "whole", *both)
    steps = []
    step = trainer.Trainer._step

    def stop(self, chosen, batch):  # type: ignore[no-untyped-def]
        steps.append(1)
        if len(steps) == 11:  # the third of slip's
            raise KeyboardInterrupt
        return step(self, chosen, batch)

    with monkeypatch.context() as patch:
        patch.setattr(trainer.Trainer, "_step", stop)
        assert train(tmp_path / "cut", *both).code == 130
    assert (folder(tmp_path / "cut", "coop", 1) / "done").exists()
    assert not (folder(tmp_path / "cut", "slip", 1) / "done").exists()
    answer = train(tmp_path / "cut", *both)
    assert answer.code == 0
    assert "1 of 2 runs were finished before" in answer.out and "1/1 slip" in answer.out
    for name in ("model.safetensors", "metrics.jsonl", "predictions.json"):
        ours, theirs = (folder(tmp_path / out, "slip", 1) / name for out in ("cut", "whole"))
        assert ours.read_bytes() == theirs.read_bytes(), name


def test_what_is_refused_before_anything_runs(train: Cli, tmp_path: Path) -> None:
    out = tmp_path / "all"
    assert "did you mean coop" in train(out, "--method", "slip,cop").line
    assert "empty --method" in train(out, "--method", ",").line
    assert "got --seeds x" in train(out, "--seeds", "1,x").line
    assert "give one" in train(out, "--seed", 2, "--seeds", "1,2").line
    assert "leave --processes out" in train(out, "--seeds", "1,2", "--processes", 2).line
    probe = train(out, "--method", "coop,linear_probe").line  # not for names it never saw
    assert "new classes" in probe
    assert not out.exists()


def test_a_folder_of_another_run(train: Cli, tmp_path: Path) -> None:
    both = ["--method", "coop,slip"]
    train(tmp_path / "all", *both)
    assert "holds another run (epochs differ)" in train(tmp_path / "all", *both, "--epochs", 1).line
    place = folder(tmp_path / "all", "coop", 1)
    shutil.rmtree(place)
    place.mkdir()
    (place / "notes.txt").touch()
    assert "holds other things" in train(tmp_path / "all", *both).line
