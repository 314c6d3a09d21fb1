"""One module of an installed package, without loading the rest of the package."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from functools import cache
from pathlib import Path
from typing import Any


@cache
def single_module(package: str, name: str) -> Any:
    """A module that doesn't need the others of its package, which may be slow to load.

    ``open_clip`` loads timm, torchvision and transformers; its tokenizer and its templates need
    none of them.

    Args:
        package: A package at the top level.
        name: The module in it.

    Raises:
        ImportError: If the package has no such module.
    """
    full = f"{package}.{name}"
    spec = importlib.util.find_spec(package)
    places = list(spec.submodule_search_locations or ()) if spec is not None else []
    file = Path(places[0], f"{name}.py") if places else Path()
    if package in sys.modules or not file.is_file():
        return importlib.import_module(full)
    alone = importlib.util.spec_from_file_location(f"_{package}_{name}", file)
    if alone is None or alone.loader is None:
        return importlib.import_module(full)
    module = importlib.util.module_from_spec(alone)
    try:
        alone.loader.exec_module(module)
    except ImportError:  # in this version it needs the others
        return importlib.import_module(full)
    return module
