"""``gopro serve MODEL``."""

from __future__ import annotations

from collections.abc import Sequence

from gopro.cli import saved
from gopro.cli.options import Parser, parse
from gopro.common.errors import GoproError


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
        host = f"[{values['host']}]" if ":" in values["host"] else values["host"]
        address = f"http://{host}:{connection.getsockname()[1]}"
        print(f"{title} is on {address} (API: /api); Ctrl-C stops it", flush=True)
        run(app, connection)
