"""The methods' training recipes, one YAML file each.

``published/METHOD.yaml`` has the published recipe; its first lines name the command, the source and
the published result. ``gopro train DATASET TASK --config METHOD`` runs it. ``BACKBONE/METHOD.yaml``
has the values that differ on one backbone, such as mini. ``METHOD-VARIANT.yaml`` is the recipe of a
method's variant, where it has its own. All other settings have the defaults of their dataclasses.
"""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

from gopro.common.errors import GoproError
from gopro.common.typed import load_yaml

_FOLDER = Path(__file__).parent
_PUBLISHED = "published"


def files() -> list[Path]:
    """The files of the published recipes, sorted by method."""
    return sorted((_FOLDER / _PUBLISHED).glob("*.yaml"))


def values(method: str, backbone: str = _PUBLISHED, variant: str | None = None) -> dict[str, Any]:
    """A method's published values, replaced by those of the backbone; empty without any file.

    Those of a variant that has its own files come last.
    """
    folders = dict.fromkeys((_PUBLISHED, backbone))
    names = [method] if variant is None else [method, f"{method}-{variant}"]
    return {
        name: value
        for file in names
        for folder in folders
        for name, value in _read(_FOLDER / folder / f"{file}.yaml").items()
    }


@lru_cache(maxsize=128)
def _read(path: Path) -> dict[str, Any]:
    return dict(load_yaml(path.read_text(encoding="utf-8"))) if path.is_file() else {}


def located(arguments: Sequence[str]) -> list[str]:
    """Move each ``--config`` to the front, and replace the name of a recipe by its file.

    In front, so that other options override the file wherever they stand.

    Raises:
        GoproError: For a word that names neither a file nor a recipe; the nearest is suggested.
    """
    paths, rest = [], []
    remaining = iter(arguments)
    for argument in remaining:
        option, equals, value = argument.partition("=")
        if option != "--config":
            rest.append(argument)
        elif equals or (value := next(remaining, "")):
            paths.append(f"--config={_path(value)}")
        else:
            rest.append(argument)  # the value is missing; the parser reports it
    return [*paths, *rest]


def _path(value: str) -> str:
    path = Path(value)
    if path.suffix or path.name != value or path.is_file():
        return value  # a path; its reader reports one that can't be read
    recipes = {file.stem: file for file in files()}
    if value in recipes:
        return str(recipes[value])
    similar = difflib.get_close_matches(value, recipes, n=1)
    hint = f"did you mean {similar[0]}?" if similar else f"recipes: {', '.join(recipes)}"
    raise GoproError(f"there is no settings file {value!r} and no recipe of that name; {hint}")
