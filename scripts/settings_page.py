"""The page of all settings, made from their dataclasses: name, type, default and help text."""

from __future__ import annotations

import dataclasses
import re
from typing import Any

from docstring_parser import parse_from_object

from gopro.methods import TABLE, find
from gopro.training.config import TrainSettings, ViewSettings

_HEAD = """# Settings

Every setting is an option of `gopro train` (`--shots 4`), a key of a YAML file for `--config`, and
recorded in the run folder. `gopro train --help-all` prints the same in a terminal.

The settings of `gopro fit` are the arguments of
[PromptClassifier](api.md#gopro.PromptClassifier), and those of a method: `--gopro.n_ctx 8` on the
command line, `options={"n_ctx": 8}` in Python.

The site builds this page from the dataclasses of the settings.
"""

_LITERAL = re.compile(r"Literal\[(.+)\]")


def settings() -> str:
    """The page as Markdown."""
    parts = [
        _HEAD,
        "## Of a run\n\n`gopro train DATASET TASK` takes the first two without a dash.\n",
        table(TrainSettings, "--"),
        "## Of the augmented views\n",
        table(ViewSettings, "--views."),
        "## Of each method\n\n[The methods](methods.md) says what each learns and where its "
        "defaults come from.\n",
    ]
    for name in sorted(TABLE):
        method = find(name)
        about = f"{method.about[0].upper()}{method.about[1:]} ({method.paper})."
        parts += [f"### {name}\n\n{about}\n", table(method.Settings, f"--{name}.")]
    return "\n".join(parts)


def table(kind: Any, prefix: str) -> str:
    """A table with one row for each field of a settings dataclass.

    Args:
        kind: The dataclass; the docstrings of its fields are the help texts.
        prefix: Of the option on the command line, such as ``--views.``.
    """
    help_texts = {
        field.arg_name: field.description or ""
        for base in reversed(kind.__mro__[:-1])  # fields may be inherited, with their help
        for field in parse_from_object(base).params
    }
    rows = ["| option | type | default | meaning |", "|---|---|---|---|"]
    for field in dataclasses.fields(kind):
        if dataclasses.is_dataclass(field.default_factory):
            continue  # has a table of its own
        cells = (f"`{prefix}{field.name}`", _type(field), _default(field), help_texts[field.name])
        rows.append(f"| {' | '.join(' '.join(cell.split()) for cell in cells)} |")
    return "\n".join(rows) + "\n" if len(rows) > 2 else "No settings of its own.\n"


def _type(field: Any) -> str:
    """The type of a field as in the source; the choices if it is a ``Literal``."""
    text = str(field.type).removesuffix(" | None")
    choice = _LITERAL.fullmatch(text)
    if choice:
        return ", ".join(f"`{word[1:-1]}`" for word in choice[1].split(", "))
    return f"`{text}`"


def _default(field: Any) -> str:
    value = field.default
    if value is dataclasses.MISSING:
        value = field.default_factory()
    if value is None or value == "":
        return ""
    shown = str(value).lower() if isinstance(value, bool) else value
    return f"`{list(shown) if isinstance(shown, tuple) else shown}`"
