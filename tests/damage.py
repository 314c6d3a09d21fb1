"""Damaged inputs: changed values in plain data, changed bytes in files; and the allowed outcome."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st

from gopro.common.errors import GoproError

TEXT = st.text(st.characters(), max_size=12)
"""Any characters: control characters and halves of surrogate pairs too, as JSON can hold them."""

NUMBERS = st.integers() | st.floats() | st.sampled_from((0, -1, 2**63, 10**30, 1e308))

ANY = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=8,
)
"""Whatever JSON and YAML can say."""


def share(part: float) -> settings:
    """The number of examples of one test, if several tests share the examples of one kind."""
    return settings(max_examples=round(part * settings().max_examples))


@st.composite
def damaged(draw: st.DrawFn, sound: Any, edits: int = 3) -> Any:
    """A copy of a tree with a few values replaced, removed, renamed or duplicated."""
    tree = copy.deepcopy(sound)
    for _ in range(draw(st.integers(1, edits))):
        places = list(_places(tree))
        if not places:
            return draw(ANY)
        holder, key = places[draw(st.integers(0, len(places) - 1))]
        kind = draw(st.sampled_from(("replace", "remove", "rename", "double")))
        if kind == "replace":
            holder[key] = draw(ANY)
        elif kind == "remove":
            del holder[key]
        elif isinstance(holder, dict):
            value = holder[key] if kind == "double" else holder.pop(key)
            holder[draw(TEXT)] = value
        else:
            holder.insert(key, copy.deepcopy(holder[key]))
    return tree


def _places(tree: Any) -> Iterator[tuple[Any, Any]]:
    """The container of each value, and its key in it."""
    if isinstance(tree, dict | list):
        for key in list(tree) if isinstance(tree, dict) else range(len(tree)):
            yield tree, key
            yield from _places(tree[key])


@st.composite
def damaged_bytes(draw: st.DrawFn, sound: bytes, edits: int = 6) -> bytes:
    """The bytes of a file with a few overwritten, inserted or removed, and perhaps cut off."""
    data = bytearray(sound)
    for _ in range(draw(st.integers(0, edits))):
        at, new = draw(st.integers(0, len(data))), draw(st.binary(max_size=6))
        data[at : at + draw(st.integers(0, 6))] = new
    return bytes(data[: draw(st.none() | st.integers(0, len(data)))])


def files(folder: Path) -> dict[Path, bytes | None]:
    """The contents of a folder: path -> bytes of a file, None for a folder."""
    return {path: path.read_bytes() if path.is_file() else None for path in folder.rglob("*")}


@contextmanager
def a_result_or_one_line(folder: Path) -> Iterator[None]:
    """Check that the block succeeds or fails with one line, and does not change the folder."""
    before = files(folder)
    try:
        yield
    except GoproError as error:
        assert str(error) and "\n" not in str(error), str(error)
    assert files(folder) == before
