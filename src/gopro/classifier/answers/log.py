"""The answers of an unfinished command, kept so that the same command continues."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterable, Iterator, Mapping, Set
from dataclasses import asdict
from pathlib import Path
from typing import IO, Any

from gopro.classifier.answers.answer import Answer
from gopro.common.errors import GoproError
from gopro.common.files import write_error
from gopro.common.locks import locked

_FLUSHED = 64
"""Answers that a killed process loses at most."""


class AnswerLog:
    """A file with one JSON line for each answer, after a line that says whose answers they are."""

    def __init__(self, path: Path, about: str) -> None:
        """Open or begin the file; see ``kept``."""
        self.path = path
        try:
            self._begin(about)
        except OSError as error:
            raise write_error(error, path) from error

    def pictures(self) -> set[str]:
        """The pictures that are answered already."""
        return {answer.picture for answer in self.answers()}

    def answers(self, pictures: Set[str] | None = None) -> Iterator[Answer]:
        """All answers, or those to some pictures, in the order in which they were added.

        Raises:
            GoproError: When the file is damaged.
        """
        with self.path.open(encoding="utf-8") as file:
            next(file)
            for line in file:
                try:
                    row = json.loads(line)
                    ranked = tuple((name, share) for name, share in row.pop("ranked"))
                    inside = row.pop("inside")
                    inside = None if inside is None else tuple(inside)
                    answer = Answer(**row, ranked=ranked, inside=inside)
                except (ValueError, TypeError, KeyError) as error:
                    raise GoproError(f"{self.path} is damaged; remove it to start again") from error
                if pictures is None or answer.picture in pictures:
                    yield answer

    def add(self, answers: Iterable[Answer]) -> Iterator[Answer]:
        """Keep answers as they come, and pass them on.

        Raises:
            GoproError: When the disk is full.
        """
        try:
            with self.path.open("a", encoding="utf-8") as file:
                for number, answer in enumerate(answers, start=1):
                    file.write(json.dumps(asdict(answer)) + "\n")
                    if number % _FLUSHED == 0:
                        file.flush()
                    yield answer
        except OSError as error:
            raise write_error(error, self.path) from error

    def _begin(self, about: str) -> None:
        """Begin the file, or cut off a last line that a killed process didn't finish."""
        with self.path.open("a+b") as file:
            file.seek(0)
            first = file.readline()
            if not _has_answer(file):
                file.truncate(0)
                file.write(about.encode() + b"\n")
            elif first.decode(errors="replace").rstrip("\n") != about:
                raise GoproError(
                    f"{self.path} holds the answers of another model or with other options, or of "
                    "an older gopro; repeat that command, or remove the file to start again"
                )
            else:
                file.truncate(_complete(file))


def is_begun(result: Path) -> bool:
    """Whether there are answers of an unfinished command that makes ``result``."""
    try:
        with log_of(result).open("rb") as file:
            file.readline()
            return _has_answer(file)
    except OSError:
        return False


@contextlib.contextmanager
def kept(result: Path, about: Mapping[str, Any]) -> Iterator[AnswerLog]:
    """The log of a command, beside what it makes; removed after the block, unless that fails.

    Args:
        result: The file or folder that the command makes.
        about: What the answers depend on.

    Raises:
        GoproError: When another process is using it, it is the log of something else, or it can't
            be read or written.
    """
    path = log_of(result)
    busy = f"another process is making {result}; wait for it"
    with locked(path.with_name(path.name + ".lock"), busy):
        yield AnswerLog(path, json.dumps(about))
        path.unlink()


def log_of(result: Path) -> Path:
    """The log's file of what a command makes."""
    return result.with_name(result.name + ".unfinished")


def _has_answer(file: IO[bytes]) -> bool:
    """Whether a complete line follows."""
    return file.readline().endswith(b"\n")


def _complete(file: IO[bytes]) -> int:
    """Bytes up to the end of the last complete line."""
    file.seek(0, os.SEEK_END)
    end = file.tell()
    while end:
        start = max(0, end - 4096)
        file.seek(start)
        newline = file.read(end - start).rfind(b"\n")
        if newline >= 0:
            return start + newline + 1
        end = start
    return 0
