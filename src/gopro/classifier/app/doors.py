"""Which of Gradio's addresses are open: those that the page uses, and no others."""

from __future__ import annotations

import re
from typing import Any

from fastapi.responses import JSONResponse

from gopro.classifier.app.api import Receive, Scope, Send

_BEHIND = "/gradio_api/"
_OPEN = re.compile(
    r"queue/(join|data)|upload|upload_progress|heartbeat/[^/]+|startup-events|info|cancel|reset"
    r"|theme\.css|file=(?!https?:).*",
    re.IGNORECASE | re.DOTALL,
)


class Doors:
    """Answers 404 to what Gradio offers besides the page, such as fetching from other addresses.

    Args:
        app: What answers the rest.
    """

    def __init__(self, app: Any) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, by the interface of ASGI."""
        path = str(scope.get("path", ""))
        if path.startswith(_BEHIND) and not _OPEN.fullmatch(path[len(_BEHIND) :].rstrip("/")):
            await JSONResponse({"error": "there is nothing here"}, 404)(scope, receive, send)
            return
        await self.app(scope, receive, send)
