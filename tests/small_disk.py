"""A disk of a few kilobytes: a file system in memory, whose size can be changed."""

from __future__ import annotations

import contextlib
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

_PAGE = 4096


@dataclass(frozen=True)
class Disk:
    """A mounted disk.

    Attributes:
        path: Where it is.
    """

    path: Path

    def resize(self, size: int) -> None:
        """Give it so many bytes, rounded up to whole pages."""
        _mount("-o", f"remount,size={-(-size // _PAGE) * _PAGE}", str(self.path))

    def empty(self) -> None:
        """Remove all that is on it."""
        for path in self.path.iterdir():
            shutil.rmtree(path) if path.is_dir() else path.unlink()


@contextlib.contextmanager
def mounted(path: Path) -> Iterator[Disk]:
    """A disk at a new folder, unmounted at the end; the test is skipped where that can't be."""
    path.mkdir()
    try:
        _mount("-t", "tmpfs", "-o", "size=1m", "tmpfs", str(path))
    except (OSError, subprocess.CalledProcessError) as error:
        pytest.skip(f"a small disk can't be mounted here: {error}")
    try:
        yield Disk(path)
    finally:
        subprocess.run(["umount", str(path)], check=True)


def used(folder: Path) -> int:
    """Bytes that a folder's files take on such a disk."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    return sum(-(-path.stat().st_size // _PAGE) * _PAGE for path in files)


def _mount(*arguments: str) -> None:
    subprocess.run(["mount", *arguments], check=True, capture_output=True)
