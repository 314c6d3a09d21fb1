"""What a result says of how it came about."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest
import torch
import yaml

import gopro
from gopro import data
from gopro.runs.provenance import _own_revision, revision
from tiny_run import Cli, write_photos


def results_of(folder: Path) -> dict[str, object]:
    found: dict[str, object] = json.loads((folder / "results.json").read_bytes())
    return found


def test_a_result_can_be_repeated_from_what_it_says(
    train: Cli, photos: Path, tmp_path: Path
) -> None:
    train(tmp_path / "run")
    found = results_of(tmp_path / "run")
    assert found["settings"] == yaml.safe_load((tmp_path / "run" / "config.yaml").read_text())
    split = data.load(f"folder:{photos}").fingerprint()
    assert found["splits"] == {"train": split, "base": split, "new": split}
    where = found["environment"]
    assert isinstance(where, dict)
    assert torch.__version__.startswith(where["torch"])
    assert where["device"].startswith("cpu")
    assert "Python" in where["system"]


def test_hashes_tell_samples_and_splits_apart(train: Cli, tmp_path: Path) -> None:
    photos = write_photos(tmp_path / "photos")
    options = {"dataset": f"folder:{photos}"}
    for name, more in (("a", []), ("b", ["--epochs", 1]), ("c", ["--seed", 2])):
        train(tmp_path / name, *more, **options)
    (photos / "ant" / "00.png").rename(photos / "ant" / "99.png")
    train(tmp_path / "d", **options)
    a, b, c, d = (results_of(tmp_path / name) for name in "abcd")
    assert a["sample"] == b["sample"] != c["sample"]
    assert a["splits"] == b["splits"] != d["splits"]


@pytest.mark.skipif(shutil.which("git") is None, reason="git isn't installed")
def test_revision(tmp_path: Path) -> None:
    file = tmp_path / "src" / "package" / "module.py"
    file.parent.mkdir(parents=True)
    file.write_text("1\n")
    assert revision(file.parent) is None
    who = ["-c", "user.name=a", "-c", "user.email=a@b", "-c", "commit.gpgsign=false"]
    for words in (["init"], ["add", "."], [*who, "commit", "-m", "one"]):
        subprocess.run(["git", "-C", tmp_path, *words], check=True, capture_output=True)
    found = revision(file.parent)
    assert found is not None and len(found) == 40
    file.write_text("2\n")
    assert revision(file.parent) == f"{found}, changed"
    installed = tmp_path / "site-packages" / "package" / "module.py"  # in somebody's checkout
    installed.parent.mkdir(parents=True)
    installed.touch()
    assert revision(installed.parent) is None


def test_the_own_revision_is_that_of_the_checkout() -> None:
    package = Path(gopro.__file__).parent
    if not (package.parents[1] / ".git").exists():
        pytest.skip("this package is not in a git checkout")
    assert _own_revision() is not None
