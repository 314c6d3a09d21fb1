"""``gopro predict MODEL IMAGE...``."""

from __future__ import annotations

import glob
import json
import os
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from gopro.classifier.modelfiles import ABOUT
from gopro.cli import saved
from gopro.cli.options import Parser, at_least_one, parse
from gopro.common.errors import GoproError, NothingAnsweredError
from gopro.common.files import file_sha256
from gopro.common.progress import bar
from gopro.common.text import counted
from gopro.data.listing import UNSURE, is_picture, other_kinds, tree

if TYPE_CHECKING:
    from gopro.classifier.answers.answer import Asked
    from gopro.classifier.answers.make import Made, Outputs
    from gopro.classifier.classifier import PromptClassifier


def predict(arguments: Sequence[str]) -> None:
    """Classify images: one line each, or a table, class folders and a page to review answers.

    Unreadable files are listed on standard error.
    """
    parser = Parser(
        prog="gopro predict",
        description="Classify images with a classifier made by gopro fit: one line per image, or "
        "with --csv, --sort-into or --review what these make. Stopped, the same command with one "
        "of these continues.",
    )
    saved.add_options(parser, may_be_fast=True)
    parser.add_argument(
        "images",
        nargs="+",
        help="files, folders, patterns, or - for a list of files on standard input",
    )
    parser.option("--top", int, 5, "number of class names to print")
    parser.option("--confidence", float | None, None, "mark answers with a smaller share as unsure")
    parser.option(
        "--sets",
        float | None,
        None,
        "print a set of names for each image, which has the right one this often: 0.95",
    )
    parser.flag("--json", "print one JSON object per line")
    parser.option("--csv", Path | None, None, "new file for the answers as a table")
    parser.option(
        "--sort-into",
        Path | None,
        None,
        "copy the images into class folders in this folder; those of none of the classes, and "
        f"with --confidence unsure ones, into {UNSURE}",
    )
    parser.flag("--link", "with --sort-into: symbolic links instead of copies")
    parser.option(
        "--review",
        int | None,
        None,
        "number of images for a page to label them on: uncertain ones, unlike each other",
    )
    parser.option("--page", Path | None, None, "file of that page; by default review.html here")
    values = parse(parser, arguments)
    at_least_one(values, "top", "review")
    if values["link"] and values["sort_into"] is None:
        raise GoproError("got --link without --sort-into; give the folder to put the links into")
    if values["page"] is not None and values["review"] is None:
        raise GoproError("got --page without --review; give the number of images to label")

    from gopro.classifier.answers.answer import Asked
    from gopro.classifier.answers.make import Outputs, make
    from gopro.classifier.confidence.judgement import check_confidence

    check_confidence(values["confidence"])
    asked = Asked(values["top"], values["confidence"], values["sets"])
    outputs = Outputs(
        table=values["csv"],
        folder=values["sort_into"],
        link=values["link"],
        review=values["review"],
        page=values["page"] or Path("review.html"),
    )
    if outputs.result is None:
        paths = _pictures(values["images"])
        _print(saved.load(values["model"], values), paths, asked, as_json=values["json"])
        return
    if values["json"]:
        raise GoproError("got --json, which is printed, and a file to make; give one of them")
    paths = list(dict.fromkeys(_pictures(values["images"])))
    outputs.check(values["images"], paths)
    classifier = saved.load(values["model"], values)
    about = {
        "model": file_sha256(values["model"] / ABOUT),
        "class_names": classifier.class_names_,
        "fast": classifier.fast,
        "precision": classifier.precision,
        "decode": values["decode"],
    }
    made = make(classifier, paths, outputs, about, asked)
    _print_made(made, outputs)
    _refuse_unreadable(made.unreadable, len(paths))


def _print(
    classifier: PromptClassifier, paths: Sequence[str], asked: Asked, *, as_json: bool
) -> None:
    """Print a line for each image.

    Raises:
        GoproError: When images couldn't be read.
    """
    from gopro.classifier.confidence.judgement import as_dict, shown

    names, top, confidence = classifier.class_names_, asked.top, asked.confidence
    failed = 0
    with bar("predicting", len(paths)) as advance:
        answers = classifier.judge_each(paths, asked.sets)
        for path, answer in zip(paths, answers, strict=True):
            if isinstance(answer, GoproError):
                failed += 1
                print(f"gopro: {answer}", file=sys.stderr)
                if as_json:
                    print(json.dumps({"picture": path, "error": str(answer)}))
            elif as_json:
                row = as_dict(answer, names, top, confidence)
                print(json.dumps({"picture": path, **row}))
            else:
                print(f"{path}: {shown(answer, names, top, confidence)}")
            advance("")
    _refuse_unreadable(failed, len(paths))


def _print_made(made: Made, outputs: Outputs) -> None:
    """Print how many images got each name, and what was made."""
    from rich.markup import escape
    from rich.table import Table

    from gopro.common.console import print_table

    table = Table("answer", "images")
    table.columns[1].justify = "right"
    for name, number in made.names.most_common():
        table.add_row(escape(name), f"{number:,}")
    for name, number in (*made.marks.most_common(), ("unreadable", made.unreadable)):
        if number:
            table.add_row(name, f"{number:,}", style="dim")
    print_table(table)
    if outputs.table is not None:
        print(f"the table is {outputs.table}")
    if outputs.folder is not None:
        print(f"the class folders are in {outputs.folder}")
    if made.elsewhere:
        print(
            f"gopro: {counted(made.elsewhere, 'image')} of an earlier command stayed in another "
            f"folder of {outputs.folder}, too; to have each once, sort into a new folder",
            file=sys.stderr,
        )
    if outputs.review:
        print(f"the page to label images on is {outputs.page}")


def _refuse_unreadable(failed: int, total: int) -> None:
    if failed:
        kind = GoproError if failed < total else NothingAnsweredError
        raise kind(f"{failed:,} of {counted(total, 'image')} couldn't be read")


def _pictures(arguments: Iterable[str]) -> list[str]:
    """The image files of all arguments; anything but a folder or a pattern is a file.

    The kinds of files that are left out, and folders and patterns without files, are printed on
    standard error.

    Raises:
        NothingAnsweredError: When there are none.
    """
    paths: list[str] = []
    others: list[Path] = []
    empty: list[str] = []
    for name in arguments:
        if name == "-":
            lines = os.fsdecode(sys.stdin.buffer.read()).split("\n")
            paths += [line for line in (line.removesuffix("\r") for line in lines) if line.strip()]
        elif Path(name).is_dir() or (glob.has_magic(name) and not Path(name).exists()):
            files = _files(name)
            empty += [] if files else [name]
            paths += [str(path) for path in files if is_picture(path.name)]
            others += [path for path in files if not is_picture(path.name)]
        else:
            paths.append(name)
    kinds = ", ".join(other_kinds(others))
    if kinds:
        print(f"gopro: left out, no supported image format: {kinds}", file=sys.stderr)
    if not paths:
        raise NothingAnsweredError(
            f"found no images in {', '.join(arguments)}; give files or folders"
        )
    for name in empty:
        print(f"gopro: found no files in {name}", file=sys.stderr)
    return paths


def _files(name: str) -> list[Path]:
    """All files of a folder, or those that match a pattern."""
    if Path(name).is_dir():
        return tree(Path(name))
    matches = sorted(glob.glob(name, recursive=True))  # noqa: PTH207 - takes any path
    return [path for path in map(Path, matches) if not path.is_dir()]
