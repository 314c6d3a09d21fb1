"""``gopro check FOLDER``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from gopro.cli.options import Parser, at_least_one, parse
from gopro.common.errors import GoproError
from gopro.common.text import printable
from gopro.training.config import DEFAULT_BACKBONE


def check(arguments: Sequence[str]) -> None:
    """Print what is wrong with a folder of images, and write a page and a table about it.

    Raises:
        GoproError: When the folder can't be read, or the files can't be written.
    """
    parser = Parser(
        prog="gopro check",
        description="Look at a folder of images before a fit: unreadable files, copies (also "
        "between classes, and between the images to learn from and those held out), images that "
        "look mislabelled, blank, dark, blurred and tiny images, classes with few images, files "
        "that are left out. Writes a page and a CSV table. Nothing in the folder is changed.",
    )
    parser.add_argument("folder", type=Path, help="folder with one sub-folder of images per class")
    parser.option(
        "--out", Path | None, None, "folder of the page and the table; by default FOLDER-check here"
    )
    parser.option("--seed", int, 1, "the --seed of gopro fit, which chooses the held-out images")
    parser.corrections()
    parser.option("--workers", int | None, None, "threads that decode images")
    parser.flag("--skip-labels", "don't look for mislabelled images, which takes most of the time")
    parser.option("--backbone", str, DEFAULT_BACKBONE, "image encoder for mislabelled images")
    parser.option("--pretrained", str | None, None, "its weights, as in gopro fit")
    parser.option("--device", str, "auto", "auto, cpu, cuda or mps")
    values = parse(parser, arguments)
    at_least_one(values, "workers")

    from rich.markup import escape
    from rich.table import Table

    from gopro.backbones.shared import backbone_key, shared_backbone
    from gopro.classifier.check import report
    from gopro.classifier.check.findings import KINDS, find
    from gopro.classifier.check.look import look_at
    from gopro.common.console import print_table
    from gopro.data import corrections
    from gopro.data.folder import read_folder
    from gopro.data.parts import layout

    folder = values["folder"]
    out = values["out"] or Path(f"{printable(folder.resolve().name)}-check")
    if out.resolve().is_relative_to(folder.resolve()):
        raise GoproError(f"{out} is inside the photographs {folder}; choose an --out outside")
    if out.is_dir() and not {path.name for path in out.iterdir()} <= {report.PAGE, report.TABLE}:
        raise GoproError(f"{out} holds other things than a check; choose another --out")
    try:
        dataset = read_folder(folder, values["seed"])
    except GoproError:  # a class with a single image, perhaps, which is a finding
        dataset = read_folder(folder, hold_out=False)
    if values["corrections"]:
        dataset = corrections.apply(dataset, corrections.read(values["corrections"]))
    assert dataset.root is not None
    items = (*dataset.train, *dataset.val, *dataset.test)
    backbone = None
    if not values["skip_labels"]:
        key = backbone_key(values["backbone"], values["pretrained"], values["device"], "fp32")
        backbone = shared_backbone(key, hashed=False).backbone
    keys = sorted(item.key for item in items)
    looks = look_at(dataset.root, keys, values["workers"], backbone)
    found = find(dataset, looks)
    measured = f", {len(dataset.test):,} of them to measure on" if dataset.test else ""
    print(f"{folder}: {len(items):,} images of {len(dataset.class_names):,} classes{measured}")
    # those of ``gopro fit``, without the one about a generated split
    notes = [*layout(folder).notes, *(dataset.notes[-1:] if values["corrections"] else ())]
    for note in notes:
        print(f"note: {note}")
    table = Table("finding", "number", "the first")
    table.columns[1].justify = "right"
    for kind, about in KINDS.items():
        members = [finding for finding in found if finding.kind == kind]
        if members:
            first = members[0]
            shown = escape(printable(" = ".join(first.keys) or first.detail))
            table.add_row(about.title, f"{len(members):,}", shown)
    if found:
        print_table(table)
    else:
        print("nothing was found")
    page, rows = report.write(out, dataset, looks, found)
    print(f"the page is {page}, the table {rows}")
