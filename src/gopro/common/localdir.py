"""Backbones that are a folder, ``local-dir:PATH``: their whole path, and what others may see."""

from __future__ import annotations

from gopro.common.files import expanded, last_part

LOCAL = "local-dir:"


def located(name: str) -> str:
    """The name; that of a folder with its whole path, so that it is the same from any folder."""
    if not name.startswith(LOCAL):
        return name
    return f"{LOCAL}{expanded(name.removeprefix(LOCAL)).absolute()}"


def without_folders(name: str) -> str:
    """The name for other people: of ``local-dir:PATH`` only the last part of the path."""
    return LOCAL + last_part(name.removeprefix(LOCAL)) if name.startswith(LOCAL) else name
