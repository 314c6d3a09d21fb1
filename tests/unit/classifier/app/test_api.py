"""The HTTP API: answers, errors, limits on requests."""

from __future__ import annotations

import io
import socket
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from PIL import Image

from gopro import GoproError
from tiny_classifier import Given, Make
from tiny_run import Cli

gradio = pytest.importorskip("gradio", reason="the extra `app` isn't installed")
testclient = pytest.importorskip("starlette.testclient")


@pytest.fixture(scope="module")
def client(make: Make, given: Given) -> Any:
    from gopro.classifier.app.server import application
    from gopro.classifier.app.service import Limits, Service

    limits = Limits(bytes=50_000, pictures=4)
    return testclient.TestClient(
        application(Service(make().fit(*given), limits), "<b>my model</b>"),
        raise_server_exceptions=False,
    )


def _files(given: Given, count: int) -> list[tuple[str, tuple[str, bytes]]]:
    return [("picture", (path.name, path.read_bytes())) for path in given[0][:count]]


def test_predict(client: Any, given: Given) -> None:
    result = client.post("/api/predict", files=_files(given, 3), data={"top": 2})
    assert result.status_code == 200, result.text
    rows = result.json()["answers"]
    assert [row["picture"] for row in rows] == [path.name for path in given[0][:3]]
    assert all(len(row["answers"]) == 2 for row in rows)
    assert set(rows[0]["answers"][0]) == {"name", "probability", "zero_shot"}
    assert result.headers["x-content-type-options"] == "nosniff"


def test_confidence_and_sets(make: Make, given: Given) -> None:
    from gopro.classifier.app.server import application
    from gopro.classifier.app.service import Service

    classifier = make(folds=3).fit(*given)
    app = testclient.TestClient(application(Service(classifier), "model"))
    data = {"confidence": 1, "sets": 0.9}
    rows = app.post("/api/predict", files=_files(given, 3), data=data).json()["answers"]
    unknown = classifier.is_unknown(given[0][:3]).tolist()
    assert [row["unknown"] for row in rows] == unknown
    assert all(row["unsure"] and row["set"][0] == row["answers"][0]["name"] for row in rows)
    assert app.get("/api/about").json()["calibrated"] is True
    result = app.post("/api/predict", files=_files(given, 1), data={"confidence": 2})
    assert result.status_code == 422


def test_other_classes_and_a_broken_file(client: Any, given: Given) -> None:
    files = [("picture", ("broken.jpg", b"\xff\xd8 nothing")), *_files(given, 1)]
    rows = client.post("/api/predict", files=files, data={"classes": "boat, car"}).json()["answers"]
    assert "broken.jpg" in rows[0]["error"]
    assert {answer["name"] for answer in rows[1]["answers"]} == {"boat", "car"}


@pytest.mark.parametrize(
    ("data", "count", "status"),
    [({"classes": "a,a"}, 1, 422), ({"top": 0}, 1, 422), ({}, 0, 422), ({}, 5, 422)],
)
def test_refused(
    client: Any, given: Given, data: dict[str, object], count: int, status: int
) -> None:
    assert client.post("/api/predict", files=_files(given, count), data=data).status_code == status


def test_too_large(client: Any) -> None:
    body = {"picture": ("a.jpg", b"x" * 60_000)}
    error = client.post("/api/predict", files=body).json()["answers"][0]["error"]
    assert "a.jpg is larger than 0.05 MB; shrink it" in error
    body = {"picture": ("a.jpg", b"x" * 2_000_000)}
    assert client.post("/api/predict", files=body).status_code == 413

    def unannounced() -> Iterator[bytes]:
        yield b'--x\r\nContent-Disposition: form-data; name="picture"; filename="a"\r\n\r\n'
        for _ in range(40):
            yield b"x" * 100_000

    kind = {"content-type": "multipart/form-data; boundary=x"}
    result = client.post("/api/predict", content=unannounced(), headers=kind)
    assert result.status_code == 413
    assert "larger than" in result.json()["error"]


def test_a_forgotten_field_is_named(client: Any, given: Given) -> None:
    for path in ("/api/predict", "/api/explain"):
        result = client.post(path, files={"pictures": given[0][0].read_bytes()})
        assert result.status_code == 422
        assert result.json()["error"].startswith("got no field 'picture'"), result.text


def test_explain(client: Any, given: Given) -> None:
    result = client.post("/api/explain", files={"picture": given[0][0].read_bytes()})
    assert result.headers["content-type"] == "image/png"
    assert Image.open(io.BytesIO(result.content)).size[0] > 500


def test_pages(client: Any) -> None:
    text = client.get("/api").text
    assert "&lt;b&gt;my model&lt;/b&gt;: HTTP API" in text
    assert client.get("/api/about").json()["class_names"] == ["ant", "bee", "cat", "dog"]
    assert "/api/predict" in client.get("/openapi.json").json()["paths"]
    assert client.get("/").status_code == 200


@pytest.mark.parametrize(
    "path", ["/gradio_api/file=/etc/passwd", "/gradio_api/file=pyproject.toml", "/../etc/passwd"]
)
def test_no_file_of_the_machine_is_served(client: Any, path: str) -> None:
    result = client.get(path)
    assert result.status_code in (403, 404)
    assert "root:" not in result.text


def test_port_in_use(cli: Cli, tmp_path: Any) -> None:
    from gopro.classifier.app.server import listen

    with listen("127.0.0.1", 0) as taken:
        port = taken.getsockname()[1]
        line = cli("serve", tmp_path, "--port", port).line
        assert "choose another --port" in line
    with pytest.raises(GoproError, match="can't serve"):
        listen("203.0.113.1", 80)
    with pytest.raises(GoproError, match="can't serve"):
        listen("127.0.0.1", 70_000)
    assert isinstance(taken, socket.socket)


def test_without_the_extra(cli: Cli, tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "gradio", None)
    assert "pip install 'gopro-clip[app]'" in cli("serve", tmp_path).line
