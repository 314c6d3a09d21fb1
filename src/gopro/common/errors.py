"""Exceptions whose message is meant for the user."""

from __future__ import annotations

from collections.abc import Sequence


class GoproError(Exception):
    """An error that the user can correct.

    Its message is one line: what was got, what was wanted, what to do. The command line prints it
    without a traceback and exits with ``exit_code``.
    """

    exit_code = 2


class NothingAnsweredError(GoproError):
    """A command that answers pictures had none that it could answer."""

    exit_code = 3


class UnreadableError(GoproError):
    """Pictures that can't be read.

    Args:
        reasons: Why, one for each of them.
        total: How many pictures there are.
        remedy: What the message ends with.

    Attributes:
        reasons: All of them; the message has only the first.
        unnamed: Those that the message doesn't have.
    """

    _NAMED = 10

    def __init__(self, reasons: Sequence[str], total: int, remedy: str = "") -> None:
        self.reasons, self.unnamed = tuple(reasons), tuple(reasons[self._NAMED :])
        first = "; ".join(reasons[: self._NAMED])
        more = f"; and {len(self.unnamed):,} more" if self.unnamed else ""
        many = f"{len(reasons):,} of {total:,} pictures can't be read: {first}{more}"
        super().__init__((many if len(reasons) > 1 else first) + remedy)


class CantWriteError(GoproError):
    """A file can't be written, for another reason than a full disk."""


class DiskFullError(GoproError):
    """The disk is full. Commands catch this to add what the user can do next."""


class UnusableFileError(GoproError):
    """A file of tensors that is missing, damaged or another one than wanted.

    Args:
        what: Which file, and what is wrong with it.
        remedy: What to do.

    Attributes:
        what: As given.
    """

    def __init__(self, what: str, remedy: str) -> None:
        super().__init__(f"{what}: {remedy}")
        self.what = what


class NotFiniteError(GoproError):
    """The loss, a gradient or a weight became NaN or infinite during training.

    Args:
        what: What became non-finite, in which step, on which images.
        remedy: What to try.
        saved: End of the sentence: which weights were saved, if any.
    """

    def __init__(self, what: str, remedy: str, saved: str) -> None:
        super().__init__(f"{what}; {remedy}{saved}")
        self.what, self.remedy = what, remedy
