"""Answer many pictures, and make a table, class folders and a page for review of the answers."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from gopro.classifier.answers import review, table
from gopro.classifier.answers.answer import Answer, Asked, answer_each
from gopro.classifier.answers.folders import ClassFolders
from gopro.classifier.answers.log import is_begun, kept
from gopro.classifier.judging import Judging
from gopro.common.errors import GoproError
from gopro.common.progress import bar


@dataclass(frozen=True)
class Outputs:
    """What to make of the answers.

    Attributes:
        table: A new CSV table.
        folder: A folder for class folders.
        link: Whether these get links instead of copies.
        review: Number of pictures on the page for review.
        page: That page, a new file.
    """

    table: Path | None = None
    folder: Path | None = None
    link: bool = False
    review: int | None = None
    page: Path = Path("review.html")

    @property
    def result(self) -> Path | None:
        """The first thing to make; the unfinished answers are kept beside it."""
        return self.table or self.folder or (self.page if self.review else None)

    def check(self, given: Iterable[str], paths: Iterable[str]) -> None:
        """Check the places before any work.

        Args:
            given: The pictures and folders to answer.
            paths: All pictures.

        Raises:
            GoproError: For a file that is there already and isn't of an unfinished command, or a
                folder inside the pictures.
        """
        files = [self.table, self.page if self.review else None]
        assert self.result is not None
        for path in files:
            if path is not None and path.exists() and not is_begun(self.result):
                raise GoproError(f"{path} is there already; choose another place, or remove it")
        if self.folder is None:
            return
        if self.folder.exists() and not self.folder.is_dir():
            raise GoproError(f"{self.folder} is a file; choose another folder to sort into")
        folder = self.folder.resolve()
        for name in given:
            if Path(name).is_dir() and folder.is_relative_to(Path(name).resolve()):
                raise GoproError(
                    f"{self.folder} is inside the pictures {name}; choose a folder outside of them"
                )
        for parent in {Path(path).parent for path in paths}:
            if parent.resolve().is_relative_to(folder):
                raise GoproError(
                    f"{self.folder} has some of the pictures ({parent}); choose another folder"
                )


@dataclass(frozen=True)
class Made:
    """How many pictures got each class name or mark instead, and how many are unreadable or also
    in the folder of another answer."""

    names: Counter[str]
    marks: Counter[str]
    unreadable: int
    elsewhere: int


def make(
    classifier: Judging,
    paths: Sequence[str],
    outputs: Outputs,
    about: Mapping[str, Any],
    asked: Asked,
) -> Made:
    """Answer pictures and make the outputs; continues where a call was stopped.

    Answers of that call to pictures that aren't among ``paths`` are not used.

    Args:
        classifier: Fitted.
        paths: The pictures, each once.
        outputs: What to make.
        about: What the answers depend on.
        asked: What an answer shall have.

    Raises:
        GoproError: For sets or class folders that can't be made, or when something can't be
            written.
        KeyboardInterrupt: After Ctrl-C; it says that the same command continues.
    """
    names = classifier.class_names_
    assert outputs.result is not None
    classifier.set_limit(asked.sets)  # refuses before there is a file
    sorting = folders = None
    if outputs.folder is not None:
        sorting = [str(outputs.folder), outputs.link]
        folders = ClassFolders(outputs.folder, names, link=outputs.link)
    page = [outputs.review, str(outputs.page)] if outputs.review else None
    about = {**about, **asdict(asked), "top": asked.kept, "sorting": sorting, "review": page}
    wanted = set(paths)
    with kept(outputs.result, about) as log:
        answered = log.pictures() & wanted
        remaining = [path for path in paths if path not in answered]
        try:
            with bar("predicting", len(answered) + len(remaining), len(answered)) as advance:
                answers = answer_each(classifier, remaining, asked)
                if folders is not None:
                    answers = folders.sort_each(answers)
                for answer in log.add(answers):
                    if answer.error:
                        print(f"gopro: {answer.error}", file=sys.stderr)
                    advance("")
            if outputs.review:
                chosen = review.choose(log.answers(wanted), outputs.review, classifier.embeddings)
                review.write(outputs.page, chosen, names, "What is in these pictures?")
            if outputs.table is not None:
                table.write(outputs.table, log.answers(wanted), asked.top)
            return _counted(log.answers(wanted))
        except KeyboardInterrupt as stop:
            raise KeyboardInterrupt("stopped; the same command continues") from stop


def _counted(answers: Iterable[Answer]) -> Made:
    names: Counter[str] = Counter()
    marks: Counter[str] = Counter()
    unreadable = elsewhere = 0
    for answer in answers:
        elsewhere += answer.elsewhere
        if answer.error:
            unreadable += 1
        elif answer.mark:
            marks[answer.mark] += 1
        else:
            names[answer.ranked[0][0]] += 1
    return Made(names, marks, unreadable, elsewhere)
