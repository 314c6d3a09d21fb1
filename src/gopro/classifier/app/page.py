"""The web page, with Gradio."""

from __future__ import annotations

import base64
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import gradio as gr
import numpy as np
from markupsafe import Markup
from PIL import Image

from gopro.classifier.app.api import templates
from gopro.classifier.app.service import Row, Service, Upload, as_csv, as_json
from gopro.common.errors import GoproError
from gopro.data.images import image_from_bytes, to_array
from gopro.results.pages.page import data_uri

_SIDE = 160
_FRESH = (600, 1800)
"""Every ten minutes uploads older than half an hour are removed."""

_VISITORS = 200
"""So many keep what the page showed them last, 45 kB each; Gradio's default is 10,000."""

T = TypeVar("T")


def build(service: Service, title: str) -> gr.Blocks:
    """The page's parts, and what happens between them.

    Args:
        service: What answers.
        title: What the model is called.
    """
    templated = templates()
    results = templated.get_template("results.html")

    def answer(files: Sequence[str] | None, text: str) -> tuple[str, Any]:
        uploads = _uploads(files, service.limits.bytes)
        rows = _told(lambda: service.answer(uploads, service.names(text))) if uploads else []
        pictures = zip(rows, _thumbnails(uploads, service), strict=True)
        shown = results.render(rows=list(pictures), files=_downloads(rows))
        choices = [(row.picture, number) for number, row in enumerate(rows) if not row.error]
        first = choices[0][1] if choices else None
        return shown, gr.update(choices=choices, value=first, visible=bool(choices))

    def explain(files: Sequence[str] | None, text: str, which: int | None) -> Image.Image:
        upload = _chosen(files, which, service.limits.bytes)
        return _told(lambda: service.explain(upload, service.names(text)))[1]

    def views(files: Sequence[str] | None, text: str, which: int | None) -> str:
        upload = _chosen(files, which, service.limits.bytes)
        found = _told(lambda: service.views(upload, service.names(text)))
        shown = [(data_uri(np.asarray(image)), told) for image, told in found]
        return templated.get_template("views.html").render(views=shown)

    own = ", ".join(service.own[: service.limits.names])
    hidden: dict[str, Any] = {"api_visibility": "private"}
    page = gr.Blocks(title=title, analytics_enabled=False, delete_cache=_FRESH)
    with page:
        gr.HTML(_header(service, title))
        with gr.Row():
            with gr.Column(scale=2, min_width=300):
                files = gr.File(
                    label="Pictures", file_count="multiple", file_types=["image"], height=190
                )
                names = gr.Textbox(
                    own,
                    label="Class names, with commas between",
                    info="Edit them: other names are answered at once, trained on or not.",
                    lines=4,
                    max_lines=10,
                )
                restore = gr.Button("The model's own names", size="sm")
            with gr.Column(scale=3, min_width=320):
                shown = gr.HTML(results.render(rows=[], files=[]))
        which = gr.Dropdown([], label="A closer look at", visible=False)
        with gr.Tabs():
            with gr.Tab("Why this answer"):
                why = gr.Button("Explain", size="sm")
                drawn = gr.Image(
                    show_label=False, interactive=False, buttons=["download", "fullscreen"]
                )
            with gr.Tab("Augmented views"):
                draw = gr.Button("Draw views", size="sm")
                seen = gr.HTML()
        outputs = [shown, which]
        files.change(answer, [files, names], outputs, trigger_mode="always_last", **hidden)
        names.change(answer, [files, names], outputs, trigger_mode="always_last", **hidden)
        restore.click(lambda: own, None, names, **hidden)
        why.click(explain, [files, names, which], drawn, **hidden)
        draw.click(views, [files, names, which], seen, **hidden)
    page.state_session_capacity = _VISITORS
    page.queue(max_size=64, default_concurrency_limit=service.limits.at_once)
    return page


def style() -> str:
    """The page's own style."""
    return (Path(__file__).parent / "templates" / "page.css").read_text(encoding="utf-8")


def theme() -> gr.themes.Base:
    """Fonts of the system alone: nothing is fetched from elsewhere."""
    fonts = ["system-ui", "sans-serif"]
    return gr.themes.Soft(
        primary_hue="indigo", neutral_hue="slate", font=fonts, font_mono=["ui-monospace"]
    )


def _header(service: Service, title: str) -> str:
    classifier = service.classifier
    about = f"{classifier.method} on {classifier.backbone}, {len(service.own)} classes"
    return Markup(
        '<div class="gp-head"><h1>{}</h1><p>{}. Used by programs too: <a href="/api">HTTP API</a>'
        '</p><div class="gp-legend"><span><i class="gp-ours"></i>learned</span><span>'
        '<i class="gp-zero"></i>zero-shot CLIP</span></div></div>'
    ).format(title, about)


def _uploads(files: Sequence[str] | None, most: int) -> list[Upload]:
    found = []
    for file in files or ():
        with Path(file).open("rb") as opened:
            found.append((Path(file).name, opened.read(most + 1)))
    return found


def _chosen(files: Sequence[str] | None, which: int | None, most: int) -> Upload:
    if not files or which is None or not 0 <= which < len(files):
        raise gr.Error("drop a picture first", print_exception=False)
    return _uploads([files[which]], most)[0]


def _told(ask: Callable[[], T]) -> T:
    """What can't be done is told on the page."""
    try:
        return ask()
    except GoproError as error:
        raise gr.Error(str(error), print_exception=False) from error


def _thumbnails(uploads: Sequence[Upload], service: Service) -> list[Markup | None]:
    found: list[Markup | None] = []
    for name, contents in uploads:
        try:
            image = image_from_bytes(contents, name, service.limits.pixels)
            found.append(data_uri(to_array(image, _SIDE)))
        except GoproError:
            found.append(None)
    return found


def _downloads(rows: Sequence[Row]) -> list[tuple[str, Markup]]:
    """The results as files inside the page: name and ``data:`` address."""
    files = (("results.csv", "text/csv", as_csv), ("results.json", "application/json", as_json))
    return [(name, _address(kind, write(rows))) for name, kind, write in files] if rows else []


def _address(kind: str, text: str) -> Markup:
    code = base64.b64encode(text.encode("utf-8")).decode("ascii")
    return Markup(f"data:{kind};charset=utf-8;base64,{code}")  # nosec B704  # no markup in base64
