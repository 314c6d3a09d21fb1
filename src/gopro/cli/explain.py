"""``gopro explain MODEL IMAGE``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from gopro.cli import saved
from gopro.cli.options import Parser, at_least_one, parse
from gopro.common.errors import GoproError


def explain(arguments: Sequence[str]) -> None:
    """Print an explanation of the answer to an image, and draw it."""
    parser = Parser(
        prog="gopro explain",
        description="Explain a classifier's answer to an image: the words nearest to each context "
        "token, the shift by content and style, the regions that the answer depends on "
        "(occlusion), and the most similar training images.",
    )
    saved.add_options(parser)
    parser.add_argument("image", type=Path, help="the image")
    parser.option("--out", Path | None, None, "PNG file to draw the explanation to")
    parser.option("--top", int, 5, "number of class names to show")
    values = parse(parser, arguments)
    at_least_one(values, "top")
    out = values["out"]
    if out is not None and out.suffix.lower() != ".png":
        raise GoproError(f"got --out {out}; wanted a file that ends with .png")

    classifier = saved.load(values["model"], values)
    explanation = classifier.explain(values["image"], top=values["top"])

    from gopro.classifier.explain.text import lines

    for line in lines(explanation):
        print(line)
    if out is not None:
        from gopro.classifier.explain import picture

        print(f"\ndrawn in {picture.draw(explanation, out, values['image'].name)}")
