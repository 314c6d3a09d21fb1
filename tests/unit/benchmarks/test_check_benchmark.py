"""The benchmark of ``gopro check``: planted copies are found, and swapped labels counted."""

from __future__ import annotations

from pathlib import Path

import torch
from benchmarks import check

from gopro.classifier.check.look import Looks
from gopro.data.fingerprint import Fingerprints
from gopro.data.folder import read_folder
from tiny_run import write_photos


def test_swapped_labels_are_counted() -> None:
    labels = [number % 3 for number in range(100)]
    noise = torch.randn(100, 6, generator=torch.Generator().manual_seed(0))
    features = noise / 5 + 4 * torch.nn.functional.one_hot(torch.tensor(labels), 6)
    empty = Fingerprints.of(torch.zeros(0, 3, 32, 32, dtype=torch.uint8))
    looks = Looks((), {}, {}, empty, features)
    found = check.swapped(looks, labels, 0.02, seed=1)
    assert found == check.Swapped(1.0, 1.0, 2)


def test_copies_are_planted(tmp_path: Path) -> None:
    write_photos(tmp_path / "photos", count=4)
    (tmp_path / "copies").mkdir()
    copies = check.planted(read_folder(tmp_path / "photos", hold_out=False), 6, tmp_path / "copies")
    assert len(copies) == len(set(copies.values())) == 6
    assert all(Path(path).is_file() for path in copies)
