"""The HTTP API: its calls, its page of documentation, and the bound on what is sent."""

from __future__ import annotations

import io
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Annotated, Any

import jinja2
from fastapi import FastAPI, File, Form, Response, UploadFile
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import HTMLResponse, JSONResponse

from gopro.classifier.app.service import Row, Service, Upload, as_dict
from gopro.common.errors import GoproError
from gopro.common.version import __version__

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

SECURITY = [
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"SAMEORIGIN"),
    (b"referrer-policy", b"no-referrer"),
]

Pictures = Annotated[list[UploadFile], File(description="picture files")]
Classes = Annotated[str | None, Form(description="other class names, with commas between")]
Top = Annotated[int, Form(ge=1, le=200, description="how many names to give")]


class Bounded:
    """Refuses requests whose body is larger than ``most`` bytes, and sets headers on answers.

    Args:
        app: What answers.
        most: Bytes.
    """

    def __init__(self, app: Any, most: int) -> None:
        self.app, self.most = app, most

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, by the interface of ASGI."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        length = dict(scope["headers"]).get(b"content-length", b"0")
        over, started, seen = not length.isdigit() or int(length) > self.most, False, 0

        async def bounded() -> MutableMapping[str, Any]:
            nonlocal over, seen
            message = await receive()
            seen += len(message.get("body", b""))
            over = over or seen > self.most
            return {"type": "http.disconnect"} if over else message

        async def noted(message: MutableMapping[str, Any]) -> None:
            nonlocal started
            if over and not started:
                return  # what the application makes of the cut request
            if message["type"] == "http.response.start":
                started = True
                message["headers"] = [*message.get("headers", []), *SECURITY]
            await send(message)

        if not over:
            try:
                await self.app(scope, bounded, noted)
            except Exception:
                if not over:
                    raise
        if over and not started:
            text = f"the request is larger than {self.most / 1e6:.0f} MB; send less at once"
            await JSONResponse({"error": text}, 413)(scope, receive, send)


def build(service: Service, title: str) -> FastAPI:
    """The calls of the API.

    Args:
        service: What answers.
        title: What the model is called.
    """
    app = FastAPI(title=title, version=__version__, docs_url=None, redoc_url=None)

    @app.exception_handler(GoproError)
    async def refuse(request: Any, error: GoproError) -> JSONResponse:
        busy = "too many requests" in str(error)
        return JSONResponse({"error": str(error)}, 503 if busy else 422)

    @app.get("/api", response_class=HTMLResponse, include_in_schema=False)
    async def documentation() -> str:
        return _documentation(service, title)

    @app.get("/api/about", summary="The model, its class names, and the bounds")
    async def about() -> dict[str, Any]:
        return describe(service, title)

    @app.post("/api/predict", summary="Name pictures")
    async def predict(
        pictures: Pictures, classes: Classes = None, top: Top = 5
    ) -> dict[str, list[dict[str, object]]]:
        names = service.names(classes)
        uploads = [await _read(one, service.limits.bytes) for one in pictures]
        rows: list[Row] = await run_in_threadpool(service.answer, uploads, names, top)
        return {"answers": [as_dict(row) for row in rows]}

    @app.post("/api/explain", summary="Draw what moved the answer to a picture: PNG")
    async def explain(picture: UploadFile, classes: Classes = None) -> Response:
        upload = await _read(picture, service.limits.bytes)
        _, drawn = await run_in_threadpool(service.explain, upload, service.names(classes))
        file = io.BytesIO()
        drawn.save(file, format="PNG")
        return Response(file.getvalue(), media_type="image/png")

    return app


def describe(service: Service, title: str) -> dict[str, Any]:
    """What ``GET /api/about`` answers."""
    classifier = service.classifier
    return {
        "model": title,
        "method": classifier.method,
        "backbone": classifier.backbone,
        "class_names": list(service.own),
        "limits": vars(service.limits),
    }


async def _read(file: UploadFile, most: int) -> Upload:
    # one byte more than is taken tells the service that it is too large
    return file.filename or "picture", await file.read(most + 1)


def templates() -> jinja2.Environment:
    """The page's own pieces of HTML, escaped by themselves."""
    return jinja2.Environment(
        loader=jinja2.PackageLoader("gopro.classifier.app"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def _documentation(service: Service, title: str) -> str:
    most = service.limits
    calls = [
        (
            *("POST", "/api/predict", "Names pictures, best first, beside zero-shot CLIP."),
            [
                ("pictures", "one or several picture files"),
                ("classes", "other class names, with commas between (may be left out)"),
                ("top", "how many names to give (5)"),
            ],
            "curl -F pictures=@photo.jpg -F top=3 http://127.0.0.1:7860/api/predict",
        ),
        (
            *("POST", "/api/explain", "Draws what moved the answer to a picture, as PNG."),
            [("picture", "a picture file"), ("classes", "as above")],
            "curl -F picture=@photo.jpg -o why.png http://127.0.0.1:7860/api/explain",
        ),
        (
            *("GET", "/api/about", "The model, its class names, and the bounds.", []),
            "curl http://127.0.0.1:7860/api/about",
        ),
    ]
    limits = [
        ("a picture's file", f"{most.bytes / 1e6:.0f} MB"),
        ("a picture", f"{most.pixels / 1e6:.0f} million pixels"),
        ("pictures in a request", str(most.pictures)),
        ("class names in a request", f"{most.names}, of {most.letters} letters at most"),
        ("time for a request", f"{most.seconds:.0f} s"),
    ]
    classifier = service.classifier
    about = f"{classifier.method} on {classifier.backbone}, {len(service.own)} classes."
    page = templates().get_template("api.html")
    return page.render(title=title, about=about, calls=calls, limits=limits)
