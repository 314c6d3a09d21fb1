"""``gopro backbones``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from gopro.cli.options import Parser, parse
from gopro.common.errors import GoproError


def backbones(arguments: Sequence[str]) -> None:
    """List mini with its figures, and open_clip's CLIP models with their tags."""
    parser = Parser(prog="gopro backbones", description="List the CLIP models at hand.")
    parser.add_argument("pattern", nargs="?", default="", help="only names that contain this")
    pattern = parse(parser, arguments)["pattern"] or ""

    import open_clip
    from rich.console import Console
    from rich.table import Table

    from gopro.backbones.mini import load as mini

    console = Console()
    if pattern.lower() in "mini":
        console.print(_mini(mini.card(), mini.config()))
    table = Table("backbone", "image", "--pretrained")
    for name in open_clip.list_models():
        config = open_clip.get_model_config(name)
        tags = open_clip.list_pretrained_tags_by_model(name)
        if pattern.lower() in name.lower() and tags and _is_clip(config):
            size = config["vision_cfg"]["image_size"]
            table.add_row(name, f"{size} px", ", ".join(tags))
    if table.row_count:
        console.print(table)
    elif pattern.lower() not in "mini":
        raise GoproError(f"no backbone's name contains {pattern!r}; see `gopro backbones`")


def _mini(card: dict[str, Any], config: dict[str, Any]) -> str:
    """What the embedded backbone is, in a few lines."""
    size = config["model_cfg"]["vision_cfg"]["image_size"]
    weights = sum(card["parameters"][tower] for tower in ("image", "text")) / 1e6
    figures = ", ".join(f"{name} {value:.1f} %" for name, value in card["zero_shot"].items())
    return (
        f"mini: embedded, {size} px, {weights:.1f} M weights, {card['megabytes']:.1f} MB\n"
        f"  zero-shot with {card['template']!r}: {figures}"
    )


def _is_clip(config: dict[str, dict[str, object]]) -> bool:
    text, vision = config["text_cfg"], config["vision_cfg"]
    foreign = ("hf_model_name", "hf_tokenizer_name", "no_causal_mask", "embed_cls")
    return not any(text.get(key) for key in foreign) and "timm_model_name" not in vision
