"""A client of the page, like a browser: it uploads, calls through the queue, reads the answer."""

from __future__ import annotations

import json
import uuid
from collections.abc import Sequence
from pathlib import PurePosixPath
from typing import Any

API = "/gradio_api"


def upload(client: Any, files: Sequence[tuple[str, bytes]]) -> Any:
    """Upload files to the page and return the response."""
    return client.post(f"{API}/upload", files=[("files", file) for file in files])


def as_uploaded(path: str) -> dict[str, Any]:
    """The description of an uploaded file in a call."""
    return {
        "path": path,
        "orig_name": PurePosixPath(path).name,
        "meta": {"_type": "gradio.FileData"},
    }


def ask(client: Any, function: int, data: Sequence[Any]) -> dict[str, Any]:
    """Call a function of the page and return its last message: ``success`` and ``output``."""
    session = uuid.uuid4().hex[:10]
    body = {"data": list(data), "fn_index": function, "session_hash": session}
    joined = client.post(f"{API}/queue/join", json=body)
    if joined.status_code != 200:
        return {"success": False, "output": {"error": joined.text}}
    with client.stream("GET", f"{API}/queue/data", params={"session_hash": session}) as events:
        for line in events.iter_lines():
            if line.startswith("data:"):
                message: dict[str, Any] = json.loads(line.removeprefix("data:"))
                if message["msg"] == "process_completed":
                    return message
    raise AssertionError("the queue ended without an answer")


def answer(client: Any, files: Sequence[tuple[str, bytes]], names: str) -> dict[str, Any]:
    """Upload pictures and return the predictions."""
    sent = upload(client, files)
    if sent.status_code != 200:
        return {"success": False, "output": {"error": sent.text}}
    return ask(client, 0, [[as_uploaded(path) for path in sent.json()], names, 0])
