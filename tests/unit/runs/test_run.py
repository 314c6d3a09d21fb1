"""Runs of a tiny CLIP from settings to results."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image
from torch import Tensor

from gopro.backbones import Backbone, ImageFeatures, Prompts, shared
from gopro.common.errors import GoproError
from gopro.common.tensors import load_tensors
from gopro.data import Dataset, load
from gopro.methods.coop import CoOpSettings
from gopro.results import results_json
from gopro.runs import run
from gopro.runs.pictures import CHECKED
from gopro.training.config import TrainSettings
from tiny_run import BASE, CLASSES, NAME, NEW, Cli, write_photos

FIXED = {
    *("schema", "dataset", "task", "method", "variant", "backbone", "shots", "seed", "test"),
    *("harmonic_mean", "train_seconds", "trainable_parameters", "texts"),
}
FILES = {
    *("config.yaml", "metrics.jsonl", "model.safetensors", "results.json", "done"),
    *("predictions.json", "sample.json", "page.html"),
}
REPEAT = {"settings", "environment", "revision", "splits", "sample"}


def test_a_run_leaves_what_was_promised(train: Cli, tmp_path: Path) -> None:
    answer = train(tmp_path / "run")
    assert (answer.code, answer.err) == (0, "")
    names = {path.name for path in (tmp_path / "run").iterdir()}
    assert names == FILES | {"checkpoint.safetensors"}
    found = json.loads((tmp_path / "run" / "results.json").read_text())
    assert set(found) - {"zeroshot", "notes"} - REPEAT == FIXED
    assert found["schema"] == 1
    assert found["test"].keys() == found["zeroshot"]["test"].keys() == {"base", "new"}
    for row in (*found["test"].values(), *found["zeroshot"]["test"].values()):
        assert row.keys() == {"accuracy", "n", "classes"}
        assert (row["n"], row["classes"]) == (8, 2)
    assert (found["dataset"], found["task"]) == ("folder:animals", "base2new")
    assert (found["method"], found["variant"], found["backbone"]) == ("coop", None, NAME)
    assert (found["shots"], found["seed"], found["trainable_parameters"]) == (4, 1, 4 * 32)
    assert [line["epoch"] for line in _metrics(tmp_path / "run")] == [1, 2]
    assert "2 epochs of 8 images of 2 classes" in answer.out
    assert "zero-shot CLIP" in answer.out and "harmonic mean" in answer.out


def test_learned_weights_alone_are_saved(train: Cli, tmp_path: Path) -> None:
    train(tmp_path / "run")
    tensors, about = load_tensors(tmp_path / "run" / "model.safetensors")
    assert {name: list(value.shape) for name, value in tensors.items()} == {"context": [4, 32]}
    assert about == {"method": "coop", "backbone": NAME}


def test_zero_shot_trains_nothing_and_leaves_the_same_files(train: Cli, tmp_path: Path) -> None:
    answer = train(tmp_path / "run", "--method", "zeroshot")
    assert answer.code == 0
    assert "nothing to train" in answer.out
    assert {path.name for path in (tmp_path / "run").iterdir()} == FILES
    assert (tmp_path / "run" / "metrics.jsonl").read_text() == ""
    found = results_json.read(tmp_path / "run")
    assert found["test"] == found["zeroshot"]["test"]
    assert found["trainable_parameters"] == 0


def test_the_same_seed_gives_the_same_bytes(train: Cli, tmp_path: Path) -> None:
    gopro = ["--method", "gopro", "--epochs", 1]  # all views, all losses
    train(tmp_path / "a", *gopro)
    train(tmp_path / "b", *gopro, "--workers", 4)
    train(tmp_path / "c", *gopro, "--seed", 2)
    for name in ("model.safetensors", "metrics.jsonl", "predictions.json", "sample.json"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes(), name
    weights = [(tmp_path / run / "model.safetensors").read_bytes() for run in "ac"]
    assert weights[0] != weights[1]


@pytest.mark.parametrize("precision", ["bf16", "fp16"])
def test_half_precision(train: Cli, tmp_path: Path, precision: str) -> None:
    answer = train(tmp_path / "run", "--precision", precision)
    assert answer.code == 0, answer.err
    tensors, _ = load_tensors(tmp_path / "run" / "model.safetensors")
    assert tensors["context"].dtype == torch.float32
    assert torch.isfinite(tensors["context"]).all()
    train(tmp_path / "full")
    full, _ = load_tensors(tmp_path / "full" / "model.safetensors")
    torch.testing.assert_close(tensors["context"], full["context"], rtol=0.05, atol=0.02)


def test_test_images_are_only_checked_until_the_weights_are_written(
    tiny: list[str], photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[str] = []
    original = Dataset.open

    def watched(self: Dataset, item: Any, size: int | None = None) -> Image.Image:
        if item.key in test_keys and size != CHECKED.reduced_to:
            assert (tmp_path / "run" / "model.safetensors").exists()
        opened.append(item.key)
        return original(self, item, size)

    dataset = load(f"folder:{photos}")
    test_keys = {item.key for item in dataset.test}
    monkeypatch.setattr(Dataset, "open", watched)
    settings = _settings(tiny, photos, tmp_path / "run", select="best")
    run.train(settings, CoOpSettings())
    assert test_keys <= set(opened)
    assert any("val_accuracy" in row for row in _metrics(tmp_path / "run"))


def test_done_is_written_last(
    train: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tiny: list[str], photos: Path
) -> None:
    from gopro.results.pages import run_page

    def fail(*arguments: object) -> None:
        assert not (tmp_path / "run" / "done").exists()
        assert (tmp_path / "run" / "results.json").exists()
        raise GoproError("the page can't be made")

    with monkeypatch.context() as patch:
        patch.setattr(run_page, "write", fail)
        with pytest.raises(GoproError, match="can't be made"):
            run.train(_settings(tiny, photos, tmp_path / "run"), CoOpSettings())
    assert not (tmp_path / "run" / "done").exists()
    before = (tmp_path / "run" / "model.safetensors").read_bytes()
    same = ["--batch", 2, "--epochs", 2]
    assert "unfinished; add --resume" in train(tmp_path / "run", *same).line
    assert train(tmp_path / "run", *same, "--resume").code == 0
    assert (tmp_path / "run" / "done").exists()
    assert (tmp_path / "run" / "model.safetensors").read_bytes() == before


def test_a_finished_run_measures_the_same_again(train: Cli, cli: Cli, tmp_path: Path) -> None:
    train(tmp_path / "run")
    before = {path.name: path.read_bytes() for path in (tmp_path / "run").iterdir()}
    again = run.test(tmp_path / "run", {})
    assert again == results_json.read(tmp_path / "run")
    answer = cli("test", tmp_path / "run")
    assert answer.code == 0 and "differ" not in answer.out
    assert {path.name: path.read_bytes() for path in (tmp_path / "run").iterdir()} == before


def test_with_data_and_weights_moved_elsewhere(
    train: Cli, cli: Cli, tiny: list[str], tmp_path: Path
) -> None:
    from safetensors.torch import load_file, save_file

    root, weights = _caltech(tmp_path / "here"), tmp_path / "tiny.safetensors"
    save_file(load_file(tiny[3]), weights)
    moved = ["--root", root, "--pretrained", weights, "--shots", 2]
    answer = train(tmp_path / "run", *moved, dataset="caltech101")
    assert answer.code == 0, answer.err
    shutil.move(root, tmp_path / "there")
    assert "no folder" in cli("test", tmp_path / "run").line
    there = ["--root", tmp_path / "there"]
    again = cli("test", tmp_path / "run", *there)
    assert again.code == 0 and "differ" not in again.out
    weights.rename(tmp_path / "moved.safetensors")
    assert "no weights file" in cli("test", tmp_path / "run", *there).line
    options = [*there, "--pretrained", tmp_path / "moved.safetensors"]
    assert cli("test", tmp_path / "run", *options).code == 0


def test_with_a_folder_moved_elsewhere(train: Cli, cli: Cli, photos: Path, tmp_path: Path) -> None:
    here, there = tmp_path / "here", tmp_path / "there"
    shutil.copytree(photos, here)
    assert train(tmp_path / "run", dataset=f"folder:{here}").code == 0
    here.rename(there)
    assert str(here) in cli("test", tmp_path / "run").line
    again = cli("test", tmp_path / "run", "--dataset", f"folder:{there}")
    assert again.code == 0, again.err


def test_other_figures_than_recorded_are_pointed_out(train: Cli, cli: Cli, tmp_path: Path) -> None:
    train(tmp_path / "run")
    path = tmp_path / "run" / "results.json"
    found = json.loads(path.read_text())
    found["test"]["base"]["accuracy"] = 12.34
    path.write_text(json.dumps(found))
    out = cli("test", tmp_path / "run").out
    assert "differ from the recorded ones" in out and "12.34" in out


def test_weights_of_another_run(train: Cli, cli: Cli, tmp_path: Path) -> None:
    for name, options in (("a", []), ("b", ["--method", "zeroshot"]), ("c", ["--coop.n_ctx", 2])):
        train(tmp_path / name, *options)
    mine = tmp_path / "a" / "model.safetensors"
    shutil.copy(tmp_path / "b" / "model.safetensors", mine)
    assert f"weights of zeroshot on {NAME}, not of coop on {NAME}" in cli("test", mine.parent).line
    shutil.copy(tmp_path / "c" / "model.safetensors", mine)
    assert "doesn't fit coop" in cli("test", mine.parent).line
    mine.write_bytes(b"damaged")
    assert "can't read" in cli("test", mine.parent).line
    mine.unlink()
    assert "it is missing" in cli("test", mine.parent).line


class Colours(Backbone):
    """A backbone that knows the photos by colour and the classes by their tokens, not by place.

    Image and text embeddings are one-hot, so an answer is right only where a class's own name
    stands at its label.
    """

    def encode_image(self, pixels: Tensor) -> ImageFeatures:
        red, green, blue = (255 * pixels.mean(dim=(2, 3))).T
        grey = (red + green + blue) / 3
        kind = torch.where(
            red > grey + 15, 0, torch.where(green > grey + 15, 1, torch.where(blue > grey, 2, 3))
        )
        kind = torch.where((red - green).abs() + (red - blue).abs() < 20, 3, kind)
        found = torch.nn.functional.one_hot(kind, self.embed_dim).float()
        return ImageFeatures.only(found)

    def encode_text(self, prompts: Prompts) -> Tensor:
        words = [self.token_embeddings(name)[0] for name in CLASSES]
        rows = []
        for tokens in prompts.suffix[0]:
            hits = [index for index, word in enumerate(words) if (tokens == word).all(-1).any()]
            assert len(hits) == 1
            rows.append(torch.nn.functional.one_hot(torch.tensor(hits[0]), self.embed_dim).float())
        return torch.stack(rows)[None] + 0 * prompts.prefix.sum()  # learned from, changes nothing


def test_base_to_new_asks_for_the_new_names(
    train: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    build = shared.build

    def coloured(*arguments: Any, **options: Any) -> Backbone:
        made = build(*arguments, **options)
        made.__class__ = Colours
        return made

    monkeypatch.setattr(shared, "_last", None)
    monkeypatch.setattr(shared, "build", coloured)
    train(tmp_path / "run")
    found = results_json.read(tmp_path / "run")
    for measured in (found, found["zeroshot"]):
        assert [measured["test"][name]["accuracy"] for name in ("base", "new")] == [100.0, 100.0]
        assert measured["harmonic_mean"] == 100.0
    predictions = json.loads((tmp_path / "run" / "predictions.json").read_text())
    assert predictions["base"]["class_names"] == list(BASE)
    assert predictions["new"]["class_names"] == list(NEW)
    assert predictions["new"]["predicted"] == predictions["new"]["labels"] == [0] * 4 + [1] * 4
    assert {key.partition("/")[0] for key in predictions["new"]["keys"]} == set(NEW)


def test_a_name_of_the_new_classes_that_does_not_fit_stops_before_training(
    train: Cli, tmp_path: Path
) -> None:
    photos = write_photos(tmp_path / "p", ["ant", "bee", "cat", " ".join(["eel"] * 13)], count=6)
    line = train(
        tmp_path / "run", "--coop.n_ctx", 62, "--shots", 2, dataset=f"folder:{photos}"
    ).line
    assert "new classes" in line and "eel" in line
    assert not (tmp_path / "run").exists()


def _settings(tiny: list[str], photos: Path, out: Path, **changes: Any) -> TrainSettings:
    return TrainSettings(
        dataset=f"folder:{photos}",
        method="coop",
        backbone=NAME,
        pretrained=tiny[3],
        device="cpu",
        shots=4,
        epochs=2,
        batch=2,
        augment="none",
        workers=1,
        out=out,
        **changes,
    )


def _metrics(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]


def _caltech(root: Path) -> Path:
    """A root folder with a miniature of Caltech101 in the benchmark's layout."""
    home = root / "caltech-101"
    write_photos(home / "101_ObjectCategories")
    parts: dict[str, list[list[object]]] = {"train": [], "val": [], "test": []}
    for label, name in enumerate(CLASSES):
        for number in range(12):
            part = ("train", "train", "val", "test")[number % 4]
            parts[part].append([f"{name}/{number:02}.png", label, name])
    (home / "split_zhou_Caltech101.json").write_text(json.dumps(parts))
    return root
