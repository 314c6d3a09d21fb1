"""The exception whose message is meant for the user."""

from __future__ import annotations

from gopro import GoproError


def test_is_no_subclass_of_builtin_errors_and_keeps_its_message() -> None:
    assert issubclass(GoproError, Exception)
    assert not issubclass(GoproError, (OSError, ValueError))  # or handlers of those would catch it
    assert str(GoproError("got 0 shots; wanted 1 or more")) == "got 0 shots; wanted 1 or more"
