"""Pictures copied or linked into a folder for each class; nothing is ever overwritten."""

from __future__ import annotations

import contextlib
import filecmp
import hashlib
import itertools
import os
import re
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from gopro.classifier.answers.answer import Answer
from gopro.common.errors import GoproError
from gopro.common.files import remove_temporary, write_error
from gopro.data.listing import UNSURE

_NOT_IN_NAMES = re.compile(r'[<>:"/\\|?*\x00-\x1f]')
"""Characters that some file systems don't have in names."""


class ClassFolders:
    """A folder with a sub-folder for each class, and ``UNSURE`` for those with a mark.

    Args:
        folder: Made when the first picture comes.
        names: The class names.
        link: Whether to make symbolic links instead of copies.

    Raises:
        GoproError: For two class names with the same folder.
    """

    def __init__(self, folder: Path, names: Sequence[str], *, link: bool = False) -> None:
        self.folder, self.link = folder, link
        self._folders: dict[str, str] = {}
        self._begun: set[str] = set()
        taken = {UNSURE: "unsure answers"}
        for name in names:
            safe = _NOT_IN_NAMES.sub("_", name).rstrip(". ") or "_"
            other = taken.setdefault(safe.casefold(), name)
            if other is not name:
                raise GoproError(
                    f"{name!r} and {other!r} would share the folder {safe!r}; rename a class"
                )
            self._folders[name] = safe

    def sort_each(self, answers: Iterable[Answer]) -> Iterator[Answer]:
        """Copy or link the answered pictures as they come; each answer gets the place of its copy.

        A picture that is already in its folder, from an earlier run, is not copied again. One that
        is in another folder, as an earlier classifier answered it, stays there too. Of
        different pictures with the same name, the later ones get a part: ``IMG_1 (1f09c3d2).jpg``.

        Raises:
            GoproError: When a picture can't be copied or linked.
        """
        before: dict[str, list[Path]] = {}  # name of a file -> folders of earlier answers with it
        for path in self.folder.glob("*/*"):
            before.setdefault(path.name, []).append(path.parent)
        for answer in answers:
            yield answer if answer.error else self._sorted(answer, before)

    def _sorted(self, answer: Answer, before: Mapping[str, Sequence[Path]]) -> Answer:
        """The answer with the place of its copy; see ``sort_each`` for ``before``."""
        name = UNSURE if answer.mark else self._folders[answer.ranked[0][0]]
        source, folder = Path(answer.picture), self.folder / name
        try:
            others = before.get(source.name, ())
            elsewhere = any(self._has(other, source) for other in others if other != folder)
            if name not in self._begun:
                folder.mkdir(parents=True, exist_ok=True)
                remove_temporary(folder)
                self._begun.add(name)
            for place in map(folder.joinpath, _names(source)):
                if not os.path.lexists(place):
                    self._make(source, place)
                if self._is_there(source, place):
                    return replace(answer, sorted_to=str(place), elsewhere=elsewhere)
        except OSError as error:
            raise write_error(error, folder) from error
        raise AssertionError("there is always another name")

    def _has(self, folder: Path, source: Path) -> bool:
        """Whether a folder has the picture already."""
        places = itertools.takewhile(os.path.lexists, map(folder.joinpath, _names(source)))
        return any(self._is_there(source, place) for place in places)

    def _make(self, source: Path, place: Path) -> None:
        """Make the copy or link, complete or not at all, unless another process was faster."""
        with contextlib.suppress(FileExistsError):
            if self.link:
                place.symlink_to(source.absolute())
                return
            handle, name = tempfile.mkstemp(prefix=".", suffix=".tmp", dir=place.parent)
            os.close(handle)
            temporary = Path(name)
            try:
                shutil.copy2(source, temporary)
                _rename(temporary, place)
            finally:
                temporary.unlink(missing_ok=True)

    def _is_there(self, source: Path, place: Path) -> bool:
        if place.is_symlink() or self.link:
            return place.exists() and place.samefile(source)
        return filecmp.cmp(source, place, shallow=False)


def _names(source: Path) -> Iterator[str]:
    """Names for a copy: its own; one that depends on its path, so that it is the same in every run,
    whatever other pictures there are; and numbered ones."""
    yield source.name
    digest = hashlib.sha256(os.fsencode(source.absolute())).hexdigest()[:8]
    yield f"{source.stem} ({digest}){source.suffix}"
    for number in itertools.count(2):
        yield f"{source.stem} ({digest} {number}){source.suffix}"


def _rename(temporary: Path, place: Path) -> None:
    """Rename a file, but not over another one, which ``Path.rename`` does on some systems.

    Raises:
        FileExistsError: When there is one.
    """
    try:
        os.link(temporary, place)
    except FileExistsError:
        raise
    except OSError:  # a file system without hard links
        if os.path.lexists(place):
            raise FileExistsError(place) from None
        temporary.rename(place)
