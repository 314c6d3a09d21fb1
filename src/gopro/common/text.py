"""Numbers as text for people."""

from __future__ import annotations


def duration(seconds: float) -> str:
    """A time span with one unit: ``40 s``, ``12 min``, ``3.5 h``."""
    if seconds < 100:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 6000 else f"{seconds / 3600:.1f} h"
