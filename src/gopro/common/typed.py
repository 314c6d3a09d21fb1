"""Plain data from files: YAML read safely, and settings made of it, each value of its kind."""

from __future__ import annotations

import dataclasses
import types
from collections.abc import Callable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

import numpy as np
import yaml

T = TypeVar("T")


def load_yaml(text: str, read: Callable[[str], Any] = yaml.safe_load) -> Any:
    """What a YAML text says.

    Args:
        text: Without anchors and references: a few lines of those stand for billions of values.
        read: The reader proper, which builds no objects.

    Raises:
        yaml.YAMLError: For whatever is wrong with the text.
    """
    try:
        if "*" in text and any(isinstance(one, yaml.AliasEvent) for one in yaml.parse(text)):
            raise yaml.YAMLError("it refers to itself with '*'; wanted plain YAML")
        return read(text)
    except yaml.YAMLError:
        raise
    # PyYAML meets odd values ('!!int', 2001-99-99) with almost any exception
    except Exception as error:
        raise yaml.YAMLError(f"{type(error).__name__}: {error}") from error


def as_python(value: Any) -> Any:
    """Python's number for one of NumPy's, as a search over settings gives them."""
    return value.item() if isinstance(value, np.generic) else value


def settings_from(kind: type[T], plain: Mapping[str, Any]) -> T:
    """Settings of a dataclass from plain data, whose lists become tuples and mappings settings.

    Raises:
        TypeError: For a name that the dataclass doesn't have, or a value of another kind.
        GoproError: For a value that the settings themselves refuse.
    """
    given = {}
    whole: type = kind
    for name, value in plain.items():
        hint = _hints(whole).get(name)
        if isinstance(value, Mapping) and dataclasses.is_dataclass(hint):
            value = settings_from(hint, value)  # type: ignore[arg-type]
        elif isinstance(value, list):
            value = tuple(value)
        elif isinstance(value, str) and Path in get_args(hint):
            value = Path(value)
        if not fits(value, kind, name):
            raise TypeError(f"{name!r} is {value!r:.60}")
        given[name] = value
    return kind(**given)


def fits(value: Any, kind: type, name: str) -> bool:
    """Whether a value is of the kind that a dataclass wants for one of its fields."""
    hints = _hints(kind)
    return name in hints and _fits(value, hints[name])


@lru_cache
def _hints(kind: type) -> dict[str, Any]:
    found = get_type_hints(kind)
    return {field.name: found[field.name] for field in dataclasses.fields(kind)}


def _fits(value: Any, hint: Any) -> bool:
    origin, inner = get_origin(hint), get_args(hint)
    if origin in (Union, types.UnionType):
        return any(_fits(value, one) for one in inner)
    if origin is Literal:
        return value in inner
    if origin is tuple:
        kinds = inner[:1] * len(value) if isinstance(value, tuple) and ... in inner else inner
        whole = isinstance(value, tuple) and len(value) == len(kinds)
        return whole and all(map(_fits, value, kinds))
    if hint is float:
        return type(value) in (int, float)
    if hint is Path:
        return isinstance(value, Path)
    return type(value) is hint if isinstance(hint, type) else True
