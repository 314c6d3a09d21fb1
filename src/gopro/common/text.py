"""Numbers, lists and names as text for people, and which names are the same."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Sequence


def duration(seconds: float) -> str:
    """A time span with one unit: ``40 s``, ``12 min``, ``3.5 h``."""
    if seconds < 100:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 6000 else f"{seconds / 3600:.1f} h"


def counted(number: int, word: str) -> str:
    """A number with its noun: ``1 picture``, ``2,300 pictures``."""
    return f"{number:,} {word}{'' if number == 1 else 'es' if word.endswith('s') else 's'}"


def listed(words: Sequence[str], most: int = 5) -> str:
    """The first ``most`` words in quotes, and how many more there are: ``'a', 'b' and 3 more``."""
    shown = ", ".join(repr(word) for word in words[:most])
    return shown if len(words) <= most else f"{shown} and {len(words) - most:,} more"


def printable(name: str) -> str:
    """A file name with an escape code, such as ``\\udce9``, for each byte that isn't UTF-8."""
    return name.encode(errors="backslashreplace").decode()


def readable(name: str) -> str:
    """The class name as it appears in a prompt: ``sea_horse`` becomes ``sea horse``.

    Accented letters are one character each (NFC); macOS gives names of files with two.
    """
    return " ".join(unicodedata.normalize("NFC", name).replace("_", " ").split())


def name_key(name: str) -> str:
    """What is equal for two names of the same class: ``readable``, regardless of capitals."""
    return readable(name).casefold()


def numbered(names: Sequence[str]) -> list[tuple[str, int]]:
    """The ``name_key`` of each name, and how often it came before: 0 for each where all differ."""
    seen: Counter[str] = Counter()
    pairs = []
    for key in map(name_key, names):
        pairs.append((key, seen[key]))
        seen[key] += 1
    return pairs
