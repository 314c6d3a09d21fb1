"""The served page in a real browser: upload, prediction, other class names, a broken file."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

import browser
from tiny_classifier import Given, Make

pytest.importorskip("gradio", reason="the extra `app` isn't installed")


@pytest.fixture(scope="module")
def address(make: Make, given: Given) -> Iterator[str]:
    import uvicorn

    from gopro.classifier.app.server import application, listen
    from gopro.classifier.app.service import Service

    taken = listen("127.0.0.1", 0)
    app = application(Service(make(examples=8).fit(*given)), "animals")
    server = uvicorn.Server(uvicorn.Config(app, log_level="error", ws="none"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [taken]}, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{taken.getsockname()[1]}"
    server.should_exit = True
    thread.join(10)


@pytest.fixture
def page(address: str) -> Iterator[Any]:
    with browser.opened(address) as opened:
        yield opened


def test_page(page: Any, given: Given, tmp_path: Path) -> None:
    page.wait_for_selector("text=No pictures yet")
    broken = tmp_path / "broken.jpg"
    broken.write_bytes(b"no picture")
    page.set_input_files("input[type=file]", [str(given[0][0]), str(broken)])
    page.wait_for_selector(".gp-card >> nth=1")
    assert page.locator(".gp-best").count() == 1
    assert "can't read" in page.locator(".gp-error").inner_text()
    page.locator("textarea").first.fill("a boat, a car")
    page.wait_for_selector(".gp-name:has-text('boat')")
    assert page.locator(".gp-answer").count() == 2
    page.get_by_role("button", name="Explain").click()
    page.wait_for_selector("img[src*='file=']")
    assert page.locator("a[download='results.csv']").count() == 1
    page.get_by_role("tab", name="Augmented views").click()
    page.get_by_role("button", name="Draw views").click()
    page.wait_for_selector(".gp-views figure >> nth=6")
    width = page.evaluate("document.documentElement.scrollWidth")
    assert width <= browser.WIDTH, "the page is wider than a phone"


def test_many_clients(address: str, given: Given) -> None:
    """200 requests over 8 parallel connections, some invalid: every valid one is answered."""
    import httpx

    pictures = [path.read_bytes() for path in given[0][:8]]

    def ask(number: int) -> int:
        contents = b"no picture" if number % 25 == 0 else pictures[number % 8]
        files = {"picture": (f"{number}.png", contents)}
        result = client.post(f"{address}/api/predict", files=files)
        (row,) = result.json()["answers"]
        assert ("error" in row) == (number % 25 == 0)
        return result.status_code

    # one client, because each reads the machine's certificates
    with httpx.Client(timeout=60) as client, ThreadPoolExecutor(8) as threads:
        assert set(threads.map(ask, range(200))) == {200}
