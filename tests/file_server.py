"""A web server of a few files that can break off, ignore ranges, or send a wrong content type."""

from __future__ import annotations

import contextlib
import hashlib
import threading
import time
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any

_CHUNK = 50_000


@dataclass(frozen=True)
class Request:
    """A received request."""

    path: str
    range: str | None


@dataclass
class FileServer:
    """Serves on the loopback address while it is open.

    Attributes:
        files: Path -> content.
        breaks: Bytes after which the next answers break off, one number per answer.
        ranges: Whether it supports range requests.
        tags: Whether it sends ETags.
        kind: The content type of its files.
        pause: Seconds between two pieces of a file.
        seen: All requests so far.
    """

    files: dict[str, bytes]
    breaks: list[int] = field(default_factory=list)
    ranges: bool = True
    tags: bool = True
    kind: str = "application/octet-stream"
    pause: float = 0.0
    seen: list[Request] = field(default_factory=list)

    def url(self, path: str) -> str:
        """The address of a file."""
        return f"http://127.0.0.1:{self._server.server_port}{path}"

    def __enter__(self) -> FileServer:
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                outer._answer(self)

            def log_message(self, *_: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: Any, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()

    def _answer(self, request: BaseHTTPRequestHandler) -> None:
        wanted = request.headers.get("Range")
        self.seen.append(Request(request.path, wanted))
        content = self.files.get(request.path)
        if content is None:
            request.send_error(404)
            return
        tag = f'"{hashlib.sha256(content).hexdigest()[:16]}"'
        start = int(wanted.removeprefix("bytes=").rstrip("-")) if wanted and self.ranges else 0
        if request.headers.get("If-Range", tag) != tag:
            start = 0
        if start >= len(content) > 0:
            request.send_error(416)
            return
        request.send_response(206 if start else 200)
        if start:
            request.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
        request.send_header("Content-Length", str(len(content) - start))
        request.send_header("Content-Type", self.kind)
        if self.tags:
            request.send_header("ETag", tag)
        request.end_headers()
        end = start + self.breaks.pop(0) if self.breaks else len(content)
        with contextlib.suppress(ConnectionError):  # the client has closed the connection
            for place in range(start, end, _CHUNK):
                request.wfile.write(content[place : min(place + _CHUNK, end)])
                time.sleep(self.pause)
