"""The Gradio page; ``tests/integration/test_served_page.py`` tests it in a browser."""

from __future__ import annotations

import pytest

from tiny_classifier import Given, Make

gr = pytest.importorskip("gradio", reason="the extra `app` isn't installed")


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
