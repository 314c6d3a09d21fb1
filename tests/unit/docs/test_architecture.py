"""docs/architecture.md names every package, and its layers are those that are checked."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

import gopro

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")


def modules() -> list[str]:
    """What lies directly in the package: modules as ``x.py``, packages as ``x/``."""
    (folder,) = gopro.__path__
    inside = sorted(Path(folder).iterdir())
    packages = [f"{path.name}/" for path in inside if (path / "__init__.py").is_file()]
    return packages + [path.name for path in inside if path.suffix == ".py"]


@pytest.mark.parametrize("name", [name for name in modules() if name != "__init__.py"])
def test_every_package_is_described(name: str) -> None:
    assert f"`{name}`" in PAGE


def test_the_layers_shown_are_those_checked() -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    layers, _ = settings["tool"]["importlinter"]["contracts"]
    shown = re.search(r"^## Layers\n.*?^```\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    assert shown and shown[1].splitlines() == layers["layers"]
    named = {word for layer in layers["layers"] for word in re.findall(r"\w+", layer)}
    assert named == {Path(name).stem for name in modules()} - {"__init__"}
