"""The site builds without a warning, as by ``make docs``, and asks for nothing elsewhere."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("material", reason="the extra `docs` isn't installed")
pytest.importorskip("mkdocstrings", reason="the extra `docs` isn't installed")

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(folder)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return folder


def test_pages_say_what_they_are_made_from(site: Path) -> None:
    assert "Two commands" in (site / "index.html").read_text(encoding="utf-8")
    assert "--gopro.w_sem" in (site / "settings.html").read_text(encoding="utf-8")
    assert "predict_proba" in (site / "api.html").read_text(encoding="utf-8")
    assert "with_classes" in (site / "notebook.html").read_text(encoding="utf-8")


def test_nothing_is_fetched_from_elsewhere(site: Path) -> None:
    loaded = re.compile(r"<(?:script|img|link|iframe)[^>]*?(?:src|href)=\"?(https?:[^\" >]+)[^>]*>")
    for page in site.rglob("*.html"):
        text = page.read_text(encoding="utf-8")
        foreign = [m[1] for m in loaded.finditer(text) if 'rel="canonical"' not in m[0]]
        assert not foreign, (page.name, foreign)
    for style in site.rglob("*.css"):
        assert not re.search(r"(?:url\(|@import)[\"' ]*https?:", style.read_text(encoding="utf-8"))
