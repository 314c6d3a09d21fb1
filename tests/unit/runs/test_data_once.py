"""A run opens each picture once, and its report is made without reading its own files.

Test images are checked before the training besides; see ``test_pictures.py``.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from PIL import Image

from gopro.data import Dataset, Item
from gopro.results import results_json, run_record
from gopro.results.pages import run_page
from gopro.runs import run
from gopro.runs.pictures import CHECKED
from tiny_run import Cli


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """Counts how often each picture is opened.

    The check before the training is left out, and so is the report, which opens its sample pictures
    again, in the size it shows.
    """
    counts: Counter[str] = Counter()
    open_one = Dataset.open

    def counted(self: Dataset, item: Item, size: int | None = None) -> Image.Image:
        counts[item.key] += size != CHECKED.reduced_to
        return open_one(self, item, size)

    monkeypatch.setattr(Dataset, "open", counted)
    monkeypatch.setattr(run_page, "write", lambda *arguments: None)
    return counts


@pytest.mark.parametrize(
    ("options", "pictures"),  # 8 to train, 8 to validate where there are steps, 16 to test
    [
        (["coop"], 32),
        (["maple"], 32),
        (["tip_adapter"], 32),
        (["tip_adapter", "--augment", "none"], 32),
        (["tip_adapter", "--tip_adapter.trained", "false"], 24),
        (["gopro"], 32),
    ],
)
def test_each_picture_is_opened_once(
    train: Cli, tmp_path: Path, opened: Counter[str], options: list[str], pictures: int
) -> None:
    assert train(tmp_path / "run", "--method", *options).code == 0
    assert (set(opened.values()), len(opened)) == ({1}, pictures)


@pytest.mark.parametrize(("method", "again"), [("maple", 24), ("tip_adapter", 0)])
def test_runs_in_turn_share_what_the_frozen_encoder_sees(
    train: Cli, tmp_path: Path, opened: Counter[str], method: str, again: int
) -> None:
    """After CoOp, only a method that changes the image encoder opens pictures it is measured on."""
    assert train(tmp_path / "all", "--method", f"coop,{method}").code == 0
    assert sum(opened.values()) == 32 + again


def test_the_report_reads_nothing_back(
    train: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(folder: Path) -> None:
        raise AssertionError(f"{folder} was read")

    for module, name in (
        (results_json, "read"),
        (run_record, "metrics"),
        (run_record, "predictions"),
    ):
        monkeypatch.setattr(module, name, fail)
    monkeypatch.setattr(run, "read_predictions", fail)
    answer = train(tmp_path / "run")
    assert answer.code == 0, answer.err
    assert "harmonic mean" in answer.out and (tmp_path / "run" / "page.html").exists()
