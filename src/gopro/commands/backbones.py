"""``gopro backbones``."""

from __future__ import annotations

from collections.abc import Sequence

from gopro.commands.options import Parser, parse


def backbones(arguments: Sequence[str]) -> None:
    """List mini with its figures, and open_clip's CLIP models with their tags."""
    parser = Parser(prog="gopro backbones", description="List the CLIP models at hand.")
    parser.add_argument("pattern", nargs="?", default="", help="only names that contain this")
    pattern = parse(parser, arguments)["pattern"] or ""

    import open_clip
    from rich.console import Console
    from rich.table import Table

    table = Table("backbone", "image", "--pretrained")
    for name in open_clip.list_models():
        config = open_clip.get_model_config(name)
        tags = open_clip.list_pretrained_tags_by_model(name)
        if pattern.lower() in name.lower() and tags and _is_clip(config):
            size = config["vision_cfg"]["image_size"]
            table.add_row(name, f"{size} px", ", ".join(tags))
    Console().print(table)


def _is_clip(config: dict[str, dict[str, object]]) -> bool:
    text, vision = config["text_cfg"], config["vision_cfg"]
    foreign = ("hf_model_name", "hf_tokenizer_name", "no_causal_mask", "embed_cls")
    return not any(text.get(key) for key in foreign) and "timm_model_name" not in vision
