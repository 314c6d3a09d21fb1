"""Settings dataclasses as command-line options, through jsonargparse."""

from __future__ import annotations

import dataclasses
import difflib
import re
from collections.abc import Sequence
from typing import Any, NoReturn

import jsonargparse

from gopro.errors import GoproError

jsonargparse.set_parsing_settings(docstring_parse_attribute_docstrings=True)


class Parser(jsonargparse.ArgumentParser):
    """An argument parser whose complaints are one line, with the nearest option suggested."""

    def error(self, message: str, ex: Exception | None = None) -> NoReturn:
        """Raise what argparse would print."""
        line = " ".join(message.split())
        unknown = re.search(
            r"(?:unrecognized arguments:|does not accept option) (--[\w.\-]+)", line
        )
        if unknown:
            options = [text for action in self._actions for text in action.option_strings]
            near = difflib.get_close_matches(unknown[1], options, n=1)
            hint = f"did you mean {near[0]}?" if near else f"see `{self.prog} --help`"
            raise GoproError(f"there is no option {unknown[1]}; {hint}")
        raise GoproError(f"{line}; see `{self.prog} --help`")


def build(kind: Any, values: Any) -> Any:
    """Make a settings dataclass from parsed values, nested dataclasses included."""
    given = {}
    for field in dataclasses.fields(kind):
        value = values[field.name]
        nested: Any = field.default_factory
        if dataclasses.is_dataclass(nested):
            value = build(nested, value)
        given[field.name] = tuple(value) if isinstance(value, list) else value
    return kind(**given)


def parse(parser: Parser, arguments: Sequence[str]) -> Any:
    """Parse, with every complaint as a ``GoproError``."""
    try:
        return parser.parse_args(list(arguments))
    except (jsonargparse.ArgumentError, TypeError, ValueError) as error:
        parser.error(str(error))
