"""Serve the page and the API on a port of this machine."""

from __future__ import annotations

import contextlib
import ctypes
import socket
import sys
from pathlib import Path
from typing import Any

from gopro.classifier.app.service import Service
from gopro.common.errors import GoproError

_M_ARENA_MAX = -8  # as in glibc's malloc.h

_WITHOUT_PICTURES = 1_000_000
"""Bytes of a request besides its pictures."""


def application(service: Service, title: str) -> Any:
    """Page and API of a model as one ASGI application, with the limits on requests."""
    import gradio as gr
    from gradio.utils import get_upload_folder

    from gopro.classifier.app import api, page
    from gopro.classifier.app.middleware import AllowedRoutes, SizeLimit, UploadsOnly

    limits = service.limits
    mounted = gr.mount_gradio_app(
        api.build(service, title),
        page.build(service, title),
        path="/",
        footer_links=[],
        max_file_size=limits.bytes,
        allowed_paths=[],
        show_error=False,
        ssr_mode=False,
        theme=page.theme(),
        css=page.style(),
    )
    app = AllowedRoutes(UploadsOnly(mounted, Path(get_upload_folder())))
    pictures = limits.bytes * min(limits.pictures, 10)
    return SizeLimit(app, pictures + _WITHOUT_PICTURES, _WITHOUT_PICTURES)


def listen(host: str, port: int) -> socket.socket:
    """Open a port. It is done first, since loading a model takes seconds.

    Args:
        host: An address of this machine.
        port: 0 for any free port.

    Raises:
        GoproError: When the port can't be opened.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen(128)
    except (OSError, OverflowError) as error:
        listener.close()
        reason = getattr(error, "strerror", None) or error
        raise GoproError(
            f"can't serve on {host} port {port} ({reason}); choose another --port or --host"
        ) from error
    return listener


def serve(app: Any, listener: socket.socket) -> None:
    """Serve until Ctrl-C."""
    import uvicorn

    _share_heaps()
    config = uvicorn.Config(
        app, log_level="warning", limit_concurrency=256, timeout_keep_alive=10, ws="none"
    )
    uvicorn.Server(config).run(sockets=[listener])


def _share_heaps() -> None:
    """Let all threads share two glibc heaps; one heap per thread fragments over hours of requests
    with pictures of different sizes, and the process grows.
    """
    if sys.platform == "linux":
        with contextlib.suppress(OSError, AttributeError):  # not glibc
            ctypes.CDLL(None).mallopt(_M_ARENA_MAX, 2)
