"""The benchmark of ``gopro predict``: both ways get the same pictures; the ratio is printed."""

from __future__ import annotations

from pathlib import Path

import pytest
from benchmarks import predict


def test_ratio(model: Path, photos: Path, capsys: pytest.CaptureFixture[str]) -> None:
    predict.main([str(model), "--count", "6", "--rounds", "1", "--workers", "1"])
    told = capsys.readouterr().out
    assert told.startswith("6 pictures")
    assert "image encoder" in told
    assert "of the images per second of the image encoder alone" in told


def test_pictures_of_a_folder(tmp_path: Path) -> None:
    for name in ("b.jpg", "a.jpg", "c.txt"):
        (tmp_path / name).touch()
    found = predict._paths(tmp_path, 5, tmp_path)
    assert [Path(path).name for path in found] == ["a.jpg", "b.jpg"]
