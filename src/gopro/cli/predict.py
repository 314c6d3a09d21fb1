"""``gopro predict MODEL IMAGE...``."""

from __future__ import annotations

import glob
import json
import os
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from gopro.cli import saved
from gopro.cli.options import Parser, parse
from gopro.common.errors import GoproError
from gopro.data.listing import is_picture, tree


def predict(arguments: Sequence[str]) -> None:
    """Name pictures, one line each; what can't be read is named on standard error."""
    parser = Parser(
        prog="gopro predict",
        description="Name pictures with a classifier made by gopro fit, one line each.",
    )
    parser.add_argument("model", type=Path, help="the classifier's folder")
    parser.add_argument(
        "images", nargs="+", help="files, folders, patterns, or - for a list on standard input"
    )
    parser.add_argument("--top", type=int, default=5, help="how many names to give")
    parser.add_argument("--json", action="store_true", help="print a JSON object a line")
    saved.add_options(parser, may_be_fast=True)
    values = parse(parser, arguments)
    if values["top"] < 1:
        raise GoproError(f"got --top {values['top']}; it must be 1 or more")

    from gopro.common.progress import bar

    classifier = saved.load(values["model"], values)
    paths = _pictures(values["images"])
    failed = 0
    with bar("predicting", len(paths)) as advance:
        for path, answer in zip(paths, classifier.predict_each(paths), strict=True):
            if isinstance(answer, GoproError):
                failed += 1
                print(f"gopro: {answer}", file=sys.stderr)
                if values["json"]:
                    print(json.dumps({"picture": path, "error": str(answer)}))
            else:
                ranked = _ranked(classifier.class_names_, answer, values["top"])
                print(_as_json(path, ranked) if values["json"] else _as_text(path, ranked))
            advance("")
    if failed:
        raise GoproError(f"{failed} of {len(paths)} pictures couldn't be read")


def _pictures(given: Iterable[str]) -> list[str]:
    """Every picture meant; what is neither a folder nor a pattern is taken for a file."""
    found: list[str] = []
    for name in given:
        if name == "-":
            lines = os.fsdecode(sys.stdin.buffer.read()).splitlines()
            found += [line for line in lines if line.strip()]
        elif Path(name).is_dir():
            found += [str(path) for path in tree(Path(name)) if is_picture(path.name)]
        elif glob.has_magic(name) and not Path(name).exists():
            matches = sorted(glob.glob(name, recursive=True))  # noqa: PTH207 - takes any path
            found += [path for path in matches if is_picture(Path(path).name)]
        else:
            found.append(name)
    if not found:
        raise GoproError(f"found no pictures in {', '.join(given)}; name files or folders")
    return found


def _ranked(names: Sequence[str], answer: Any, top: int) -> list[tuple[str, float]]:
    best = (-answer).argsort(kind="stable")[:top]
    return [(names[place], float(answer[place])) for place in best]


def _as_text(path: str, ranked: Iterable[tuple[str, float]]) -> str:
    answers = ", ".join(f"{name} {100 * share:.1f} %" for name, share in ranked)
    # file names may hold bytes that no terminal can show
    encoding = sys.stdout.encoding or "utf-8"
    return f"{path}: {answers}".encode(encoding, "backslashreplace").decode(encoding)


def _as_json(path: str, ranked: Iterable[tuple[str, float]]) -> str:
    answers = [{"name": name, "probability": round(share, 6)} for name, share in ranked]
    return json.dumps({"picture": path, "answers": answers})
