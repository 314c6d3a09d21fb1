"""Serving the page and the API on a port of this machine."""

from __future__ import annotations

import contextlib
import ctypes
import socket
import sys
from typing import Any

from gopro.classifier.app.service import Service
from gopro.common.errors import GoproError

_M_ARENA_MAX = -8  # as in glibc's malloc.h


def application(service: Service, title: str) -> Any:
    """Page and API as one ASGI application, with its bounds around it.

    Args:
        service: What answers.
        title: What the model is called.
    """
    import gradio as gr

    from gopro.classifier.app import api, page
    from gopro.classifier.app.doors import Doors

    most = service.limits
    mounted = gr.mount_gradio_app(
        api.build(service, title),
        page.build(service, title),
        path="/",
        footer_links=[],
        max_file_size=most.bytes,
        allowed_paths=[],
        show_error=False,
        ssr_mode=False,
        theme=page.theme(),
        css=page.style(),
    )
    # all pictures of a request, and what a form puts around them
    return api.Bounded(Doors(mounted), min(most.bytes * most.pictures, 10 * most.bytes) + 1_000_000)


def listen(host: str, port: int) -> socket.socket:
    """Take a port before anything heavy is loaded.

    Args:
        host: An address of this machine.
        port: 0 for any that is free.

    Raises:
        GoproError: When it can't be taken.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    taken = socket.socket(family, socket.SOCK_STREAM)
    taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        taken.bind((host, port))
        taken.listen(128)
    except (OSError, OverflowError) as error:
        taken.close()
        reason = getattr(error, "strerror", None) or error
        raise GoproError(
            f"can't serve on {host} port {port} ({reason}); choose another --port or --host"
        ) from error
    return taken


def serve(app: Any, on: socket.socket) -> None:
    """Serve until Ctrl-C."""
    import uvicorn

    _share_heaps()
    config = uvicorn.Config(
        app, log_level="warning", limit_concurrency=256, timeout_keep_alive=10, ws="none"
    )
    uvicorn.Server(config).run(sockets=[on])


def _share_heaps() -> None:
    """Let glibc's threads share two heaps: with one for each of many threads, what pictures of all
    sizes leave between each other makes the process grow for hours.
    """
    if sys.platform == "linux":
        with contextlib.suppress(OSError, AttributeError):  # another C library has no such call
            ctypes.CDLL(None).mallopt(_M_ARENA_MAX, 2)
