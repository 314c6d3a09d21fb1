"""``gopro evaluate MODEL FOLDER``."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path

from gopro.cli import saved
from gopro.cli.options import Parser, parse
from gopro.common.errors import GoproError


def evaluate(arguments: Sequence[str]) -> None:
    """Print the accuracy by class, zero-shot CLIP's beside it, and measures of the confidence."""
    parser = Parser(
        prog="gopro evaluate",
        description="Measure a saved classifier on a folder with one sub-folder of images per "
        "class. If the folder has a test part, that part is used. Images that the classifier was "
        "fitted on are recognised by their content and left out. Unreadable ones are all named.",
    )
    saved.add_options(parser)
    parser.add_argument("folder", type=Path, help="folder with one sub-folder of images per class")
    parser.flag("--own_classes", "choose from the class names of the folder, trained on or not")
    parser.flag("--include_fitted", "measure on images that the classifier was fitted on, too")
    parser.flag("--skip-bad", "leave unreadable images out")
    parser.option(
        "--confidence", float | None, None, "how many images get an answer with at least this share"
    )
    parser.option(
        "--sets",
        float | None,
        None,
        "measure sets of names that hold the right one this often: 0.95",
    )
    parser.option(
        "--others",
        Path | None,
        None,
        "folder of images of none of the classes: how many are caught",
    )
    parser.option(
        "--page", Path | None, None, "also write the results as an HTML page to this file"
    )
    parser.flag("--json", "print one JSON object")
    values = parse(parser, arguments)
    if values["own_classes"] and values["classes"] is not None:
        raise GoproError("got --own_classes and --classes; give one of them")

    from gopro.classifier import page
    from gopro.common.console import print_table
    from gopro.data import labelled
    from gopro.data.listing import pictures_in
    from gopro.results.pages.commandline import shell_line

    # an invalid folder is refused before the backbone is loaded
    examples = labelled.read(values["folder"], None, "test")
    others = None if values["others"] is None else pictures_in(values["others"])
    classifier = saved.load(values["model"], values)
    if values["own_classes"]:
        classifier = classifier.with_classes(labelled.classes_of(examples)[0].tolist())
    comparison = classifier.compare(
        examples.pictures,
        examples.labels,
        include_fitted=values["include_fitted"],
        skip_bad=values["skip_bad"],
        confidence=values["confidence"],
        sets=values["sets"],
        others=others,
    )
    for error in comparison.unreadable:
        print(f"gopro: {error}", file=sys.stderr)
    title = f"{values['model'].resolve().name} on {values['folder'].resolve().name}"
    if values["page"] is not None:
        page.write(
            values["page"],
            classifier,
            comparison,
            examples.pictures,
            title=title,
            test=values["folder"].resolve().name,
            command=shell_line(["gopro", "evaluate", *arguments]),
            notes=[comparison.headline(title)],
        )
    if values["json"]:
        print(json.dumps(comparison.as_dict(), indent=2))
        return
    print_table(comparison.table(title))
    print_table(comparison.reliability_table())
    for line in comparison.confidence_lines():
        print(line)
