"""Plain data: YAML that is refused, and settings of the right kinds."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal

import pytest
import yaml
from pydantic import Field
from typing_extensions import TypedDict

from gopro.common.errors import GoproError
from gopro.common.typed import check, load_yaml, settings_from


@dataclass(frozen=True)
class Inner:
    share: float = 0.5


@dataclass(frozen=True)
class Outer:
    name: str = "a"
    count: int | None = None
    place: Path | None = None
    kind: Literal["x", "y"] = "x"
    pair: tuple[float, float] = (0.0, 1.0)
    layers: tuple[int, ...] | None = None
    inner: Inner = field(default_factory=Inner)
    table: dict[str, int] = field(default_factory=dict)
    flag: bool = False

    def __post_init__(self) -> None:
        if self.name == "bad":
            raise GoproError("got bad")


def test_plain_data_become_settings() -> None:
    plain: dict[str, Any] = {"name": "b", "count": 3, "place": "a/b", "kind": "y", "pair": [1, 2.5]}
    plain |= {"layers": [1, 2], "inner": {"share": 1}, "flag": True, "table": {"a": 1}}
    made = settings_from(Outer, plain)
    assert made == Outer("b", 3, Path("a/b"), "y", (1, 2.5), (1, 2), Inner(1), {"a": 1}, True)
    assert settings_from(Outer, {}) == Outer()
    assert settings_from(Outer, {"count": None, "place": None, "layers": []}).layers == ()
    with pytest.raises(GoproError, match="got bad"):
        settings_from(Outer, {"name": "bad"})


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("name", 1, "got --name 1; wanted str"),
        ("name", None, "got --name None; wanted str"),
        ("count", True, "got --count True; wanted int | None"),
        ("count", 1.0, "got --count 1.0; wanted int"),
        ("count", "1", "got --count '1'; wanted int"),
        ("place", 3, "got --place 3; wanted Path | None"),
        ("kind", "z", "got --kind 'z'; wanted Literal"),
        ("pair", [1], "wanted tuple[float, float]"),
        ("pair", [1, "x"], "got --pair (1, 'x'); wanted tuple[float, float]"),
        ("pair", 1, "got --pair 1; wanted tuple"),
        ("layers", [1.5], "got --layers (1.5,); wanted tuple[int, ...]"),
        ("layers", [True], "wanted tuple[int, ...] | None"),
        ("inner", 1, "got --inner 1; wanted Inner"),
        ("inner", {"share": "x"}, "got --inner.share 'x'; wanted float"),
        ("inner", {"shar": 1}, "Inner has no setting 'shar'"),
        ("flag", 1, "got --flag 1; wanted bool"),
        ("other", 1, "Outer has no setting 'other'"),
        (3, 1, "Outer has no setting 3"),
    ],
)
def test_other_types_are_refused(name: Any, value: Any, words: str) -> None:
    with pytest.raises(TypeError) as caught:
        settings_from(Outer, {name: value}, prefix="--")
    assert words in str(caught.value)


class Record(TypedDict):
    names: list[str]
    share: Annotated[float, Field(ge=0, le=1)]


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ({"names": ["a"]}, "share is missing"),
        ({"names": ["a", 1], "share": 0.5}, "got names.1 1; input should be a valid string"),
        ({"names": [], "share": 2}, "got share 2; input should be less than or equal to 1"),
        ({"names": [], "share": True}, "got share True; input should be a valid number"),
        ([], "got []; input should be a valid dictionary"),
    ],
)
def test_the_first_fault_is_named(value: Any, words: str) -> None:
    with pytest.raises(TypeError, match=f"^{re.escape(words)}$"):
        check(value, Record)
    check({"names": ["a"], "share": 1, "more": 2}, Record)


def test_the_fault_is_one_line() -> None:
    with pytest.raises(TypeError) as caught:
        check({"a\nb": {"c": "\n"}}, dict[str, dict[str, int]])
    assert str(caught.value) == r"got 'a\nb'.c '\n'; input should be a valid integer"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a: &a [*a]", "refers to itself"),
        ("a: &a 1\nb: *a", "refers to itself"),
        ("a: [", "expected"),
        ("a: !!int ''", "IndexError"),
        ("a: !!timestamp x", "AttributeError"),
        ("a: 2001-99-99", "ValueError"),
        ("a: !!python/name:os.system", "could not determine a constructor"),
        ("[" * 5000, "RecursionError"),
    ],
)
def test_yaml_that_is_refused(text: str, words: str) -> None:
    with pytest.raises(yaml.YAMLError, match=words):
        load_yaml(text)


def test_stars_in_texts_are_none() -> None:
    assert load_yaml("a: '*.jpg'\nb: 2 * 3") == {"a": "*.jpg", "b": "2 * 3"}
    assert load_yaml("x", read=str.upper) == "X"
