"""Command-line options made from settings dataclasses by jsonargparse."""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import difflib
import re
from collections.abc import Callable, Collection, Iterable, Sequence
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any, NoReturn

import jsonargparse
import yaml

from gopro.common.errors import GoproError
from gopro.common.files import expanded
from gopro.common.typed import load_yaml, settings_from
from gopro.methods import TABLE, find
from gopro.methods.configs import located

jsonargparse.set_parsing_settings(docstring_parse_attribute_docstrings=True)
_read = partial(load_yaml, read=jsonargparse.get_loader("yaml"))
jsonargparse.set_loader("yaml", _read, exceptions=(yaml.YAMLError,))


class Parser(jsonargparse.ArgumentParser):
    """An argument parser whose errors are one line, with the nearest option suggested.

    Attributes:
        given: The words that are parsed.
    """

    def __init__(self, *, common: Collection[str] = (), **options: Any) -> None:
        """As in argparse, but options can't be abbreviated: a typing error could match another.

        Args:
            common: Names of the options that ``--help`` shows; ``--help-all`` shows all. Empty
                for a command whose options are few.
            options: See argparse.
        """
        self._common = common  # before argparse adds --help
        self.given: Sequence[str] = ()
        if common:
            options["epilog"] = f"All options: {options['prog']} --help-all"
        super().__init__(allow_abbrev=False, **options)
        if common:
            self.add_argument("--help-all", action=_HelpAll, help="show all options and exit")

    def format_help(self, *formatter: Any) -> str:
        """The help text, of the common options if these were named."""
        if not self._common:
            return super().format_help(*formatter)
        groups, helps = self._action_groups, {action: action.help for action in self._actions}
        shown = {*self._common, "help", "help_all", "config"}
        try:
            for action in self._actions:
                if action.option_strings and action.dest not in shown:
                    action.help = argparse.SUPPRESS
            self._action_groups = [
                group
                for group in groups
                if any(action.help != argparse.SUPPRESS for action in group._group_actions)
            ]
            return super().format_help(*formatter)
        finally:
            self._action_groups = groups
            for action, text in helps.items():
                action.help = text

    def methods(self, names: Iterable[str]) -> None:
        """Add the settings of methods, each under the method's name."""
        for name in names:
            self.add_class_arguments(find(name).Settings, name)

    def option(self, name: str, kind: Any, default: Any, about: str) -> None:
        """Add an option with a value."""
        self.add_argument(name, type=kind, default=default, help=about)

    def corrections(self) -> None:
        """Add the tables of corrected labels."""
        self.add_argument(
            "--corrections",
            type=Path,
            nargs="+",
            default=[],
            metavar="FILE",
            help="labels from the page of gopro predict --review: CSV tables",
        )

    def flag(self, name: str, about: str) -> None:
        """Add an option without a value."""
        self.add_argument(name, action="store_true", help=about)

    def error(self, message: str, ex: Exception | None = None) -> NoReturn:
        """Raise a ``GoproError`` where argparse would print and exit.

        jsonargparse describes faults in text only, so names and values are read from its messages.
        """
        line = " ".join(message.split())
        line = re.sub(r"Group '(\S+)' does not accept option '", r"Option '\1.", line)
        unknown = re.search(
            r"(?:unrecognized arguments: --|does not accept option --|Option ')([\w.\-]+)", line
        )
        if unknown:
            options = [text for action in self._actions for text in action.option_strings]
            group, dot, _ = unknown[1].partition(".")
            own = [text for text in options if dot and text.startswith(f"--{group}.")]
            cutoff = 0.75 if own else 0.6  # names of a group begin alike
            similar = difflib.get_close_matches(f"--{unknown[1]}", own or options, 1, cutoff)
            hint = f"wanted one of {', '.join(own)}" if own else f"see `{self.prog} --help`"
            hint = f"did you mean {similar[0]}?" if similar else hint
            raise GoproError(f"there is no option --{unknown[1]}; {hint}")
        if extra := re.search(r"unrecognized arguments: ([^-].*)", line):
            raise GoproError(
                f"got {extra[1]}, more than the command takes; put a name with spaces into quotes, "
                f'as in "my photographs" (see `{self.prog} --help`)'
            )
        several = {text for a in self._actions if a.nargs == "+" for text in a.option_strings}
        greedy = [word for word in self.given if word in several]
        if greedy and "arguments are required" in line:
            line += f"; name them before {greedy[0]}, which takes all words that follow it"
        raise GoproError(f"{_plain(line)}; see `{self.prog} --help`")


class _HelpAll(argparse.Action):
    """Prints the help text of all options."""

    def __init__(self, option_strings: Sequence[str], dest: str, help: str) -> None:
        super().__init__(
            option_strings, dest=argparse.SUPPRESS, default=argparse.SUPPRESS, nargs=0, help=help
        )

    def __call__(self, parser: Any, *_: Any) -> None:
        parser._common, parser.epilog = (), None
        parser.print_help()
        parser.exit()


