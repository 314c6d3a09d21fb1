"""``gopro export MODEL --out FILE``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from gopro.cli.options import Parser, parse
from gopro.common.errors import GoproError


def export(arguments: Sequence[str]) -> None:
    """Write a classifier as ONNX and say how near it is."""
    parser = Parser(
        prog="gopro export",
        description="Write a classifier as one ONNX file for a fixed list of classes: picture in, "
        "probabilities out, without gopro and torch. Needs the extra `export`.",
    )
    parser.add_argument("model", type=Path, help="the classifier's folder")
    parser.add_argument("--out", type=Path | None, default=None, help="the file")
    parser.add_argument("--format", type=Literal["onnx"], default="onnx", help="kind of file")
    parser.add_argument(
        "--precision",
        type=Literal["fp32", "int8"],
        default="fp32",
        help="int8 is a fourth of the size; the difference is printed",
    )
    parser.add_argument(
        "--input",
        type=Literal["float", "uint8"],
        default="float",
        help="pixels in [0, 1], or 0-255",
    )
    parser.add_argument(
        "--batch", type=int, default=1, help="pictures per call, where prompts depend on them"
    )
    parser.add_argument("--classes", type=str | None, default=None, help="instead of its own: a,b")
    parser.add_argument(
        "--pretrained", type=str | None, default=None, help="where the backbone's weights are now"
    )
    values = parse(parser, arguments)
    out = values["out"]
    if out is None or out.suffix != ".onnx":
        raise GoproError("where to? as in `gopro export MODEL --out classifier.onnx`")
    if not 1 <= values["batch"] <= 1024:
        raise GoproError(f"got --batch {values['batch']}; wanted 1 to 1024")

    from gopro import PromptClassifier
    from gopro.classifier.export import export as write

    classifier = PromptClassifier.load(
        values["model"], device="cpu", precision="fp32", pretrained=values["pretrained"]
    )
    if values["classes"] is not None:
        names = [name.strip() for name in values["classes"].split(",")]
        classifier = classifier.with_classes(names)
    found = write(
        classifier,
        out,
        int8=values["precision"] == "int8",
        batch=values["batch"],
        pixels=values["input"],
    )
    each = "any number of pictures" if found.batch is None else f"{found.batch} pictures"
    print(
        f"{found.path}: {found.bytes / 1e6:.1f} MB, {len(classifier.class_names_)} classes, "
        f"{each} a call"
    )
    print(
        f"against the classifier, on {found.pictures} pictures: probabilities differ by at most "
        f"{found.difference:.2g}, the answer is the same on {found.agreeing}"
    )
