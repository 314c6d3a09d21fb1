"""``gopro export MODEL --out FILE``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from gopro.cli import saved
from gopro.cli.options import Parser, parse
from gopro.common.errors import GoproError
from gopro.common.text import counted


def export(arguments: Sequence[str]) -> None:
    """Write a classifier as ONNX, and print how close its outputs are."""
    parser = Parser(
        prog="gopro export",
        description="Write a saved classifier as one ONNX file for a fixed list of classes. It "
        "takes images, returns probabilities, and needs neither gopro nor torch. The command "
        "needs the extra `export`.",
    )
    parser.add_argument("model", type=Path, help="folder of the classifier")
    parser.option("--out", Path | None, None, "the file to write")
    parser.option("--format", Literal["onnx"], "onnx", "format of the file")
    parser.option("--precision", Literal["fp32", "int8"], "fp32", "int8: a quarter of the size")
    parser.option("--input", Literal["float", "uint8"], "float", "pixels in [0, 1] or 0-255")
    parser.option(
        "--batch", int, 1, "images per call, for methods whose prompts depend on the images"
    )
    parser.option("--classes", str | None, None, "other class names: a,b")
    parser.option("--pretrained", str | None, None, "current place of the backbone's weights")
    values = parse(parser, arguments)
    out = values["out"]
    if out is None or out.suffix != ".onnx":
        got = "no --out" if out is None else f"--out {out}"
        raise GoproError(f"got {got}; wanted a file, as in --out classifier.onnx")
    if not 1 <= values["batch"] <= 1024:
        raise GoproError(f"got --batch {values['batch']}; wanted 1 to 1024")

    from gopro import PromptClassifier
    from gopro.classifier.confidence.judgement import NONE
    from gopro.classifier.export import export as write

    classifier = PromptClassifier.load(
        values["model"], device="cpu", precision="fp32", pretrained=values["pretrained"]
    )
    classifier = saved.with_names(classifier, values["classes"])
    exported = write(
        classifier,
        out,
        int8=values["precision"] == "int8",
        batch=values["batch"],
        pixels=values["input"],
    )
    images = "any number of images" if exported.batch is None else counted(exported.batch, "image")
    print(
        f"{exported.path}: {exported.bytes / 1e6:.1f} MB, {len(classifier.class_names_)} classes, "
        f"{images} per call"
    )
    noise = f" ({exported.noise} of them random noise)" if exported.noise else ""
    print(
        f"compared with the classifier on {exported.pictures} images{noise}: probabilities differ "
        f"by at most {exported.difference:.2g}, the answer is the same on {exported.agreeing}"
    )
    if classifier.calibration_ is not None:
        print(f"the file always names a class; it doesn't say {NONE!r}, as the classifier does")