def _plain(line: str) -> str:
    """A message about a value of the wrong type, in the form of gopro's own messages."""
    line = re.sub(r"<class '(\w+)'>", r"\1", line).replace("NoneType", "null")
    line = re.sub(r"typing\.Literal\[(.+?)\]", r"one of \1", line)
    single = re.search(r'Parser key "([\w.]+)": Expected an? (.+?)\. Got value: (.*)', line)
    union = re.search(
        r'Parser key "([\w.]+)": Does not validate .*? Subtypes: \[(.+?)\] Errors: .*? '
        r"Given value: (.*)",
        line,
    )
    match = single or union
    if not match:
        return line
    wanted = re.sub(r"^null, (.+)", r"\1, null", match[2])  # older jsonargparse has it first
    return f"got --{match[1]} {match[3]}; wanted {wanted}"


def build(kind: Any, values: Any) -> Any:
    """Make a settings dataclass, with its nested dataclasses, from parsed values.

    Raises:
        GoproError: For a value of the wrong type. A file can also have something else in place of
            the whole group of values.
    """
    if not isinstance(values, (jsonargparse.Namespace, dict)):
        got = "null" if values is None else f"{values!r:.60}"
        raise GoproError(f"got {got} for {kind.__name__}; wanted its settings by name, or nothing")
    plain = jsonargparse.Namespace(**values).as_dict()  # type: ignore[no-untyped-call]
    fields = {field.name: plain[field.name] for field in dataclasses.fields(kind)}
    try:
        return settings_from(kind, fields, prefix="--")
    except TypeError as error:
        raise GoproError(str(error)) from error


def parse(parser: Parser, arguments: Sequence[str]) -> Any:
    """Parse the words of a command line; every fault raises a ``GoproError``.

    In paths, ``~`` is the home folder: a shell doesn't replace it in ``--out=~/model``.
    """
    parser.given = arguments
    try:
        values = parser.parse_args(located(arguments))
        for key, value in list(values.items()):
            if isinstance(value, Path):
                values[key] = expanded(value)
            elif isinstance(value, list):
                values[key] = [expanded(x) if isinstance(x, Path) else x for x in value]
        return values
    except UnicodeDecodeError as error:
        raise GoproError("the --config file is no text in UTF-8; wanted YAML") from error
    except RecursionError as error:
        raise GoproError("the --config file refers to itself; wanted plain YAML") from error
    except (jsonargparse.ArgumentError, TypeError, ValueError) as error:
        parser.error(str(error))


def parse_methods(make: Callable[[Iterable[str]], Parser], arguments: Sequence[str]) -> Any:
    """Parse a command line with the settings of the methods that it names.

    Those of all methods take most of a second. They are needed for settings files and help, and for
    what is wrong: the nearest option may be another method's.

    Args:
        make: Makes the parser, with the settings of these methods.
        arguments: As ``parse``; ``--method`` or ``--methods`` names the methods.
    """
    few = _named_methods(arguments)
    if few:
        with contextlib.suppress(GoproError):
            return parse(make(few), arguments)
    return parse(make(TABLE), arguments)


def _named_methods(arguments: Sequence[str]) -> list[str]:
    """The methods whose settings a command line can need; empty if these may be any."""
    given = {}
    for word, following in pairwise([*arguments, ""]):
        option, equals, value = word.partition("=")
        given[option] = value if equals else following
    if given.keys() & {"--config", "--help-all", "--print_config"}:
        return []
    asked = ",".join(given[option] for option in ("--method", "--methods") if option in given)
    methods = {name.strip() for name in asked.split(",")}
    if not methods <= TABLE.keys():
        return []
    groups = {option.removeprefix("--").partition(".")[0] for option in given}
    return [name for name in TABLE if name in methods | groups]


def at_least_one(values: Any, *options: str) -> None:
    """Check that options with whole numbers, where they are given, are 1 or more.

    Raises:
        GoproError: When one isn't.
    """
    for option in options:
        if values[option] is not None and values[option] < 1:
            raise GoproError(f"got --{option} {values[option]}; it must be 1 or more")


def names(values: Any, option: str) -> list[str]:
    """The words of a comma-separated option, without duplicates.

    Raises:
        GoproError: When there are none.
    """
    words = [word.strip() for word in values[option].split(",") if word.strip()]
    if not words:
        raise GoproError(f"got empty --{option}; wanted words with commas between")
    return list(dict.fromkeys(words))


def numbers(values: Any, option: str) -> list[int]:
    """The numbers of a comma-separated option, without duplicates.

    Raises:
        GoproError: When there are none, or a word is no whole number.
    """
    words = names(values, option)
    wrong = [word for word in words if not word.isdecimal()]
    if wrong:
        raise GoproError(f"got --{option} {wrong[0]}; wanted whole numbers with commas between")
    return [int(word) for word in words]
