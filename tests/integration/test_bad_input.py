"""What can be wrong from outside: one line on stderr, exit code 2, nothing half-written."""

from __future__ import annotations

import errno
import json
import os
from pathlib import Path

import pytest
import torch

from gopro.common.tensors import load_tensors
from huge_picture import png
from tiny_run import CLASSES, NAME, Cli, write_photos


@pytest.fixture
def own(tmp_path: Path) -> Path:
    """Photos that a test may damage."""
    return write_photos(tmp_path / "photos", count=6)


def _refused(train: Cli, tmp_path: Path, *options: object, dataset: str) -> str:
    """The one line, after a run that left no run folder behind."""
    before = sorted(tmp_path.rglob("*"))
    line = train(tmp_path / "run", "--shots", 2, *options, dataset=dataset).line
    assert sorted(tmp_path.rglob("*")) == before
    return line


def test_a_missing_folder_of_data(train: Cli, tmp_path: Path) -> None:
    line = _refused(train, tmp_path, "--root", tmp_path / "no", dataset="caltech101")
    assert str(tmp_path / "no" / "caltech-101") in line and "--root" in line
    line = _refused(train, tmp_path, dataset=f"folder:{tmp_path}/none")
    assert "wanted one sub-folder of pictures for each class" in line


@pytest.fixture
def caltech(tmp_path: Path) -> Path:
    """A root folder with a miniature of Caltech101."""
    home = tmp_path / "root" / "caltech-101"
    write_photos(home / "101_ObjectCategories", count=6)
    parts: dict[str, list[list[object]]] = {"train": [], "val": [], "test": []}
    for label, name in enumerate(CLASSES):
        for number in range(6):
            part = "test" if number > 3 else "train"
            parts[part].append([f"{name}/{number:02}.png", label, name])
    (home / "split_zhou_Caltech101.json").write_text(json.dumps(parts))
    return tmp_path / "root"


def test_a_split_that_names_a_missing_file(train: Cli, tmp_path: Path, caltech: Path) -> None:
    (caltech / "caltech-101" / "101_ObjectCategories" / "bee" / "01.png").unlink()
    line = _refused(train, tmp_path, "--root", caltech, dataset="caltech101")
    assert "1 of the 24 pictures" in line and "bee/01.png" in line and "unpack" in line


@pytest.mark.parametrize("text", ["{", "[]", '{"train": 1, "test": []}'])
def test_a_damaged_split(train: Cli, tmp_path: Path, caltech: Path, text: str) -> None:
    (caltech / "caltech-101" / "split_zhou_Caltech101.json").write_text(text)
    line = _refused(train, tmp_path, "--root", caltech, dataset="caltech101")
    assert "split_zhou_Caltech101.json" in line


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (lambda data: b"", "is empty (0 bytes)"),
        (lambda data: b"no picture at all", "can't read picture"),
        (lambda data: data[: len(data) // 2], "can't read picture"),
        (lambda data: png(200_000, 200_000), "is too large"),
    ],
    ids=["empty", "text", "truncated", "enormous"],
)
def test_an_image_that_can_not_be_read(
    train: Cli, tmp_path: Path, own: Path, damage: object, words: str
) -> None:
    assert callable(damage)
    for path in (own / "ant").iterdir():  # whichever is drawn
        path.write_bytes(damage(path.read_bytes()))
    line = _refused(train, tmp_path, dataset=f"folder:{own}")
    assert words in line and str(own / "ant") in line
    # mended, the same command runs without --resume
    write_photos(tmp_path / "again", count=6)
    for path in (own / "ant").iterdir():
        path.write_bytes((tmp_path / "again" / "ant" / path.name).read_bytes())
    assert train(tmp_path / "run", "--shots", 2, dataset=f"folder:{own}").code == 0


def test_damaged_test_images_are_all_named_and_the_run_can_be_resumed(
    train: Cli, tmp_path: Path, own: Path
) -> None:
    whole = {path: path.read_bytes() for name in ("cat", "dog") for path in (own / name).iterdir()}
    for path in whole:
        path.write_bytes(b"")
    line = train(tmp_path / "run", "--shots", 2, dataset=f"folder:{own}").line
    assert len([path for path in whole if str(path) in line]) == 4  # two test images of each
    assert "4 of" in line
    assert not (tmp_path / "run" / "done").exists()
    for path, data in whole.items():
        path.write_bytes(data)
    again = train(tmp_path / "run", "--shots", 2, "--resume", dataset=f"folder:{own}")
    assert again.code == 0


def test_fewer_images_than_shots(train: Cli, tmp_path: Path, own: Path) -> None:
    line = _refused(train, tmp_path, "--shots", 5, dataset=f"folder:{own}")
    assert "class ant has 3 training pictures and 5 shots were wanted" in line
    assert "use --shots 3 or less" in line


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("___", "has no letters"),
        (" ".join("7" * 100), "context"),
        ("Bee", "read the same"),
        ("a\u0007b", "can't be printed"),
        ("\u200b", "can't be printed"),
    ],
)
def test_class_names_that_make_no_prompt(
    train: Cli, tmp_path: Path, own: Path, name: str, words: str
) -> None:
    (own / "dog").rename(own / name)
    line = _refused(train, tmp_path, dataset=f"folder:{own}")
    assert words in line


