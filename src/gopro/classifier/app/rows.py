"""What is asked about pictures and what is answered, as data, JSON and CSV."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from gopro.classifier.confidence.judgement import NONE, UNSURE
from gopro.classifier.explain.explanation import Answer
from gopro.results.pages.formats import neutral


@dataclass(frozen=True)
class Row:
    """One picture: its name and its answers, best first, or the error if it can't be read.

    Attributes:
        picture: The file's name.
        answers: The most likely names.
        error: Why it can't be read.
        unknown: Whether it is of no known class; None if the model can't tell.
        unsure: Whether the best answer is below the chosen confidence; None if none was chosen.
        inside: The names in its conformal set; None if no sets were asked for.
    """

    picture: str
    answers: tuple[Answer, ...] = ()
    error: str = ""
    unknown: bool | None = None
    unsure: bool | None = None
    inside: tuple[str, ...] | None = None

    @property
    def mark(self) -> str:
        """``NONE``, ``UNSURE`` or nothing."""
        return NONE if self.unknown else UNSURE if self.unsure else ""


@dataclass(frozen=True)
class Wanted:
    """What is asked about pictures.

    Attributes:
        top: How many class names.
        confidence: Answers with a smaller share are unsure; None to mark none.
        sets: Probability with which a set of names holds the right one; None for no sets.
    """

    top: int = 5
    confidence: float | None = None
    sets: float | None = None


def as_json(rows: Sequence[Row]) -> str:
    """Rows as JSON text."""
    return json.dumps({"answers": [as_dict(row) for row in rows]}, indent=2, ensure_ascii=False)


def as_dict(row: Row) -> dict[str, object]:
    """A row as plain data, with ``error`` or ``answers`` and what is known of their confidence."""
    if row.error:
        return {"picture": row.picture, "error": row.error}
    answers = [asdict(answer) for answer in row.answers]
    marks = {"unknown": row.unknown, "unsure": row.unsure, "set": row.inside}
    given = {name: value for name, value in marks.items() if value is not None}
    return {"picture": row.picture, "answers": answers, **given}


def as_csv(rows: Sequence[Row]) -> str:
    """Rows as CSV, one line per answer; no cell acts as a formula in a spreadsheet."""
    file = io.StringIO()
    writer = csv.writer(file)
    writer.writerow(["picture", "rank", "name", "probability", "zero_shot", "mark", "error"])
    for row in rows:
        if row.error:
            writer.writerow([neutral(row.picture), *5 * [""], neutral(row.error)])
        for rank, answer in enumerate(row.answers, start=1):
            figures = (f"{answer.probability:.6f}", f"{answer.zero_shot:.6f}")
            writer.writerow(
                [neutral(row.picture), rank, neutral(answer.name), *figures, row.mark, ""]
            )
    return file.getvalue()
