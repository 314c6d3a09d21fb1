"""Plain data from files: YAML read safely, and data checked against type hints by pydantic."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, get_args, get_type_hints

import numpy as np
import yaml

if TYPE_CHECKING:
    from pydantic import TypeAdapter

T = TypeVar("T")


def load_yaml(text: str, read: Callable[[str], Any] = yaml.safe_load) -> Any:
    """The value of a YAML text.

    Args:
        text: Without anchors and aliases: with them a few lines can stand for billions of values.
        read: A loader that creates plain data only.

    Raises:
        yaml.YAMLError: For anything wrong with the text.
    """
    try:
        if "*" in text and any(isinstance(event, yaml.AliasEvent) for event in yaml.parse(text)):
            raise yaml.YAMLError("it refers to itself with '*'; wanted plain YAML")
        return read(text)
    except yaml.YAMLError:
        raise
    # PyYAML answers some values ('!!int', 2001-99-99) with other exceptions
    except Exception as error:
        raise yaml.YAMLError(f"{type(error).__name__}: {error}") from error


def as_python(value: Any) -> Any:
    """A NumPy scalar as Python's number; anything else as it is.

    Searches over settings, such as scikit-learn's, pass NumPy scalars.
    """
    return value.item() if isinstance(value, np.generic) else value


def settings_from(kind: type[T], plain: Mapping[str, Any], prefix: str = "") -> T:
    """Make a settings dataclass from plain data.

    Lists become tuples, text becomes a path where one is wanted, and mappings become the nested
    dataclasses.

    Args:
        kind: The dataclass.
        plain: Its values by field; fields left out keep their defaults.
        prefix: Put before the names in error messages, such as ``--``.

    Raises:
        TypeError: For a field that the dataclass doesn't have, or a value of another type.
        GoproError: For a value that the dataclass itself refuses.
    """
    fields = {field.name: field.type for field in dataclasses.fields(kind)}  # type: ignore[arg-type]
    hints = get_type_hints(kind)
    values = {}
    for name, value in plain.items():
        if name not in fields:
            raise TypeError(f"{kind.__name__} has no setting {name!r}")
        hint = hints[name]
        if isinstance(value, Mapping) and dataclasses.is_dataclass(hint):
            value = settings_from(hint, value, f"{prefix}{name}.")  # type: ignore[arg-type]
        elif isinstance(value, list):
            value = tuple(value)
        elif isinstance(value, str) and Path in get_args(hint):
            value = Path(value)
        try:
            check(value, hint)
        except TypeError as error:
            wanted = fields[name]
            raise TypeError(f"got {prefix}{name} {value!r:.60}; wanted {wanted}") from error
        values[name] = value
    return kind(**values)


def check(value: Any, hint: Any) -> None:
    """Check plain data, such as the contents of a JSON file, against a type hint.

    Nothing is converted: text is no number and ``True`` is no 1. A whole number is a float too.

    Args:
        value: The data.
        hint: A type, a union, or a ``TypedDict`` whose bounds are given with ``Annotated``.

    Raises:
        TypeError: With one line about the first fault: where it is, what was got and wanted.
    """
    from pydantic import ValidationError  # takes 0.1 s, which `gopro train --help` can do without

    try:
        _adapter(hint).validate_python(value, strict=True)
    except ValidationError as error:
        fault = error.errors(include_url=False, include_context=False)[0]
        parts = [str(part) for part in fault["loc"]]
        name = ".".join(part if part.isprintable() else repr(part) for part in parts)
        if fault["type"] == "missing":
            raise TypeError(f"{name} is missing") from error
        wanted = fault["msg"][:1].lower() + fault["msg"][1:]
        got = f"{name} {fault['input']!r:.60}".strip()
        raise TypeError(f"got {got}; {wanted}") from error


@lru_cache
def _adapter(hint: Any) -> TypeAdapter[Any]:
    from pydantic import TypeAdapter

    return TypeAdapter(hint)
