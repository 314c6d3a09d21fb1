"""``hf:NAME`` with a stand-in for the ``datasets`` library: damaged pictures, sets of one name."""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from PIL import UnidentifiedImageError

from gopro.common.errors import GoproError
from gopro.data.hub import read_hub


class _Table:
    """Two rows; the picture of the second one can't be decoded."""

    def __init__(self, library: Any) -> None:
        self.features = {"image": library.Image(), "label": library.ClassLabel()}

    def __getitem__(self, key: str | int) -> Any:
        if key == "label":
            return [0, 1]
        raise UnidentifiedImageError("cannot identify image file")


@pytest.fixture(autouse=True)
def library(monkeypatch: pytest.MonkeyPatch) -> None:
    module: Any = ModuleType("datasets")
    module.Image = type("Image", (), {})
    module.ClassLabel = type("ClassLabel", (), {"names": ["ant", "bee"]})
    module.load_dataset = lambda name: {split: _Table(module) for split in ("train", "test")}
    monkeypatch.setitem(sys.modules, "datasets", module)


def test_a_damaged_picture_is_one_line() -> None:
    dataset = read_hub("me/pets")
    with pytest.raises(GoproError, match=r"can't read picture me/pets, train/1 \(not a picture"):
        dataset.open(dataset.train[1])


def test_folders_of_the_same_name_have_other_sources(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("clean", "noisy"):
        (tmp_path / name / "pets").mkdir(parents=True)
    clean, noisy = (read_hub(str(tmp_path / name / "pets")) for name in ("clean", "noisy"))
    assert clean.name == noisy.name == "hf:pets"
    monkeypatch.chdir(tmp_path)
    assert read_hub("./clean/pets", seed=2).source == clean.source != noisy.source
    assert read_hub("me/pets").source == ""
