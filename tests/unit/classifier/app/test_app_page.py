"""The Gradio page; ``tests/integration/test_served_page.py`` tests it in a browser."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from page_client import as_uploaded, ask, upload
from tiny_classifier import Given, Make

gr = pytest.importorskip("gradio", reason="the extra `app` isn't installed")
testclient = pytest.importorskip("starlette.testclient")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The upload folder."""
    return tmp_path_factory.mktemp("uploads")


@pytest.fixture(scope="module")
def client(make: Make, given: Given, folder: Path) -> Iterator[Any]:
    from gopro.classifier.app.server import application
    from gopro.classifier.app.service import Limits, Service

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GRADIO_TEMP_DIR", str(folder))
        app = application(Service(make().fit(*given), Limits(pictures=3)), "animals")
        with testclient.TestClient(app, raise_server_exceptions=False) as opened:
            yield opened


def _uploaded(client: Any, given: Given, count: int) -> list[str]:
    return upload(client, [(path.name, path.read_bytes()) for path in given[0][:count]]).json()


def test_explanation_and_views_of_an_upload(client: Any, given: Given) -> None:
    files = [as_uploaded(path) for path in _uploaded(client, given, 2)]
    for function, shown in ((4, "file="), (5, "unchanged: ")):
        result = ask(client, function, [files, "boat, car", 1])
        assert result["success"] and shown in str(result["output"]["data"]), result
        for which in (None, 2, -1, "0"):
            result = ask(client, function, [files, "boat, car", which])
            assert "add a picture first" in result["output"]["error"]


def test_pictures_that_were_deleted(client: Any, given: Given) -> None:
    """A page that is open for longer than uploads are kept says so."""
    here, gone = _uploaded(client, given, 2)
    Path(gone).unlink()
    files = [as_uploaded(here), as_uploaded(gone)]
    result = ask(client, 0, [files, "boat, car", 0])
    assert result["success"], result
    shown = result["output"]["data"][0]
    assert "boat" in shown and shown.count("30 minutes after it was added; add it again") == 1
    for function in (4, 5):
        result = ask(client, function, [files, "boat, car", 1])
        assert result["output"]["error"].endswith("add it again"), result


def test_too_many_pictures_are_not_read(
    client: Any, given: Given, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = [as_uploaded(path) for path in _uploaded(client, given, 4)]
    monkeypatch.setattr(Path, "open", lambda *_: pytest.fail("a picture was read"))
    result = ask(client, 0, [files, "boat, car", 0])
    assert "at most 3 are allowed" in result["output"]["error"]


def test_calls_leave_no_files_in_the_upload_folder(client: Any, given: Given, folder: Path) -> None:
    files = [as_uploaded(path) for path in _uploaded(client, given, 2)]
    before = set(folder.rglob("*"))
    assert ask(client, 0, [files, "boat, car", 0])["success"]
    assert set(folder.rglob("*")) == before


def test_old_sessions_are_deleted(make: Make, given: Given) -> None:
    """Only the latest visitors' results are kept; otherwise every visitor would cost memory."""
    from fastapi import FastAPI

    from gopro.classifier.app import page
    from gopro.classifier.app.service import Service

    built = page.build(Service(make().fit(*given)), "animals")
    gr.mount_gradio_app(FastAPI(), built, path="/")
    holder = built.state_holder
    for number in range(300):
        assert holder[str(number)] is not None
        holder.update(str(number))
    assert len(holder.session_data) <= 200 and "299" in holder and "0" not in holder
