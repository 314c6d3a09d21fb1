"""Sentences about each class, such as a language model's: a JSON file, class name -> sentences."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from gopro.common.errors import GoproError
from gopro.common.files import expanded
from gopro.common.text import name_key


def read_texts(file: str | Path, names: Sequence[str]) -> list[tuple[str, ...]]:
    """The sentences about each of some classes, in their order.

    Args:
        file: As CuPL's: each class name with a list of sentences. Names match by
            ``name_key``: underscores are spaces, and capitals make no difference.
        names: Class names.

    Raises:
        GoproError: If the file can't be used, or a class has no sentences.
    """
    sentences = {name_key(name): rows for name, rows in load_texts(expanded(file)).items()}
    rows = []
    for name in names:
        found = sentences.get(name_key(name))
        if found is None:
            raise GoproError(
                f"{file} has no sentences about the class {name!r}; add a list of them, or leave "
                "out --texts"
            )
        rows.append(found)
    return rows


def check_texts(file: str | Path, names: Sequence[str]) -> None:
    """Check that a file has sentences about these classes and no others.

    Args:
        file: See ``read_texts``.
        names: The names of all classes that a run trains and tests on.

    Raises:
        GoproError: If not; a name that is no class is most likely misspelled.
    """
    known = {name_key(name): name for name in names}
    for name in load_texts(expanded(file)):
        key = name_key(name)
        if key not in known:
            similar = difflib.get_close_matches(key, known, n=1)
            hint = f"did you mean {known[similar[0]]!r}?" if similar else "remove it"
            raise GoproError(f"{file} has sentences about {name!r}, which is no class here; {hint}")
    read_texts(file, names)


def load_texts(path: Path) -> dict[str, tuple[str, ...]]:
    """All sentences of a file by class name, as the file spells it.

    Raises:
        GoproError: If the file can't be used, or has two lists for a name (``name_key``).
    """
    wanted = "wanted JSON: a list of sentences for each class name"
    try:
        text = path.read_text(encoding="utf-8")
        content: Any = json.loads(text, object_pairs_hook=lambda rows: _each_once(rows, path))
    except (OSError, ValueError, RecursionError) as error:
        raise GoproError(f"can't read texts from {path} ({error}); {wanted}") from error
    if not isinstance(content, dict):
        raise GoproError(f"{path} holds a {type(content).__name__}; {wanted}")
    for name, rows in content.items():
        good = isinstance(rows, list) and rows and all(isinstance(row, str) for row in rows)
        if not good or not all(row.strip() for row in rows):
            raise GoproError(f"{path} has no list of sentences at {name!r}; {wanted}")
    return {name: tuple(rows) for name, rows in content.items()}


def save_texts(texts: Mapping[str, Sequence[str]], path: Path) -> None:
    """Write what ``load_texts`` reads."""
    path.write_text(json.dumps(texts, indent=1, ensure_ascii=False), encoding="utf-8")


def _each_once(rows: Iterable[tuple[str, Any]], path: Path) -> dict[str, Any]:
    """What JSON makes of an object, which would keep the last of two equal names."""
    names: dict[str, str] = {}
    content = {}
    for name, row in rows:
        other = names.setdefault(name_key(name), name)
        if other in content:
            raise GoproError(
                f"{path} has sentences at {other!r} and at {name!r}, the same class name; put "
                "them into one list"
            )
        content[name] = row
    return content
