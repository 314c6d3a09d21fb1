"""The generated pages of the site, and that the navigation lists every page."""

from __future__ import annotations

import dataclasses
import json
import re
from typing import Any

import pytest
import yaml
from scripts import settings_page, site_pages

from gopro.methods import TABLE, find
from gopro.training.config import TrainSettings

ROOT = site_pages.ROOT
SETTINGS = settings_page.settings()


def _pages(entry: Any) -> list[str]:
    if isinstance(entry, str):
        return [entry]
    inside = entry.values() if isinstance(entry, dict) else entry
    return [page for one in inside for page in _pages(one)]


def test_every_page_is_in_the_navigation_once() -> None:
    config = yaml.safe_load((ROOT / "mkdocs.yml").read_text(encoding="utf-8"))
    listed = _pages(config["nav"])
    generated = {name for name in site_pages.generated() if name.endswith(".md")}
    there = {path.name for path in (ROOT / "docs").glob("*.md")}
    assert sorted(listed) == sorted(there | generated)
    assert not there & generated


@pytest.mark.parametrize("name", [None, *TABLE])
def test_every_setting_is_there_with_its_help(name: str | None) -> None:
    kind = TrainSettings if name is None else find(name).Settings
    prefix = "--" if name is None else f"--{name}."
    for field in dataclasses.fields(kind):
        if field.name == "views":
            continue
        (row,) = re.findall(rf"^\| `{prefix}{field.name}` \|(.*)\|$", SETTINGS, re.MULTILINE)
        type_shown, default, help_text = (cell.strip() for cell in row.split(" | "))
        assert type_shown and len(help_text) > 10
        if field.default is not dataclasses.MISSING and field.default not in (None, ""):
            assert default


def test_settings_in_words() -> None:
    assert "| `--shots` | `int` | `16` | Training images per class. |" in SETTINGS
    assert "| `--select` | `last`, `best` | `last` |" in SETTINGS
    assert "| `--resume` | `bool` | `false` |" in SETTINGS
    assert "| `--views.moco_scale` | `tuple[float, float]` | `[0.08, 1.0]` |" in SETTINGS
    assert "`--views` |" not in SETTINGS


def test_every_link_leads_to_a_file_of_the_site() -> None:
    docs = ROOT / "docs"
    pages = {name: text for name, text in site_pages.generated().items() if isinstance(text, str)}
    for path in docs.glob("*.md"):
        pages[path.name] = site_pages.relinked(path.read_text(encoding="utf-8"), "docs")
    lost = [
        f"{page}: {target}"
        for page, text in pages.items()
        for target in re.findall(r"\]\(([^)#\s]+)", text)
        if "://" not in target
        and target not in site_pages.generated()
        and not (docs / target).is_file()
    ]
    assert not lost


def test_links_become_links_between_pages() -> None:
    text = (
        "[a](docs/speed.md#memory) ![b](docs/images/demo.png) [c](src/gopro/backbones/mini/CARD.md)"
    )
    assert (
        site_pages.relinked(text, "") == "[a](speed.md#memory) ![b](images/demo.png) [c](mini.md)"
    )
    text = "[a](../README.md) [b](speed.md) [c](https://example.org/docs/x.md) [d](#here)"
    assert site_pages.relinked(text, "docs") == (
        "[a](index.md) [b](speed.md) [c](https://example.org/docs/x.md) [d](#here)"
    )


def test_notebook_as_a_page() -> None:
    cells = [
        {"cell_type": "markdown", "source": ["# Title\n", "text"]},
        {
            "cell_type": "code",
            "source": ["print(1)"],
            "outputs": [
                {"output_type": "stream", "name": "stderr", "text": ["warning"]},
                {"output_type": "stream", "name": "stdout", "text": ["1\n"]},
                {
                    "output_type": "display_data",
                    "data": {"image/png": "iVBORw==", "text/plain": "x"},
                },
            ],
        },
    ]
    text, pictures = site_pages.notebook({"cells": cells})
    assert text == (
        "# Title\ntext\n\n```python\nprint(1)\n```\n\n```text\n1\n```\n\n"
        "![output of the cell](images/notebook-0.png)\n"
    )
    assert pictures == {"images/notebook-0.png": b"\x89PNG"}


def test_the_notebooks_outputs_are_small() -> None:
    for path in (ROOT / "notebooks").glob("*.ipynb"):
        assert path.stat().st_size < 400_000
        assert json.loads(path.read_text(encoding="utf-8"))["nbformat"] == 4