def test_options_that_do_not_fit(train: Cli, cli: Cli, tmp_path: Path, own: Path) -> None:
    where = f"folder:{own}"
    line = _refused(train, tmp_path, "--select", "best", "--validate", "false", dataset=where)
    assert "--select best needs validation" in line
    line = cli("train", where, "--shots", 2, "--pretrained", "openai", "--out", tmp_path / "r").line
    assert "lite contains its own weights" in line
    line = cli("train", where, "--shots", 2, "--backbone", "ViT-B-16", "--out", tmp_path / "r").line
    assert "ViT-B-16 needs weights" in line and "openai" in line
    assert "context tokens" in _refused(train, tmp_path, "--coop.n_ctx", 0, dataset=where)
    assert "gopro without content and style" in (
        _refused(train, tmp_path, "--gopro.content", "false", "--gopro.style", "false",
                 "--method", "gopro", dataset=where)
    )  # fmt: skip


def test_weights_of_another_model(train: Cli, tmp_path: Path, own: Path) -> None:
    torch.save({"visual.proj": torch.ones(2, 2)}, tmp_path / "other.pt")
    (tmp_path / "text.pt").write_text("no weights")
    for name, words in (("other.pt", f"another model than {NAME}"), ("text.pt", "can't read")):
        where = f"folder:{own}"
        line = _refused(train, tmp_path, "--pretrained", tmp_path / name, dataset=where)
        assert words in line
    line = _refused(train, tmp_path, "--pretrained", "no/such.pt", dataset=f"folder:{own}")
    assert "no weights file no/such.pt" in line


@pytest.mark.skipif(torch.cuda.is_available(), reason="a GPU is here")
@pytest.mark.parametrize("device", ["cuda", "cuda:1"])
def test_a_gpu_where_none_is(train: Cli, tmp_path: Path, own: Path, device: str) -> None:
    line = _refused(train, tmp_path, "--device", device, dataset=f"folder:{own}")
    assert f"the device '{device}' is not on this machine" in line and "--device auto" in line


def test_a_device_that_does_not_exist(train: Cli, tmp_path: Path, own: Path) -> None:
    line = _refused(train, tmp_path, "--device", "abacus", dataset=f"folder:{own}")
    assert "got the device 'abacus'; choose auto, cpu, cuda or mps" in line


def test_a_run_folder_that_holds_another_run(train: Cli, tmp_path: Path, own: Path) -> None:
    where = f"folder:{own}"
    assert train(tmp_path / "run", "--shots", 2, dataset=where).code == 0
    before = {path.name: path.read_bytes() for path in (tmp_path / "run").iterdir()}
    for options, words in (
        (["--seed", 2], "another run (seed differ)"),
        (["--method", "zeroshot", "--resume"], "another run"),
        ([], "this very run, finished"),
        (["--resume"], "this very run, finished"),
    ):
        assert words in train(tmp_path / "run", "--shots", 2, *options, dataset=where).line
    assert {path.name: path.read_bytes() for path in (tmp_path / "run").iterdir()} == before


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_a_training_that_stops_being_numbers(train: Cli, tmp_path: Path, precision: str) -> None:
    line = train(tmp_path / "run", "--lr", 1e38, "--precision", precision).line
    assert "is not finite" in line or "is nan" in line or "is inf" in line
    assert "in epoch 2, step " in line and ".png" in line
    assert ("use --precision fp32 or a lower --lr" in line) is (precision != "fp32")
    assert line.endswith("into another --out: the last good weights are kept in the checkpoint")
    tensors, about = load_tensors(tmp_path / "run" / "checkpoint.safetensors")
    assert about["epoch"] == 1 and all(tensor.isfinite().all() for tensor in tensors.values())


@pytest.mark.parametrize("failing", range(8))
def test_a_full_disk_at_any_file(
    train: Cli, tmp_path: Path, own: Path, monkeypatch: pytest.MonkeyPatch, failing: int
) -> None:
    """The disk fills up at the n-th file and is freed: the run ends as if nothing had been."""
    where, shots = f"folder:{own}", ["--shots", 2]
    assert train(tmp_path / "whole", *shots, dataset=where).code == 0
    original, calls = os.fsync, iter(range(1000))

    def full(handle: int) -> None:
        if next(calls) == failing:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        original(handle)

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        line = train(tmp_path / "run", *shots, dataset=where).line
    assert "no room left on the disk while writing" in line and "--resume" in line
    assert not [path for path in tmp_path.rglob("*") if path.suffix == ".tmp"]
    assert not (tmp_path / "run" / "done").exists()
    again = train(tmp_path / "run", *shots, "--resume", dataset=where)
    assert again.code == 0, again.err
    for name in ("model.safetensors", "metrics.jsonl", "predictions.json", "sample.json"):
        whole = (tmp_path / "whole" / name).read_bytes()
        assert (tmp_path / "run" / name).read_bytes() == whole, name


def test_a_run_folder_inside_a_file(train: Cli, tmp_path: Path, own: Path) -> None:
    (tmp_path / "file").write_text("")
    line = train(tmp_path / "file" / "run", "--shots", 2, dataset=f"folder:{own}").line
    assert "can't write" in line
