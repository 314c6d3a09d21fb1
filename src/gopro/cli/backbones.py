"""``gopro backbones``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from gopro.cli.options import Parser, parse
from gopro.common.errors import GoproError


def backbones(arguments: Sequence[str]) -> None:
    """List the embedded ones with their accuracies, and open_clip's with their weights."""
    parser = Parser(
        prog="gopro backbones",
        description="List the available image-text models. Models of the Hugging Face hub work "
        "too: --backbone hf-hub:ORG/NAME.",
    )
    parser.add_argument(
        "pattern", nargs="?", default="", help="list only names or families that contain this text"
    )
    pattern = (parse(parser, arguments)["pattern"] or "").lower()

    from gopro.backbones.embedded import LOADERS, loader
    from gopro.common.console import print_table
    from gopro.results.pages.formats import rich_table

    embedded = [name for name in LOADERS if pattern in name]
    for name in embedded:
        print(_embedded(loader(name).card(), loader(name).config()))
    rows = _rows(pattern)
    if rows:
        head = ("backbone", "family", "methods", "--pretrained (licence)", "image", "weights")
        print_table(rich_table(head, rows, left=4))
    elif not embedded:
        raise GoproError(f"no backbone's name contains {pattern!r}; see `gopro backbones`")


def _rows(pattern: str) -> list[tuple[str, ...]]:
    """Those of open_clip that can be built."""
    import open_clip

    from gopro.backbones.architectures import family, fitting, known
    from gopro.backbones.names import squeeze, usable
    from gopro.methods import TABLE, find

    modifying = [name for name in TABLE if find(name).modifies_image_encoder]
    rows: list[tuple[str, ...]] = []
    for name in usable():
        row = known().get(name)
        found = squeeze(pattern) in squeeze(name) or pattern in family(name).lower()
        if not found or (row is not None and row.refused):
            continue
        size, count, fits = "", "", ""
        if row is not None:
            size = f"{row.pixels} px"
            count = f"{(row.image_parameters + row.text_parameters) / 1e6:.0f} M"
            fits = fitting(row, modifying)
        tags = open_clip.list_pretrained_tags_by_model(name)
        weights = _with_licences(name, tags) if tags else "your file; none is published"
        rows.append((name, family(name), fits, weights, size, count))
    return rows


def _with_licences(name: str, tags: Sequence[str]) -> str:
    """The tags, those of one licence together; unknown licences last and unmarked."""
    from gopro.backbones.architectures import licence

    groups: dict[str, list[str]] = {}
    for tag in tags:
        groups.setdefault(licence(name, tag), []).append(tag)
    unknown = groups.pop("", [])
    marked = [f"{', '.join(group)} ({text})" for text, group in groups.items()]
    return "; ".join([*marked, ", ".join(unknown)] if unknown else marked)


def _embedded(card: dict[str, Any], config: dict[str, Any]) -> str:
    """An embedded backbone in two lines."""
    size = config["preprocess_cfg"]["size"][0]
    weights = sum(card["parameters"][tower] for tower in ("image", "text")) / 1e6
    accuracies = ", ".join(f"{name} {value:.1f} %" for name, value in card["zero_shot"].items())
    head = f"{card['name']}: embedded, {size} px, {weights:.1f} M weights"
    return (
        f"{head}, {card['megabytes']:.1f} MB\n  zero-shot with {card['template']!r}: {accuracies}"
    )
