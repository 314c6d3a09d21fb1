"""Attacks on the page: other files, other hosts, files that are not pictures."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from file_server import FileServer
from page_client import answer, as_uploaded, ask, upload
from tiny_classifier import Given, Make

pytest.importorskip("gradio", reason="the extra `app` isn't installed")
testclient = pytest.importorskip("starlette.testclient")


@pytest.fixture(scope="module")
def client(make: Make, given: Given) -> Iterator[Any]:
    from gopro.classifier.app.server import application
    from gopro.classifier.app.service import Limits, Service

    app = application(Service(make().fit(*given), Limits(bytes=50_000)), "animals")
    with testclient.TestClient(app, raise_server_exceptions=False) as opened:
        yield opened


def test_the_page_works_with_the_allowed_routes(client: Any, given: Given) -> None:
    pictures = [(path.name, path.read_bytes()) for path in given[0][:2]]
    result = answer(client, pictures, "boat, car")
    assert result["success"], result
    assert "boat" in result["output"]["data"][0]


@pytest.mark.parametrize(
    "path",
    [
        "/gradio_api/file=http://{host}/a.html",
        "/gradio_api/file=HTTP://{host}/a.html",
        "/gradio_api/file=https%3A//{host}/a.html",
        "/gradio_api/proxy=http://{host}/a.html",
        "/gradio_api/run/predict",
        "/gradio_api/call/answer",
        "/gradio_api/vibe-code/",
        "/gradio_api/dev/reload",
        "/gradio_api/runs",
        "/gradio_api/run-history/buckets",
        "/gradio_api/process_recording",
        "/gradio_api/custom_component/x/client/component/style.css",
        "/gradio_api/stream/a/b/1/playlist-file",
    ],
)
def test_routes_that_the_page_does_not_use_are_closed(client: Any, path: str) -> None:
    with FileServer({"/a.html": b"<script>alert(1)</script>"}, kind="text/html") as other:
        host = other.url("").removeprefix("http://")
        for result in (client.get(path.format(host=host)), client.post(path.format(host=host))):
            assert result.status_code in (404, 405)
            assert "script" not in result.text
        assert not other.seen


@pytest.mark.parametrize("path", ["/etc/passwd", "pyproject.toml", "/proc/self/environ", "/tmp"])
def test_only_uploaded_files_are_opened(client: Any, path: str) -> None:
    """A client names a file of the machine as its upload."""
    result = ask(client, 0, [[as_uploaded(path)], "boat, car", 0])
    assert not result["success"]
    assert "root:" not in str(result) and "PATH" not in str(result)


@pytest.mark.parametrize("way", ["absolute", "relative", "dots", "missing", "folder", "none"])
@pytest.mark.parametrize("function", [0, 4, 5])
def test_other_pictures_of_the_machine_are_not_opened(
    client: Any, given: Given, tmp_path: Path, way: str, function: int
) -> None:
    picture = given[0][0]
    (uploaded,) = upload(client, [(picture.name, picture.read_bytes())]).json()
    folder = Path(uploaded).parent
    path = {
        "absolute": str(picture),
        "relative": os.path.relpath(picture),
        "dots": f"{folder}/{os.path.relpath(picture, folder)}",
        "missing": str(tmp_path / "missing.png"),
        "folder": str(folder),
        "none": f"{folder}/\0.png",
    }[way]
    assert ask(client, function, [[as_uploaded(uploaded)], "boat, car", 0])["success"]
    result = ask(client, function, [[as_uploaded(path)], "boat, car", 0])
    assert not result["success"] and "no upload" in result["output"]["error"]


@pytest.mark.parametrize("place", ["file", "text", "slider", "nested", "event"])
def test_no_address_is_loaded(client: Any, monkeypatch: pytest.MonkeyPatch, place: str) -> None:
    from gradio import processing_utils, utils

    async def load(url: str, *_: Any, **__: Any) -> str:
        asked.append(url)
        raise OSError

    asked: list[str] = []
    monkeypatch.setattr(processing_utils, "async_ssrf_protected_download", load)
    monkeypatch.setattr(processing_utils, "async_ssrf_protected_get", load)
    monkeypatch.chdir(utils.get_upload_folder())  # an address isn't a path below it
    file = as_uploaded("https://example.com/a.png")
    data: list[Any] = {
        "file": [[file], "boat, car", 0],
        "text": [None, file, 0],
        "slider": [None, "boat, car", file],
        "nested": [None, [{"a": [file]}], 0],
        "event": [None, "boat, car", 0],
    }[place]
    body = {"data": data, "fn_index": 0, "session_hash": "a", "event_data": file}
    result = client.post("/gradio_api/queue/join/", json=body)
    assert result.status_code == 403 and "no upload" in result.text
    assert not ask(client, 0, data)["success"] or place == "event"
    assert not asked


@pytest.mark.parametrize("body", [b"", b"{", b"[" * 200_000, b"\xff", b'{"data": ["\\ud800"]}'])
def test_a_call_that_is_no_call(client: Any, body: bytes) -> None:
    kind = {"content-type": "application/json"}
    result = client.post("/gradio_api/queue/join", content=body, headers=kind)
    assert result.status_code in (400, 422)


def test_a_call_is_short(client: Any) -> None:
    """It is held in memory, also while it waits; pictures are uploaded before."""
    data = [None, "boat, car", 0, "x" * 1_000_000]
    body = {"data": data, "fn_index": 0, "session_hash": "a"}
    result = client.post("/gradio_api/queue/join", json=body)
    assert result.status_code == 413 and "larger than 1 MB" in result.json()["error"]


def test_nothing_is_fetched_for_a_client(client: Any) -> None:
    with FileServer({"/a.png": b"x"}) as other:
        url = other.url("/a.png")
        for given in (as_uploaded(url), {**as_uploaded("/tmp/a.png"), "url": url}):
            assert not ask(client, 0, [[given], "boat, car", 0])["success"]
        assert not other.seen


def test_other_files_than_pictures(client: Any) -> None:
    evil = b"<html><script>alert(1)</script></html>"
    sent = upload(client, [("<img src=x onerror=alert(1)>.png", evil)])
    result = ask(client, 0, [[as_uploaded(path) for path in sent.json()], "boat, car", 0])
    assert result["success"], result
    shown = result["output"]["data"][0]
    assert "can&#39;t read" in shown and "<img src=x" not in shown and "<script" not in shown
    sent = upload(client, [("a.html", evil), ("a.svg", evil)])
    for path in sent.json():
        result = client.get(f"/gradio_api/file={path}")
        assert result.status_code != 200 or (
            result.headers["content-disposition"].startswith("attachment")
            and result.headers["x-content-type-options"] == "nosniff"
        )
        result = ask(client, 0, [[as_uploaded(path)], "boat, car", 0])
        assert "can&#39;t read" in result["output"]["data"][0] if result["success"] else True


def test_uploads_are_limited(client: Any) -> None:
    result = upload(client, [("a.png", b"x" * 60_000)])
    assert result.status_code == 413


def test_a_class_name_is_text(client: Any, given: Given) -> None:
    name = "<script>alert(1)</script>"
    result = answer(client, [("a.png", given[0][0].read_bytes())], f"{name}, car")
    assert result["success"], result
    shown = result["output"]["data"][0]
    assert "&lt;script&gt;" in shown and "<script" not in shown
