"""Allow only those of Gradio's routes that the page uses."""

from __future__ import annotations

import re
from typing import Any

from fastapi.responses import JSONResponse

from gopro.classifier.app.api import Receive, Scope, Send

_PREFIX = "/gradio_api/"
_ALLOWED = re.compile(
    r"queue/(join|data)|upload|upload_progress|heartbeat/[^/]+|startup-events|info|cancel|reset"
    r"|theme\.css|file=(?!https?:).*",
    re.IGNORECASE | re.DOTALL,
)


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
