"""A module without the rest of its package."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from gopro.common.single_module import single_module


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> str:
    """A package whose __init__ counts how often it runs."""
    name = f"slow_{abs(hash(request.node.name))}"
    folder = tmp_path / name
    folder.mkdir()
    (folder / "__init__.py").write_text("LOADED = True\n")
    (folder / "alone.py").write_text("VALUE = 3\n")
    (folder / "needs.py").write_text("from .alone import VALUE\n")
    monkeypatch.syspath_prepend(tmp_path)
    return name


def test_the_package_is_not_loaded(package: str) -> None:
    module = single_module(package, "alone")
    assert module.VALUE == 3 and package not in sys.modules
    assert single_module(package, "alone") is module


def test_a_module_that_needs_the_others_comes_with_its_package(package: str) -> None:
    assert single_module(package, "needs").VALUE == 3
    assert package in sys.modules


def test_a_package_that_is_loaded_is_used(package: str) -> None:
    __import__(f"{package}.alone")
    assert single_module(package, "alone") is sys.modules[f"{package}.alone"]


def test_what_is_not_there(package: str) -> None:
    with pytest.raises(ImportError):
        single_module(package, "absent")
    with pytest.raises(ImportError):
        single_module("no_such_package_at_all", "alone")
