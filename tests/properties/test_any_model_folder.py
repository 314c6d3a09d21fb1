"""Any model folder, damaged or not, gives a working classifier or an error of one line."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from damage import ANY, a_result_or_one_line, damaged, damaged_bytes, share
from gopro import PromptClassifier
from gopro.classifier import modelfolder
from gopro.classifier.modelfiles import ABOUT, EXAMPLES, WEIGHTS
from tiny_run import CLASSES


@pytest.fixture(scope="module")
def sound(model: Path) -> dict[str, bytes]:
    """The files of an undamaged model."""
    return {path.name: path.read_bytes() for path in model.iterdir()}


@pytest.fixture(scope="module")
def picture(photos: Path) -> Path:
    """A picture to classify."""
    return photos / CLASSES[0] / "00.png"


def check(folder: Path, files: dict[str, bytes], picture: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    for name, content in files.items():
        (folder / name).write_bytes(content)
    with a_result_or_one_line(folder):
        loaded = PromptClassifier.load(folder, device="cpu")
        assert loaded.predict([picture])[0] in loaded.classes_.tolist()


def sealed(about: Any, files: dict[str, bytes]) -> bytes:
    """A description with the right checksums, as an attacker would write it."""
    if isinstance(about, dict):
        for name, key in ((WEIGHTS, "weights_sha256"), (EXAMPLES, "examples_sha256")):
            if key in about and name in files:
                about[key] = hash_of(files[name])
        about.pop("sha256", None)
        about["sha256"] = modelfolder._seal(about)
    return json.dumps(about).encode()


def hash_of(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


@share(0.5)
@given(data=st.data())
def test_any_description(
    tmp_path: Path, sound: dict[str, bytes], picture: Path, data: st.DataObject
) -> None:
    about = data.draw(damaged(json.loads(sound[ABOUT])) | ANY)
    check(tmp_path / "model", {**sound, ABOUT: sealed(about, sound)}, picture)


@share(0.5)
@given(data=st.data())
def test_any_bytes(
    tmp_path: Path, sound: dict[str, bytes], picture: Path, data: st.DataObject
) -> None:
    name = data.draw(st.sampled_from(sorted(sound)))
    files = {**sound, name: data.draw(damaged_bytes(sound[name]) | st.binary(max_size=40))}
    if name != ABOUT and data.draw(st.booleans()):
        files[ABOUT] = sealed(json.loads(sound[ABOUT]), files)
    if data.draw(st.booleans()):
        del files[data.draw(st.sampled_from(sorted(files)))]
    check(tmp_path / "model", files, picture)
