"""Freed memory is used again without asking the system for it."""

from __future__ import annotations

import platform

import numpy as np
import pytest

from gopro.common.allocator import keep_memory

resource = pytest.importorskip("resource", reason="only Unix counts page faults")
PAGES = 50_000


def _faults() -> int:
    """Pages that the system gives this process for one block of ``PAGES`` pages."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    np.empty(PAGES * 4096, np.uint8).fill(1)
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc has this setting")
def test_a_freed_block_is_used_again() -> None:
    assert keep_memory()
    _faults()
    assert _faults() < PAGES / 50


def test_another_c_library(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platform, "libc_ver", lambda: ("", ""))
    assert not keep_memory()
