"""Settings dataclasses as command-line options, through jsonargparse."""

from __future__ import annotations

import dataclasses
import difflib
import re
from collections.abc import Sequence
from functools import partial
from typing import Any, NoReturn

import jsonargparse
import yaml

from gopro.common.errors import GoproError
from gopro.common.typed import fits, load_yaml
from gopro.methods.configs import located

jsonargparse.set_parsing_settings(docstring_parse_attribute_docstrings=True)
_read = partial(load_yaml, read=jsonargparse.get_loader("yaml"))
jsonargparse.set_loader("yaml", _read, exceptions=(yaml.YAMLError,))


class Parser(jsonargparse.ArgumentParser):
    """An argument parser whose complaints are one line, with the nearest option suggested."""

    def __init__(self, **options: Any) -> None:
        """As argparse, but options must be written out: a slip shall not be taken for another."""
        super().__init__(allow_abbrev=False, **options)

    def error(self, message: str, ex: Exception | None = None) -> NoReturn:
        """Raise what argparse would print."""
        line = " ".join(message.split())
        line = re.sub(r"Group '(\S+)' does not accept option '", r"Option '\1.", line)
        unknown = re.search(
            r"(?:unrecognized arguments: --|does not accept option --|Option ')([\w.\-]+)", line
        )
        if unknown:
            options = [text for action in self._actions for text in action.option_strings]
            near = difflib.get_close_matches(f"--{unknown[1]}", options, n=1)
            hint = f"did you mean {near[0]}?" if near else f"see `{self.prog} --help`"
            raise GoproError(f"there is no option --{unknown[1]}; {hint}")
        raise GoproError(f"{_plain(line)}; see `{self.prog} --help`")


def _plain(line: str) -> str:
    """A complaint about a value's type in the words of the other messages."""
    line = re.sub(r"<class '(\w+)'>", r"\1", line).replace("NoneType", "null")
    line = re.sub(r"typing\.Literal\[(.+?)\]", r"one of \1", line)
    one = re.search(r'Parser key "([\w.]+)": Expected an? (.+?)\. Got value: (.*)', line)
    several = re.search(
        r'Parser key "([\w.]+)": Does not validate .*? Subtypes: \[(.+?)\] Errors: .*? '
        r"Given value: (.*)",
        line,
    )
    found = one or several
    return f"got --{found[1]} {found[3]}; wanted {found[2]}" if found else line


def build(kind: Any, values: Any) -> Any:
    """Make a settings dataclass from parsed values, nested dataclasses included.

    Raises:
        GoproError: For a value of another kind, or something else in place of all of them, which
            files may say.
    """
    if not isinstance(values, (jsonargparse.Namespace, dict)):
        got = "null" if values is None else f"{values!r:.60}"
        raise GoproError(f"got {got} for {kind.__name__}; wanted its values, or nothing at all")
    given = {}
    for field in dataclasses.fields(kind):
        value = values[field.name]
        nested: Any = field.default_factory
        if dataclasses.is_dataclass(nested):
            value = build(nested, value)
        value = tuple(value) if isinstance(value, list) else value
        if not fits(value, kind, field.name):
            raise GoproError(f"got --{field.name} {value!r:.60}; wanted {field.type}")
        given[field.name] = value
    return kind(**given)


def parse(parser: Parser, arguments: Sequence[str]) -> Any:
    """Parse, with every complaint as a ``GoproError``."""
    try:
        return parser.parse_args(located(arguments))
    except UnicodeDecodeError as error:
        raise GoproError("the --config file is no text in UTF-8; wanted YAML") from error
    except RecursionError as error:
        raise GoproError("the --config file refers to itself; wanted plain YAML") from error
    except (jsonargparse.ArgumentError, TypeError, ValueError) as error:
        parser.error(str(error))


def names(values: Any, option: str) -> list[str]:
    """The words between commas, each once.

    Raises:
        GoproError: When there are none.
    """
    found = [word.strip() for word in values[option].split(",") if word.strip()]
    if not found:
        raise GoproError(f"got empty --{option}; wanted words with commas between")
    return list(dict.fromkeys(found))


def numbers(values: Any, option: str) -> list[int]:
    """The numbers between commas, each once.

    Raises:
        GoproError: When there are none, or something else stands there.
    """
    found = names(values, option)
    wrong = [word for word in found if not word.isdecimal()]
    if wrong:
        raise GoproError(f"got --{option} {wrong[0]}; wanted whole numbers with commas between")
    return [int(word) for word in found]
