"""The methods' published settings, a YAML file each: ``gopro train DATASET TASK --config METHOD``.

A file's first lines say the command, the source, and the published result where one is known. The
values are those of the method's ``published`` recipe and of its settings' defaults; a test holds
the two together.
"""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from pathlib import Path

from gopro.common.errors import GoproError

_FOLDER = Path(__file__).parent


def names() -> list[str]:
    """The methods that have a recipe, sorted."""
    return sorted(path.stem for path in _FOLDER.glob("*.yaml"))


def located(arguments: Sequence[str]) -> list[str]:
    """Command-line arguments with each ``--config`` in front, and the file in place of its name.

    In front, so that other options beat the file wherever they stand.

    Raises:
        GoproError: For a word that names neither a file nor a recipe; the nearest is suggested.
    """
    files, rest = [], []
    given = iter(arguments)
    for argument in given:
        option, equals, value = argument.partition("=")
        if option != "--config":
            rest.append(argument)
        elif equals or (value := next(given, "")):
            files.append(f"--config={_file(value)}")
        else:
            rest.append(argument)  # nothing behind it, which the parser says
    return [*files, *rest]


def _file(named: str) -> str:
    path = Path(named)
    if path.suffix or path.name != named or path.is_file():
        return named  # a path; whether it can be read is for its reader to say
    known = names()
    if named in known:
        return str(_FOLDER / f"{named}.yaml")
    near = difflib.get_close_matches(named, known, n=1)
    hint = f"did you mean {near[0]}?" if near else f"recipes: {', '.join(known)}"
    raise GoproError(f"there is no settings file {named!r} and no recipe of that name; {hint}")
