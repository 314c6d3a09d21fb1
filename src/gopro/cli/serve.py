"""``gopro serve MODEL``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from gopro.cli import saved
from gopro.cli.options import Parser, parse
from gopro.common.errors import GoproError


def serve(arguments: Sequence[str]) -> None:
    """Serve a classifier as a web page and an HTTP API, until Ctrl-C."""
    parser = Parser(
        prog="gopro serve",
        description="Serve a classifier as a web page and an HTTP API. Needs the extra `app`.",
    )
    parser.add_argument("model", type=Path, help="the classifier's folder")
    parser.add_argument(
        "--host", type=str, default="127.0.0.1", help="this machine alone; 0.0.0.0 for others too"
    )
    parser.add_argument("--port", type=int, default=7860, help="0 for any that is free")
    saved.add_options(parser)
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

    with listen(values["host"], values["port"]) as taken:
        classifier = saved.load(values["model"], values)
        title = values["model"].resolve().name
        app = application(Service(classifier), title)
        host = f"[{values['host']}]" if ":" in values["host"] else values["host"]
        print(
            f"{title} is on http://{host}:{taken.getsockname()[1]} (API: /api); Ctrl-C ends it",
            flush=True,
        )
        run(app, taken)
