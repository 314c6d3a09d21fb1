"""MkDocs hooks that generate pages of the site, so that these pages are never out of date.

The README, the changelog, the pages on contributing and security and those of the embedded
backbones are outside ``docs/``, the notebook is not Markdown, and the settings are read from their
dataclasses. Links between files of the repository become links between pages.
"""

from __future__ import annotations

import base64
import functools
import json
import posixpath
import re
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))  # MkDocs loads this file by its path

from scripts.settings_page import settings  # noqa: E402

ELSEWHERE = {
    "README.md": "index.md",
    "CHANGELOG.md": "changelog.md",
    "CONTRIBUTING.md": "contributing.md",
    "SECURITY.md": "security.md",
    "src/gopro/backbones/lite/CARD.md": "lite.md",
    "src/gopro/backbones/mini/CARD.md": "mini.md",
    "recipes/lite/README.md": "lite-recipe.md",
    "notebooks/own_pictures.ipynb": "notebook.md",
}
"""Files of the repository outside ``docs/`` -> their pages."""


def on_files(files: Any, config: Any) -> Any:
    """Add the generated pages. MkDocs calls this before it reads any page."""
    from mkdocs.structure.files import File

    for name, content in generated().items():
        files.append(File.generated(config, name, content=content))
    return files


def on_page_markdown(markdown: str, page: Any, config: Any, files: Any) -> str:
    """Rewrite the links of a page in ``docs/``. MkDocs calls this for each page."""
    return markdown if page.file.src_uri in generated() else relinked(markdown, "docs")


@functools.cache
def generated() -> dict[str, str | bytes]:
    """The generated pages and their pictures: name in the site -> content."""
    pages: dict[str, str | bytes] = {"settings.md": settings()}
    for source, page in ELSEWHERE.items():
        text = (ROOT / source).read_text(encoding="utf-8")
        if source.endswith(".ipynb"):
            text, pictures = notebook(json.loads(text))
            pages |= pictures
        pages[page] = relinked(text, posixpath.dirname(source))
    return pages


def relinked(text: str, folder: str) -> str:
    """Markdown in which links to files of the repository are links to pages.

    Args:
        text: Markdown.
        folder: Its folder in the repository; links are relative to it.
    """

    def page(match: re.Match[str]) -> str:
        target, rest = match.groups()
        if "://" in target:
            return match[0]
        path = posixpath.normpath(posixpath.join(folder, target))
        return f"]({ELSEWHERE.get(path, path.removeprefix('docs/'))}{rest})"

    return re.sub(r"\]\(([^)#\s]+)((?:#[^)]*)?)\)", page, text)


def notebook(contents: dict[str, Any]) -> tuple[str, dict[str, bytes]]:
    """A notebook as Markdown, and its pictures: name in the site -> PNG.

    Args:
        contents: The JSON of the notebook, with its stored outputs.
    """
    parts: list[str] = []
    pictures: dict[str, bytes] = {}
    for cell in contents["cells"]:
        source = "".join(cell["source"])
        if cell["cell_type"] == "markdown":
            parts.append(source)
            continue
        parts.append(f"```python\n{source}\n```")
        for output in cell["outputs"]:
            data = output.get("data", {})
            if "image/png" in data:
                name = f"images/notebook-{len(pictures)}.png"
                pictures[name] = base64.b64decode(data["image/png"])
                parts.append(f"![output of the cell]({name})")
                continue
            text = "".join(output.get("text") or data.get("text/plain", ""))
            if text and output.get("name") != "stderr":
                parts.append(f"```text\n{text.rstrip()}\n```")
    return "\n\n".join(parts) + "\n", pictures
