"""``gopro backbones``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from gopro.cli.options import Parser, parse
from gopro.common.errors import GoproError


def backbones(arguments: Sequence[str]) -> None:
    """List the embedded ones with their accuracies, and open_clip's CLIPs with their weights."""
    parser = Parser(prog="gopro backbones", description="List the available CLIP models.")
    parser.add_argument(
        "pattern", nargs="?", default="", help="list only names that contain this text"
    )
    pattern = (parse(parser, arguments)["pattern"] or "").lower()

    import open_clip
    from rich.console import Console

    from gopro.backbones.embedded import LOADERS, loader
    from gopro.results.pages.formats import rich_table

    console = Console()
    embedded = [name for name in LOADERS if pattern in name]
    for name in embedded:
        console.print(_embedded(loader(name).card(), loader(name).config()))
    rows = []
    for name in open_clip.list_models():
        config = open_clip.get_model_config(name)
        tags = open_clip.list_pretrained_tags_by_model(name)
        if pattern in name.lower() and tags and _is_clip(config):
            rows.append((name, f"{config['vision_cfg']['image_size']} px", ", ".join(tags)))
    if rows:
        console.print(rich_table(("backbone", "image", "--pretrained"), rows, left=3))
    elif not embedded:
        raise GoproError(f"no backbone's name contains {pattern!r}; see `gopro backbones`")


def _embedded(card: dict[str, Any], config: dict[str, Any]) -> str:
    """An embedded backbone in two lines."""
    size = config["preprocess_cfg"]["size"][0]
    weights = sum(card["parameters"][tower] for tower in ("image", "text")) / 1e6
    accuracies = ", ".join(f"{name} {value:.1f} %" for name, value in card["zero_shot"].items())
    head = f"{card['name']}: embedded, {size} px, {weights:.1f} M weights"
    return (
        f"{head}, {card['megabytes']:.1f} MB\n  zero-shot with {card['template']!r}: {accuracies}"
    )


def _is_clip(config: dict[str, dict[str, object]]) -> bool:
    text, vision = config["text_cfg"], config["vision_cfg"]
    other_text_encoders = ("hf_model_name", "hf_tokenizer_name", "no_causal_mask", "embed_cls")
    return not any(text.get(key) for key in other_text_encoders) and "timm_model_name" not in vision
