"""``gopro explain MODEL IMAGE``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from gopro.cli import saved
from gopro.cli.options import Parser, parse
from gopro.common.errors import GoproError


def explain(arguments: Sequence[str]) -> None:
    """Print what moved the answer to a picture, and draw it."""
    parser = Parser(
        prog="gopro explain",
        description="Show what moved the answer to a picture: the words near each context token, "
        "how far content and style shifted it, the regions the answer rests on (occlusion), and "
        "the most similar training pictures.",
    )
    parser.add_argument("model", type=Path, help="the classifier's folder")
    parser.add_argument("image", type=Path, help="the picture")
    parser.add_argument("--out", type=Path | None, default=None, help="draw it to this PNG file")
    parser.add_argument("--top", type=int, default=5, help="how many names to give")
    saved.add_options(parser)
    values = parse(parser, arguments)
    if values["top"] < 1:
        raise GoproError(f"got --top {values['top']}; it must be 1 or more")
    out = values["out"]
    if out is not None and out.suffix.lower() != ".png":
        raise GoproError(f"got --out {out}; wanted a file that ends with .png")

    classifier = saved.load(values["model"], values)
    found = classifier.explain(values["image"], top=values["top"])

    from gopro.classifier.explain.text import lines

    for line in lines(found):
        print(line)
    if out is not None:
        from gopro.classifier.explain import picture

        print(f"\ndrawn in {picture.draw(found, out, values['image'].name)}")
