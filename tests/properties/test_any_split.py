"""Any split file is read as a valid split, or is a one-line error."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from damage import ANY, TEXT, a_result_or_one_line, damaged, damaged_bytes
from gopro.common.errors import GoproError
from gopro.data.dataset import Item
from gopro.data.splits import Split, read_split
from split_files import write_split

VALID = {
    "train": [["a/1.jpg", 0, "ant"], ["a/2.jpg", 0, "ant"], ["b/1.jpg", 1, "bee"]],
    "val": [["b/2.jpg", 1, "bee"]],
    "test": [["a/3.jpg", 0, "ant"], ["b/3.jpg", 1, "bee"]],
}
KEY = st.sampled_from(("a/1.jpg", "b/1.jpg", "../x", "a" * 300)) | TEXT
ROW = st.tuples(KEY, st.integers(-1, 3), TEXT)
GENERATED = st.fixed_dictionaries(
    {"train": st.lists(ROW, max_size=4), "test": st.lists(ROW, max_size=4)},
    optional={"val": st.lists(ROW, max_size=4)},
)


def check(folder: Path, content: bytes) -> None:
    path = folder / "split.json"
    path.write_bytes(content)
    with a_result_or_one_line(folder):
        split = read_split(path)
        items = [*split.train, *split.val, *split.test]
        assert split.train and split.test
        assert {item.label for item in items} == set(range(len(split.class_names)))
        assert len({item.key for item in items}) == len(items)
        for item in items:
            assert (folder / item.key).resolve().is_relative_to(folder.resolve())
        assert len({name.casefold() for name in split.class_names}) == len(split.class_names)
    with a_result_or_one_line(folder):
        read_split(path, folder)
        raise AssertionError("none of the pictures exists")


@given(content=damaged(VALID) | GENERATED | ANY)
def test_any_json(tmp_path: Path, content: Any) -> None:
    check(tmp_path, json.dumps(content).encode())


@given(content=damaged_bytes(json.dumps(VALID).encode()) | st.binary(max_size=60))
def test_any_bytes(tmp_path: Path, content: bytes) -> None:
    check(tmp_path, content)


KEYS = st.lists(st.text(min_size=1, max_size=8), min_size=1, max_size=3).map("/".join)


@given(names=st.lists(TEXT, min_size=1, max_size=4), keys=st.lists(KEYS, min_size=2, max_size=12))
def test_reads_what_it_writes(tmp_path: Path, names: list[str], keys: list[str]) -> None:
    names = names[: len(keys)]  # the file has no classes without pictures
    items = [Item(key, number % len(names)) for number, key in enumerate(keys)]
    path = tmp_path / "split.json"
    try:
        write_split(path, Split(tuple(names), tuple(items[1:]), (), tuple(items[:1])))
        split = read_split(path)
    except (GoproError, UnicodeEncodeError):  # a lone surrogate can't be encoded
        return
    write_split(path, split)
    assert read_split(path) == split
    assert split == Split(tuple(names), tuple(items[1:]), (), tuple(items[:1]))
