"""``gopro evaluate MODEL FOLDER``."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from gopro.cli import saved
from gopro.cli.options import Parser, parse
from gopro.common.errors import GoproError


def evaluate(arguments: Sequence[str]) -> None:
    """Print accuracy, class by class, beside zero-shot CLIP's."""
    parser = Parser(
        prog="gopro evaluate",
        description="Measure a classifier on a folder with a sub-folder for each class (its test "
        "part, where it has one).",
    )
    parser.add_argument("model", type=Path, help="the classifier's folder")
    parser.add_argument("folder", type=Path, help="a sub-folder of pictures for each class")
    parser.add_argument(
        "--own_classes",
        action="store_true",
        help="choose among the folder's class names, trained on or not",
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    saved.add_options(parser)
    values = parse(parser, arguments)
    if values["own_classes"] and values["classes"] is not None:
        raise GoproError("got --own_classes and --classes; give one of them")

    from rich.console import Console

    from gopro.data import labelled

    # a folder that doesn't fit shall be refused before the backbone is loaded
    given = labelled.read(values["folder"], None, "test")
    classifier = saved.load(values["model"], values)
    if values["own_classes"]:
        classifier = classifier.with_classes(labelled.classes_of(given)[0].tolist())
    found = classifier.compare(given.pictures, given.labels)
    if values["json"]:
        print(json.dumps(found.as_dict(), indent=2))
    else:
        Console().print(
            found.table(f"{values['model'].resolve().name} on {values['folder'].resolve().name}")
        )
