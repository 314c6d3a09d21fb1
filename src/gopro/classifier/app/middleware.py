"""ASGI middleware around page and API: request size, security headers, allowed routes and files."""

from __future__ import annotations

import json
import re
from collections.abc import Awaitable, Callable, Iterator, MutableMapping
from pathlib import Path
from typing import Any

from fastapi.responses import JSONResponse
from gradio_client.utils import is_http_url_like

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

SECURITY = [
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"SAMEORIGIN"),
    (b"referrer-policy", b"no-referrer"),
]

_PREFIX = "/gradio_api/"
_ALLOWED = re.compile(
    r"queue/(join|data)|upload|upload_progress|heartbeat/[^/]+|startup-events|info|cancel|reset"
    r"|theme\.css|file=(?!https?:).*",
    re.IGNORECASE | re.DOTALL,
)


class SizeLimit:
    """Refuses requests with a larger body, and adds security headers.

    Args:
        app: The ASGI application.
        limit: Bytes of a request.
        calls: Bytes of a call of the page, which is held in memory while it waits.
    """

    def __init__(self, app: Any, limit: int, calls: int) -> None:
        self.app, self.limit, self.calls = app, limit, calls

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one ASGI request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        limit = self.calls if _is_call(scope) else self.limit
        length = dict(scope["headers"]).get(b"content-length", b"0")
        too_large, started, received = not length.isdigit() or int(length) > limit, False, 0

        async def limited_receive() -> MutableMapping[str, Any]:
            nonlocal too_large, received
            message = await receive()
            received += len(message.get("body", b""))
            too_large = too_large or received > limit
            return {"type": "http.disconnect"} if too_large else message

        async def checked_send(message: MutableMapping[str, Any]) -> None:
            nonlocal started
            if too_large and not started:
                return  # drop the application's answer to the cut request
            if message["type"] == "http.response.start":
                started = True
                message["headers"] = [*message.get("headers", []), *SECURITY]
            await send(message)

        if not too_large:
            try:
                await self.app(scope, limited_receive, checked_send)
            except Exception:
                if not too_large:
                    raise
        if too_large and not started:
            text = f"the request is larger than {limit / 1e6:.0f} MB; send fewer pictures"
            await JSONResponse({"error": text}, 413)(scope, receive, send)


class UploadsOnly:
    """Refuses a call of the page that names another file than an upload.

    Gradio would read any picture of the machine, and load one from another server.

    Args:
        app: The ASGI application.
        folder: Where uploads are.
    """

    def __init__(self, app: Any, folder: Path) -> None:
        self.app, self.folder = app, folder.resolve()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one ASGI request."""
        if not _is_call(scope):
            await self.app(scope, receive, send)
            return
        body, more = bytearray(), True
        while more:
            message = await receive()
            if message["type"] != "http.request":
                return
            body += message.get("body", b"")
            more = message.get("more_body", False)
        try:
            paths = list(_paths(json.loads(body)))
        except (ValueError, RecursionError):
            await JSONResponse({"error": "the call isn't JSON"}, 422)(scope, receive, send)
            return
        if not all(map(self._uploaded, paths)):
            await JSONResponse({"error": "a file of the call is no upload"}, 403)(
                scope, receive, send
            )
            return
        messages = iter([{"type": "http.request", "body": bytes(body), "more_body": False}])

        async def again() -> MutableMapping[str, Any]:
            return next(messages, None) or await receive()

        await self.app(scope, again, send)

    def _uploaded(self, name: str) -> bool:
        if is_http_url_like(name):
            return False
        try:
            path = Path(name).resolve()
            # a folder would end Gradio's removal of old uploads
            return self.folder in path.parents and not path.is_dir()
        except (OSError, ValueError, RuntimeError):  # no file can have this name
            return False


def _paths(value: Any) -> Iterator[str]:
    """Each ``path``, at any depth: Gradio takes it for a file in the value of any component."""
    waiting = [value]
    while waiting:
        one = waiting.pop()
        if isinstance(one, dict):
            if isinstance(one.get("path"), str):
                yield one["path"]
            waiting += one.values()
        elif isinstance(one, list):
            waiting += one


class AllowedRoutes:
    """Answers 404 for Gradio's other routes, such as those that fetch from other servers.

    Args:
        app: The ASGI application that handles allowed requests.
    """

    def __init__(self, app: Any) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one ASGI request."""
        route = _route(scope)
        if route is not None and not _ALLOWED.fullmatch(route):
            await JSONResponse({"error": "not found"}, 404)(scope, receive, send)
            return
        await self.app(scope, receive, send)


def _route(scope: Scope) -> str | None:
    """The route of Gradio that a request asks for, if any."""
    path = str(scope.get("path", ""))
    return path[len(_PREFIX) :].rstrip("/") if path.startswith(_PREFIX) else None


def _is_call(scope: Scope) -> bool:
    """Whether a request may call a function of the page: all but uploads may."""
    return _route(scope) not in (None, "upload") and scope["method"] == "POST"
