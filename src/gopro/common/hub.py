"""Whether the Hugging Face hub answers, asked before a download tries it for a minute."""

from __future__ import annotations

import contextlib
import http.client
import queue
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator

PATIENCE = 5.0
"""Seconds to wait for an answer."""


def problem(timeout: float = PATIENCE) -> str:
    """Why the hub can't be reached; empty if it answers."""
    from huggingface_hub import constants

    if constants.HF_HUB_OFFLINE:
        return "$HF_HUB_OFFLINE is set"
    answer: queue.SimpleQueue[str] = queue.SimpleQueue()
    # in a thread: looking up the name has no time limit, and each address of a host has its own
    threading.Thread(
        target=lambda: answer.put(_asked(constants.ENDPOINT, timeout)), daemon=True
    ).start()
    try:
        return answer.get(timeout=timeout)
    except queue.Empty:
        return f"no answer within {timeout:g} s"


def _asked(address: str, timeout: float) -> str:
    try:
        request = urllib.request.Request(address, method="HEAD")
        with urllib.request.urlopen(request, timeout=timeout):  # nosec B310  # the hub's own address
            return ""
    except urllib.error.HTTPError:
        return ""  # it answers
    except (OSError, ValueError, http.client.HTTPException) as error:
        return str(getattr(error, "reason", None) or error)


@contextlib.contextmanager
def offline() -> Iterator[None]:
    """Inside the block the hub's client finds what is on this machine, and asks no server."""
    from huggingface_hub import constants

    before, constants.HF_HUB_OFFLINE = constants.HF_HUB_OFFLINE, True
    try:
        yield
    finally:
        constants.HF_HUB_OFFLINE = before
