"""A page in a real browser, in a window as wide as a phone."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

playwright = pytest.importorskip("playwright.sync_api", reason="playwright isn't installed")

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
WIDTH = 390  # pixels


@contextmanager
def opened(address: str) -> Iterator[Any]:
    """Open an address in Chromium, which reaches no other server.

    At the end the page must have had no error and must not have asked another server.
    """
    if CHROMIUM is None:
        pytest.skip("no chromium on this machine")
    faults: list[str] = []

    def own(route: Any) -> None:
        if route.request.url.startswith(address):
            route.continue_()
        else:
            faults.append(f"the page asks for {route.request.url}")
            route.abort()

    def console(message: Any) -> None:
        if message.type == "error":
            faults.append(message.text)

    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": WIDTH, "height": 844})
        page.set_default_timeout(60_000)
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.on("console", console)
        page.route(re.compile("^https?:"), own)
        page.goto(address)
        yield page
        browser.close()
    assert not faults, faults
