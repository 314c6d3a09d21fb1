"""``gopro serve MODEL``."""

from __future__ import annotations

from collections.abc import Sequence

from gopro.cli import saved
from gopro.cli.options import Parser, parse
from gopro.common.errors import GoproError

_EVERYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # nosec B104  # only if a user chooses it
"""Hosts that stand for all addresses of a machine, and this machine's own address."""


def serve(arguments: Sequence[str]) -> None:
    """Serve a saved classifier as a web page and an HTTP API, until Ctrl-C."""
    parser = Parser(
        prog="gopro serve",
        description="Serve a saved classifier as a web page and an HTTP API. It needs the extra "
        "`app`.",
    )
    saved.add_options(parser)
    parser.option(
        "--host", str, "127.0.0.1", "address to listen on; 0.0.0.0 for other machines too"
    )
    parser.option("--port", int, 7860, "port; 0 for any free port")
    values = parse(parser, arguments)
    try:
        import gradio  # noqa: F401
        import uvicorn  # noqa: F401
    except ImportError as error:
        raise GoproError(
            f"serving needs a package that isn't here ({error.name}); install it with "
            "pip install 'gopro-clip[app]'"
        ) from error

    from gopro.classifier.app.server import application, listen
    from gopro.classifier.app.server import serve as run
    from gopro.classifier.app.service import Service

    with listen(values["host"], values["port"]) as connection:
        classifier = saved.load(values["model"], values)
        title = values["model"].resolve().name
        app = application(Service(classifier), title)
        port = connection.getsockname()[1]
        host, others = values["host"], ""
        if host in _EVERYWHERE:  # no address that a browser can open on every system
            host = _EVERYWHERE[host]
            others = f"; on other machines, give the name or address of this one and :{port}"
        host = f"[{host}]" if ":" in host else host
        print(
            f"{title} is on http://{host}:{port} (API: /api){others}; Ctrl-C stops it", flush=True
        )
        run(app, connection)
