"""What one pass of a frozen network was given, for the hooks that are always there.

Hooks are registered once, when a backbone is built. They do nothing except in the passes that a
thread has entered, because a server runs several at once on the same network.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Generic, TypeVar

T = TypeVar("T")


class Passes(Generic[T]):
    """At most one value for each thread."""

    def __init__(self) -> None:
        self._values: dict[int, T] = {}

    @property
    def current(self) -> T | None:
        """The value of this thread's pass, None outside of one."""
        return self._values.get(threading.get_ident())

    @contextmanager
    def entering(self, value: T) -> Iterator[T]:
        """Give this value to the hooks in all passes in this context and thread."""
        thread = threading.get_ident()
        self._values[thread] = value
        try:
            yield value
        finally:
            del self._values[thread]
