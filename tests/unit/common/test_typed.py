"""Plain data: YAML that is refused, and settings of the right kinds."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import pytest
import yaml

from gopro.common.errors import GoproError
from gopro.common.typed import fits, load_yaml, settings_from


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
    ("name", "value"),
    [
        *(("name", 1), ("name", None), ("count", True), ("count", 1.0), ("count", "1")),
        *(("place", 3), ("kind", "z"), ("pair", [1]), ("pair", [1, "x"]), ("pair", 1)),
        *(("layers", [1.5]), ("layers", [True]), ("inner", 1), ("inner", {"share": "x"})),
        *(("inner", {"shar": 1}), ("flag", 1), ("other", 1), (3, 1)),
    ],
)
def test_other_kinds_are_refused(name: Any, value: Any) -> None:
    with pytest.raises(TypeError):
        settings_from(Outer, {name: value})


def test_a_field_that_is_not_there_fits_nothing() -> None:
    assert fits(1, Outer, "count") and not fits(1, Outer, "number")


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
