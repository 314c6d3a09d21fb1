"""Answers as a CSV table, one row for each picture."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from gopro.classifier.answers.answer import Answer
from gopro.common.files import write_csv
from gopro.results.pages.formats import neutral


def write(path: Path, answers: Iterable[Answer], most: int) -> None:
    """Write the table.

    Args:
        path: The file.
        answers: Read one by one.
        most: Class names of a row, each with its probability.

    Raises:
        GoproError: When the file can't be written.
    """
    write_csv(path, _rows(answers, most))


def _rows(answers: Iterable[Answer], most: int) -> Iterator[Iterable[str]]:
    """The head, and a row for each answer."""
    more = [f"{column}_{rank}" for rank in range(2, most + 1) for column in _NAMED]
    yield ("picture", *_NAMED, *_TRUST, *more, "sorted_to", "error")
    for answer in answers:
        cells = [cell for name, share in answer.ranked[:most] for cell in (name, f"{share:.6f}")]
        cells += [""] * (2 * most - len(cells))
        trust = (_yes(answer.unknown), _yes(answer.unsure), ", ".join(answer.inside or ()))
        row = (answer.picture, *cells[:2], *trust, *cells[2:], answer.sorted_to, answer.error)
        yield map(neutral, row)


def _yes(value: bool | None) -> str:
    return "" if value is None else "yes" if value else "no"


_NAMED = ("name", "probability")
_TRUST = ("unknown", "unsure", "set")
