"""Killed at 20 random moments each, begun again, and bit for bit what it had been anyway."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path

import pytest

from killed_work import caching, downloading, small_dtd, training
from killing import Kill, Work, after, random_moments, survives
from tiny_run import write_photos

pytestmark = [pytest.mark.nightly, pytest.mark.timeout(3600)]

MOMENTS, PARTS = 20, 4
EPOCHS = 6
ONCE = ("config.yaml", "sample.json", "model.safetensors", "predictions.json", "results.json")


def _survives_all(
    work: Work, folder: Path, moments: Iterable[Callable[[Path], Kill]], enough: int
) -> int:
    """Kill until enough kills struck; how many of them left half a file.

    A kill comes too late where the machine's pace changes, so there must be more moments.
    """
    found: list[tuple[bool, bool]] = []
    for number, moment in enumerate(moments):
        place = folder / str(number)
        found.append(survives(work, place, moment(place)))
        if sum(struck for struck, _ in found) == enough:
            break
    print(f"{work.seconds:.1f} s uninterrupted; killed, and half a file left: {found}")
    assert sum(struck for struck, _ in found) == enough, found
    return sum(left for struck, left in found if struck)


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_photos(tmp_path_factory.mktemp("killed") / "animals", side=64)


def _command(pictures: Path, *more: str) -> list[str]:
    return [
        *(f"folder:{pictures}", "base2new", "--method", "gopro", "--shots", "4", "--batch", "2"),
        *("--epochs", str(EPOCHS), "--select", "best", *more),
    ]


def _files() -> dict[str, int]:
    often = {"run/checkpoint.safetensors": EPOCHS, "run/metrics.jsonl": EPOCHS}
    once = (*ONCE, "page.html", "done")
    return often | {f"run/{name}": 1 for name in once}


@pytest.fixture(scope="module")
def live(pictures: Path, tmp_path_factory: pytest.TempPathFactory) -> Work:
    return training(_command(pictures), tmp_path_factory.mktemp("live") / "whole")


@pytest.mark.parametrize("part", range(PARTS))
def test_training(live: Work, tmp_path: Path, part: int) -> None:
    moments = random_moments(4 * MOMENTS // PARTS, live.seconds, _files(), seed=8 + part)
    assert _survives_all(live, tmp_path, moments, MOMENTS // PARTS) >= 1


@pytest.fixture(scope="module")
def from_caches(pictures: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Work, list[str]]:
    place = tmp_path_factory.mktemp("cached") / "whole"
    work = training(_command(pictures, "--view_cache", "3"), place, cache=True)
    return work, sorted(path.name for path in (place / "cache").iterdir() if path.is_file())


@pytest.mark.parametrize("part", range(PARTS))
def test_training_from_caches(
    from_caches: tuple[Work, list[str]], tmp_path: Path, part: int
) -> None:
    work, kept = from_caches
    assert any(name.endswith(".npy") for name in kept)
    files = {f"cache/{name}": 1 for name in kept}
    moments = random_moments(4 * MOMENTS // PARTS, work.seconds, files, seed=80 + part)
    assert _survives_all(work, tmp_path, moments, MOMENTS // PARTS) >= 1


def test_features(tmp_path: Path) -> None:
    work = caching(tmp_path / "whole", count=200)
    files = {path.name: 1 for path in (tmp_path / "whole").iterdir() if path.is_file()}
    moments = random_moments(4 * MOMENTS, work.seconds, files, seed=10)
    assert _survives_all(work, tmp_path, moments, MOMENTS) >= 3


def test_downloads(tmp_path: Path) -> None:
    with small_dtd(tmp_path) as (pieces, counts):
        work = downloading(tmp_path / "whole", pieces, counts)
        dice = random.Random(11)
        moments = (partial(_after, dice.uniform(0.0, work.seconds)) for _ in range(4 * MOMENTS))
        _survives_all(work, tmp_path, moments, MOMENTS)


def _after(seconds: float, place: Path) -> Kill:
    return after(seconds)
