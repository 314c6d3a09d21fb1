"""The web page, built with Gradio."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import gradio as gr
import numpy as np
from markupsafe import Markup
from PIL import Image

from gopro.classifier.app.rows import Row, Wanted, as_csv, as_json
from gopro.classifier.app.service import Service, Upload
from gopro.common.errors import GoproError
from gopro.data import heic
from gopro.data.images import image_from_bytes, to_array
from gopro.results.pages.page import data_uri, data_url, environment

_SIDE = 160
_DELETE_UPLOADS = (600, 1800)
"""Every 10 minutes, delete uploads older than 30 minutes (in seconds)."""

_SESSIONS = 200
"""How many visitors' last results are kept, 45 kB each; Gradio's default is 10,000."""

T = TypeVar("T")
Files = Sequence[Mapping[str, Any]] | None
"""Gradio's description of the chosen files, each with its ``path``."""


def build(service: Service, title: str) -> gr.Blocks:
    """The components and event handlers of the page of a model with the name ``title``."""
    templates = environment("gopro.classifier.app")
    results = templates.get_template("results.html")

    def answer(files: Files, text: str, least: float) -> tuple[str, Any]:
        uploads = _uploads(files)
        wanted = Wanted(confidence=least / 100)
        rows: list[Row] = []
        if uploads:
            rows = _shown_errors(lambda: service.answer(uploads, service.names(text), wanted))
        pictures = zip(rows, _thumbnails(uploads, service), strict=True)
        shown = results.render(rows=list(pictures), files=_downloads(rows))
        choices = [(row.picture, number) for number, row in enumerate(rows) if not row.error]
        first = choices[0][1] if choices else None
        return shown, gr.update(choices=choices, value=first, visible=bool(choices))

    def explain(files: Files, text: str, which: int | None) -> Image.Image:
        upload = _chosen(files, which)
        return _shown_errors(lambda: service.explain(upload, service.names(text)))[1]

    def views(files: Files, text: str, which: int | None) -> str:
        upload = _chosen(files, which)
        images = _shown_errors(lambda: service.views(upload, service.names(text)))
        shown = [(data_uri(np.asarray(image)), caption) for image, caption in images]
        return templates.get_template("views.html").render(views=shown)

    # Gradio's preprocessing would leave an empty file in the upload folder, for each picture
    hidden: dict[str, Any] = {"api_visibility": "private", "preprocess": False}
    page = gr.Blocks(title=title, analytics_enabled=False, delete_cache=_DELETE_UPLOADS)
    with page:
        gr.HTML(templates.get_template("header.html").render(title=title, service=service))
        with gr.Row():
            with gr.Column(scale=2, min_width=300):
                files = gr.File(
                    label="Pictures",
                    file_count="multiple",
                    file_types=["image", *(f".{kind}" for kind in heic.KINDS)],
                    height=190,
                )
                names = gr.Textbox(
                    service.own_text,
                    label="Class names, separated by commas",
                    info="Edit them to classify among other names, trained on or not.",
                    lines=4,
                    max_lines=10,
                )
                least = gr.Slider(
                    0,
                    100,
                    0,
                    step=5,
                    label="Confidence",
                    info="Answers with a smaller probability in % are marked as unsure.",
                )
                restore = gr.Button("Reset to the model's names", size="sm")
            with gr.Column(scale=3, min_width=320):
                shown = gr.HTML(results.render(rows=[], files=[]))
        which = gr.Dropdown([], label="Picture to explain", visible=False)
        with gr.Tabs():
            with gr.Tab("Explanation"):
                explain_button = gr.Button("Explain", size="sm")
                explanation = gr.Image(
                    show_label=False, interactive=False, buttons=["download", "fullscreen"]
                )
            with gr.Tab("Augmented views"):
                views_button = gr.Button("Draw views", size="sm")
                shown_views = gr.HTML()
        outputs = [shown, which]
        asked = [files, names, least]
        for change in (files.change, names.change, least.change):
            change(answer, asked, outputs, trigger_mode="always_last", **hidden)
        restore.click(lambda: service.own_text, None, names, **hidden)
        explain_button.click(explain, [files, names, which], explanation, **hidden)
        views_button.click(views, [files, names, which], shown_views, **hidden)
    page.state_session_capacity = _SESSIONS
    page.queue(max_size=64, default_concurrency_limit=service.limits.at_once)
    return page


def style() -> str:
    """The page's style sheet."""
    return (Path(__file__).parent / "templates" / "page.css").read_text(encoding="utf-8")


def theme() -> gr.themes.Base:
    """System fonts only, so that nothing is loaded from other servers."""
    fonts = ["system-ui", "sans-serif"]
    return gr.themes.Soft(
        primary_hue="indigo", neutral_hue="slate", font=fonts, font_mono=["ui-monospace"]
    )


def _uploads(files: Files) -> list[Upload]:
    paths = [Path(file["path"]) for file in files or ()]
    return [Upload(path.name, partial(_read, path)) for path in paths]


def _read(path: Path, most: int) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(most)
    except OSError as error:
        raise GoproError(
            f"picture {path.name} was deleted, {_DELETE_UPLOADS[1] // 60} minutes after it was "
            "added; add it again"
        ) from error


def _chosen(files: Files, which: int | None) -> Upload:
    if not files or not isinstance(which, int) or not 0 <= which < len(files):
        raise gr.Error("add a picture first", print_exception=False)
    return _uploads([files[which]])[0]


def _shown_errors(call: Callable[[], T]) -> T:
    """The result of ``call``; a GoproError is shown on the page."""
    try:
        return call()
    except GoproError as error:
        raise gr.Error(str(error), print_exception=False) from error


def _thumbnails(uploads: Sequence[Upload], service: Service) -> list[Markup | None]:
    thumbnails: list[Markup | None] = []
    for upload in uploads:
        try:
            contents = upload.read(service.limits.bytes)
            image = image_from_bytes(contents, upload.name, service.limits.pixels)
            thumbnails.append(data_uri(to_array(image, _SIDE)))
        except GoproError:
            thumbnails.append(None)
    return thumbnails


def _downloads(rows: Sequence[Row]) -> list[tuple[str, Markup]]:
    """The results as files embedded in the page: name and ``data:`` URL."""
    files = (("results.csv", "text/csv", as_csv), ("results.json", "application/json", as_json))
    return [
        (name, data_url(f"{kind};charset=utf-8", write(rows).encode()))
        for name, kind, write in files
        if rows
    ]
