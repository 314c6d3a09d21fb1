"""Fixtures for the whole suite: folders of real photographs."""

from __future__ import annotations

import getpass
import os
import shutil
import tarfile
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

import processes  # noqa: F401 - before the first process is started

# tests neither read nor write the user's cache
os.environ["GOPRO_CACHE"] = "off"

# `--hypothesis-profile nightly` searches for new failures; the default repeats the same examples
settings.register_profile(
    "ordinary",
    max_examples=100,
    derandomize=True,
    deadline=20_000,  # milliseconds; a longer test hangs, even on a busy machine
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
settings.register_profile(
    "nightly",
    settings.get_profile("ordinary"),
    max_examples=10_000,
    derandomize=False,
    print_blob=True,
)
settings.load_profile("ordinary")

_BESIDE = Path(__file__).resolve().parents[2] / "shared" / "data"


@pytest.fixture(scope="session")
def test_data() -> Path:
    """The folder of real archives: ``$GOPRO_TEST_DATA``, else ``shared/data`` beside the checkout.

    Tests that use it are skipped if there is none.
    """
    folder = Path(os.environ.get("GOPRO_TEST_DATA") or _BESIDE)
    if not folder.is_dir():
        pytest.skip(f"no real data: {folder} isn't there (set GOPRO_TEST_DATA)")
    return folder


@pytest.fixture(scope="session")
def caltech_root(test_data: Path) -> Path:
    """A root folder with ``caltech-101`` unpacked inside, kept between sessions."""
    return _unpacked(test_data, "caltech-101.tar")


@pytest.fixture(scope="session")
def pacs_root(test_data: Path) -> Path:
    """A root folder with half of PACS unpacked inside as ``pacs``, kept between sessions."""
    return _unpacked(test_data, "pacs.tar")


@pytest.fixture(scope="session")
def splits_folder(test_data: Path) -> Path:
    """The folder with the benchmark's split files, kept between sessions."""
    root = _unpacked(test_data, "splits.tar.gz")
    return next(root.rglob("split_zhou_Caltech101.json")).parent


def _unpacked(folder: Path, name: str) -> Path:
    """Unpack one archive into the user's cache in the temporary folder, once."""
    archive = folder / name
    if not archive.is_file():
        pytest.skip(f"no real data: {archive} isn't there")
    stat = archive.stat()
    cache = Path(tempfile.gettempdir()) / f"gopro-test-data-{getpass.getuser()}"
    cache.mkdir(mode=0o700, exist_ok=True)
    final = cache / f"{archive.name.partition('.')[0]}-{stat.st_size}-{int(stat.st_mtime)}"
    if final.is_dir():
        return final
    half = Path(tempfile.mkdtemp(prefix=f"{final.name}.", dir=cache))
    try:
        with tarfile.open(archive) as tar:
            tar.extractall(half, filter="data")
        half.rename(final)
    except OSError:
        # another session was faster; its copy is equal
        if not final.is_dir():
            raise
    finally:
        shutil.rmtree(half, ignore_errors=True)
    return final
