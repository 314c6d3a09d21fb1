"""The exception for people."""

from __future__ import annotations

from gopro import GoproError


def test_it_is_an_ordinary_exception_that_keeps_its_line() -> None:
    assert issubclass(GoproError, Exception)
    assert not issubclass(GoproError, (OSError, ValueError))  # else broad handlers would hide it
    assert str(GoproError("got 0 shots; wanted 1 or more")) == "got 0 shots; wanted 1 or more"
