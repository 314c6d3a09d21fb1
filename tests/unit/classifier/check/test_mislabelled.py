"""Mislabelled pictures: the definitions on an example, and swapped pictures found in a folder."""

from __future__ import annotations

import csv
from pathlib import Path

import torch

from gopro.classifier.check.mislabelled import (
    _folds,
    confident_classes,
    margins_of,
    suspicions,
)
from tiny_run import CLASSES, Cli, write_photos

_SHARES = torch.tensor(
    [[0.9, 0.1, 0.0], [0.5, 0.4, 0.1], [0.1, 0.6, 0.3], [0.2, 0.8, 0.0], [0.3, 0.1, 0.6]]
)
_LABELS = torch.tensor([0, 0, 1, 1, 2])


def test_the_definitions() -> None:
    # thresholds: (0.9 + 0.5) / 2 = 0.7, (0.6 + 0.8) / 2 = 0.7, 0.6
    assert confident_classes(_SHARES, _LABELS).tolist() == [0, -1, -1, 1, 2]
    margins = margins_of(_SHARES, _LABELS)
    assert torch.allclose(margins, torch.tensor([0.8, 0.1, 0.3, 0.6, 0.3]))
    swapped = torch.tensor([1, 0, 1, 1, 2])  # thresholds 0.5, (0.1 + 0.6 + 0.8) / 3 = 0.5, 0.6
    assert confident_classes(_SHARES, swapped).tolist() == [0, 0, 1, 1, 2]
    assert torch.isclose(margins_of(_SHARES, swapped)[0], torch.tensor(-0.8))


def test_swapped_labels_come_first() -> None:
    noise = torch.randn(90, 6, generator=torch.Generator().manual_seed(3))
    truth = torch.arange(90) % 3
    features = noise + 4 * torch.nn.functional.one_hot(truth, 6)
    labels = truth.tolist()
    swapped = {4: 2, 31: 0, 77: 0}
    for index, label in swapped.items():
        labels[index] = label
    found = suspicions(features, labels)
    assert {one.index for one in found[:3]} == set(swapped)
    for one in found[:3]:
        assert one.suggested == truth[one.index] and one.share < 0.3 < one.suggested_share


def test_copies_don_t_vouch_for_each_other() -> None:
    labels = torch.arange(40) % 2
    copies = [[0, 4, 8, 12, 16], [1, 2]]
    folds = _folds(labels, copies)
    assert len(set(folds[copies[0]].tolist())) == len(set(folds[copies[1]].tolist())) == 1
    for label in (0, 1):
        alone = _folds(labels, [])[labels == label]
        assert alone.bincount().tolist() == [4] * 5


def test_small_classes_and_one_class_are_left_alone() -> None:
    features = torch.randn(16, 4, generator=torch.Generator().manual_seed(1))
    assert suspicions(features, [0] * 12 + [1] * 4) == []
    found = suspicions(features, [0] * 6 + [1] * 6 + [2] * 4)
    assert all(one.index < 12 and one.suggested < 2 for one in found)


def test_a_folder_with_pictures_in_the_wrong_class(
    cli: Cli, tiny: list[str], tmp_path: Path
) -> None:
    folder = write_photos(tmp_path / "photos", CLASSES[:2], count=20)
    ours, theirs = folder / "ant" / "03.png", folder / "bee" / "03.png"
    ours.rename(folder / "bee" / "wrong.png")
    theirs.rename(folder / "ant" / "wrong.png")
    answer = cli("check", folder, "--out", tmp_path / "out", *tiny, "--workers", 1)
    assert answer.code == 0, answer.err
    assert "Pictures that look mislabelled" in answer.out
    with (tmp_path / "out" / "check.csv").open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["finding"] == "mislabelled"]
    assert {row["picture"] for row in rows[:2]} == {"ant/wrong.png", "bee/wrong.png"}
    assert any(row["detail"].startswith("looks like bee (") for row in rows[:2])
    answer = cli("check", folder, "--out", tmp_path / "out", "--skip-labels")
    assert "mislabelled" not in answer.out
