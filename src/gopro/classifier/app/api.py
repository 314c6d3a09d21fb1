"""The HTTP API: its calls and its documentation page."""

from __future__ import annotations

import io
from typing import Annotated, Any

from fastapi import FastAPI, File, Form, Response, UploadFile
from fastapi.concurrency import run_in_threadpool
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, JSONResponse

from gopro.classifier.app.rows import Row, Wanted, as_dict
from gopro.classifier.app.service import Service, Upload
from gopro.common.errors import GoproError
from gopro.common.version import __version__
from gopro.results.pages.page import environment

Pictures = Annotated[list[UploadFile], File(alias="picture", description="picture files")]
Classes = Annotated[str | None, Form(description="other class names, separated by commas")]
Confidence = Annotated[
    float | None, Form(ge=0, le=1, description="mark answers with a smaller probability as unsure")
]
Sets = Annotated[
    float | None,
    Form(gt=0, lt=1, description="probability with which a set of names holds the right one"),
]
Top = Annotated[int, Form(ge=1, le=200, description="how many class names to return")]


def build(service: Service, title: str) -> FastAPI:
    """The API, as a FastAPI application, of a model with the name ``title``."""
    app = FastAPI(title=title, version=__version__, docs_url=None, redoc_url=None)

    @app.exception_handler(GoproError)
    async def refuse(request: Any, error: GoproError) -> JSONResponse:
        busy = "too many requests" in str(error)
        return JSONResponse({"error": str(error)}, 503 if busy else 422)

    @app.exception_handler(RequestValidationError)
    async def refuse_fields(request: Any, error: RequestValidationError) -> JSONResponse:
        fault = error.errors()[0]
        name = str(fault["loc"][-1])
        if fault["type"] == "missing":
            return JSONResponse({"error": f"got no field {name!r}; see /api"}, 422)
        return JSONResponse({"error": f"got {name} {fault['input']!r:.60}: {fault['msg']}"}, 422)

    @app.get("/api", response_class=HTMLResponse, include_in_schema=False)
    async def documentation() -> str:
        classifier = service.classifier
        about = f"{classifier.method_name_} on {classifier.backbone}, {len(service.own)} classes."
        template = environment("gopro.classifier.app").get_template("api.html")
        return template.render(title=title, about=about, limits=service.limits)

    @app.get("/api/about", summary="The model, its class names, and the limits")
    async def about() -> dict[str, Any]:
        return describe(service, title)

    @app.post("/api/predict", summary="Classify pictures")
    async def predict(
        pictures: Pictures,
        classes: Classes = None,
        top: Top = 5,
        confidence: Confidence = None,
        sets: Sets = None,
    ) -> dict[str, list[dict[str, object]]]:
        names = service.names(classes)
        uploads = [_upload(one) for one in pictures]
        wanted = Wanted(top, confidence, sets)
        rows: list[Row] = await run_in_threadpool(service.answer, uploads, names, wanted)
        return {"answers": [as_dict(row) for row in rows]}

    @app.post("/api/explain", summary="Draw the explanation of a prediction: PNG")
    async def explain(picture: UploadFile, classes: Classes = None) -> Response:
        names = service.names(classes)
        _, image = await run_in_threadpool(service.explain, _upload(picture), names)
        file = io.BytesIO()
        image.save(file, format="PNG")
        return Response(file.getvalue(), media_type="image/png")

    return app


def describe(service: Service, title: str) -> dict[str, Any]:
    """The answer of ``GET /api/about``."""
    classifier = service.classifier
    return {
        "model": title,
        "method": classifier.method_name_,
        "backbone": classifier.backbone,
        "class_names": list(service.own),
        "calibrated": classifier.calibration_ is not None,
        "limits": vars(service.limits),
    }


def _upload(file: UploadFile) -> Upload:
    return Upload(file.filename or "picture", file.file.read)
