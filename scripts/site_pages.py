"""Pages of the site that are made when it is built, as hooks of MkDocs.

The README, the changelog and the embedded backbone's card lie elsewhere in the repository, the
notebook is no Markdown, and the settings are read from their dataclasses, so that no page of theirs
can be out of date. Links between files of the repository become links between pages.
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
    "src/gopro/backbones/mini/CARD.md": "mini.md",
    "notebooks/own_pictures.ipynb": "notebook.md",
}
"""Files of the repository outside ``docs/`` -> their pages."""


def on_files(files: Any, config: Any) -> Any:
    """Add what is made; MkDocs calls it before it reads any page."""
    from mkdocs.structure.files import File

    for name, content in made().items():
        files.append(File.generated(config, name, content=content))
    return files


def on_page_markdown(markdown: str, page: Any, config: Any, files: Any) -> str:
    """Lead links of a page in ``docs/`` to pages; MkDocs calls it for each page."""
    return markdown if page.file.src_uri in made() else relinked(markdown, "docs")


@functools.cache
def made() -> dict[str, str | bytes]:
    """Every page that is made, and the pictures on them: name in the site -> content."""
    found: dict[str, str | bytes] = {"settings.md": settings()}
    for source, page in ELSEWHERE.items():
        text = (ROOT / source).read_text(encoding="utf-8")
        if source.endswith(".ipynb"):
            text, pictures = notebook(json.loads(text))
            found |= pictures
        found[page] = relinked(text, posixpath.dirname(source))
    return found


def relinked(text: str, folder: str) -> str:
    """Markdown with its links to files of the repository turned into links to pages.

    Args:
        text: Markdown.
        folder: Where it lies in the repository, which its links are relative to.
    """

    def page(match: re.Match[str]) -> str:
        target, rest = match.groups()
        if "://" in target:
            return match[0]
        place = posixpath.normpath(posixpath.join(folder, target))
        return f"]({ELSEWHERE.get(place, place.removeprefix('docs/'))}{rest})"

    return re.sub(r"\]\(([^)#\s]+)((?:#[^)]*)?)\)", page, text)


def notebook(contents: dict[str, Any]) -> tuple[str, dict[str, bytes]]:
    """A notebook as Markdown, and its pictures: name in the site -> PNG.

    Args:
        contents: The notebook's JSON, with the outputs that are stored in it.
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
                parts.append(f"![what the cell shows]({name})")
                continue
            text = "".join(output.get("text") or data.get("text/plain", ""))
            if text and output.get("name") != "stderr":
                parts.append(f"```text\n{text.rstrip()}\n```")
    return "\n\n".join(parts) + "\n", pictures
