"""``gopro predict MODEL IMAGE...``."""

from __future__ import annotations

import glob
import json
import os
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from gopro.cli import saved
from gopro.cli.options import Parser, at_least_one, parse
from gopro.common.errors import GoproError
from gopro.data.listing import is_picture, tree


def predict(arguments: Sequence[str]) -> None:
    """Classify images, one line each; unreadable files are listed on standard error."""
    parser = Parser(
        prog="gopro predict",
        description="Classify images with a classifier made by gopro fit, one line per image.",
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
        "--sets", float | None, None, "print sets of names that hold the right one this often: 0.95"
    )
    parser.flag("--json", "print one JSON object per line")
    values = parse(parser, arguments)
    at_least_one(values, "top")

    from gopro.classifier.confidence.judgement import as_dict, check_confidence, shown
    from gopro.common.progress import bar

    check_confidence(values["confidence"])
    classifier = saved.load(values["model"], values)
    names, top, confidence = classifier.class_names_, values["top"], values["confidence"]
    paths = _pictures(values["images"])
    failed = 0
    with bar("predicting", len(paths)) as advance:
        answers = classifier.judge_each(paths, values["sets"])
        for path, answer in zip(paths, answers, strict=True):
            if isinstance(answer, GoproError):
                failed += 1
                print(f"gopro: {answer}", file=sys.stderr)
                if values["json"]:
                    print(json.dumps({"picture": path, "error": str(answer)}))
            elif values["json"]:
                row = as_dict(answer, names, top, confidence)
                print(json.dumps({"picture": path, **row}))
            else:
                print(f"{path}: {shown(answer, names, top, confidence)}")
            advance("")
    if failed:
        raise GoproError(f"{failed} of {len(paths)} images couldn't be read")


def _pictures(arguments: Iterable[str]) -> list[str]:
    """The image files of all arguments; anything but a folder or a pattern is a file."""
    paths: list[str] = []
    for name in arguments:
        if name == "-":
            lines = os.fsdecode(sys.stdin.buffer.read()).splitlines()
            paths += [line for line in lines if line.strip()]
        elif Path(name).is_dir():
            paths += [str(path) for path in tree(Path(name)) if is_picture(path.name)]
        elif glob.has_magic(name) and not Path(name).exists():
            matches = sorted(glob.glob(name, recursive=True))  # noqa: PTH207 - takes any path
            paths += [path for path in matches if is_picture(Path(path).name)]
        else:
            paths.append(name)
    if not paths:
        raise GoproError(f"found no images in {', '.join(arguments)}; give files or folders")
    return paths
