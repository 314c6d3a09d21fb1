"""ASGI middleware around page and API: request size, security headers, allowed routes."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from fastapi.responses import JSONResponse

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
    """Refuses requests with a body larger than ``limit`` bytes, and adds security headers.

    Args:
        app: The ASGI application.
        limit: In bytes.
    """

    def __init__(self, app: Any, limit: int) -> None:
        self.app, self.limit = app, limit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one ASGI request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        length = dict(scope["headers"]).get(b"content-length", b"0")
        too_large, started, received = not length.isdigit() or int(length) > self.limit, False, 0

        async def limited_receive() -> MutableMapping[str, Any]:
            nonlocal too_large, received
            message = await receive()
            received += len(message.get("body", b""))
            too_large = too_large or received > self.limit
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
            text = f"the request is larger than {self.limit / 1e6:.0f} MB; send fewer pictures"
            await JSONResponse({"error": text}, 413)(scope, receive, send)


class AllowedRoutes:
    """Answers 404 for Gradio's other routes, such as those that fetch from other servers.

    Args:
        app: The ASGI application that handles allowed requests.
    """

    def __init__(self, app: Any) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one ASGI request."""
        path = str(scope.get("path", ""))
        if path.startswith(_PREFIX) and not _ALLOWED.fullmatch(path[len(_PREFIX) :].rstrip("/")):
            await JSONResponse({"error": "not found"}, 404)(scope, receive, send)
            return
        await self.app(scope, receive, send)
