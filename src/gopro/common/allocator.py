"""Keeping freed memory for the next large tensor, instead of giving it back to the system.

By default glibc asks the system for each block above 32 MB and gives it back when it is freed. The
system then clears all its pages again for the next layer, which takes as long as the layer itself.
"""

from __future__ import annotations

import ctypes
import platform

_TRIM_THRESHOLD, _TOP_PAD, _MMAP_THRESHOLD = -1, -2, -3  # mallopt's parameters, of malloc.h
_SETTINGS = {_MMAP_THRESHOLD: 1 << 30, _TRIM_THRESHOLD: (1 << 31) - 1, _TOP_PAD: 1 << 26}


def keep_memory() -> bool:
    """Let this process keep freed blocks of up to 1 GB; whether the C library can do so.

    The largest amount of memory in use stays about the same.
    """
    if platform.libc_ver()[0] != "glibc":
        return False
    library = ctypes.CDLL(None)
    return all(library.mallopt(name, value) == 1 for name, value in _SETTINGS.items())
