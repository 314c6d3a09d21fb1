"""``gopro fit FOLDER --out MODEL``."""

from __future__ import annotations

import dataclasses
import os
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from gopro.classifier import page
from gopro.classifier.classifier import PromptClassifier
from gopro.classifier.modelfolder import ABOUT, refuse_other_things
from gopro.classifier.page import fit_command
from gopro.cli.options import Parser, build, parse
from gopro.common.errors import GoproError
from gopro.common.text import duration
from gopro.data import Dataset, Item, labelled
from gopro.data.folder import is_split, read_folder
from gopro.data.listing import is_picture, tree
from gopro.methods import TABLE, find


def parser() -> Parser:
    """The classifier's settings, and those of each method under its name."""
    parser = Parser(
        prog="gopro fit",
        description="Train a classifier on a folder with one sub-folder of images per class. Some "
        "images of each class are held out to measure it, unless the folder has a train and a test "
        "folder.",
    )
    parser.add_argument("folder", type=Path, help="folder with one sub-folder of images per class")
    parser.option("--out", Path | None, None, "new folder for the classifier")
    parser.add_argument("--config", action="config", help="read settings from a YAML file")
    parser.flag("--all", "train on all images, without a measurement")
    parser.add_class_arguments(PromptClassifier, skip={"options", "class_names"})
    for name in TABLE:
        parser.add_class_arguments(find(name).Settings, name)
    return parser


def fit(arguments: Sequence[str]) -> None:
    """Print what the folder holds, train, measure on held-out images, and save."""
    values = parse(parser(), arguments)
    folder, out = values["folder"], values["out"]
    if out is None:
        raise GoproError(
            "got no --out; wanted a new folder, as in `gopro fit PHOTOGRAPHS --out MODEL`"
        )
    _check_writable(out)
    classifier = _classifier(values)
    dataset = read_folder(folder, values["seed"], hold_out=not values["all"])
    train, validation, test = _parts(dataset, folder, values)
    for line in _summary(dataset, folder):
        print(line)
    classes = len(dataset.class_names)
    recipe = classifier.recipe((classifier.shots or 0) * classes or len(train), classes)
    measure = f"then measure it on the {len(test)} others" if test else "no measurement"
    shots = f", {classifier.shots} per class" if classifier.shots else ""
    epochs = f"{recipe.epochs} epoch{'' if recipe.epochs == 1 else 's'}"
    examples = labelled.of_items(dataset, train)
    seconds = classifier.expected_seconds(examples.pictures, examples.labels)
    print(
        f"{classifier.method} on {classifier.backbone}: train on {len(train)} images{shots} for "
        f"{epochs}, {measure}\nthe training takes about {duration(seconds)}",
        flush=True,
    )
    checked = labelled.of_items(dataset, validation)
    pair = (checked.pictures, checked.labels) if validation else None
    classifier.fit(examples.pictures, examples.labels, validation=pair)
    held = labelled.of_items(dataset, test)
    measured = classifier.compare(held.pictures, held.labels) if test else None
    classifier.save(out, measured)
    source = folder.resolve().name
    command = fit_command(classifier, folder, out, values["all"])
    written = page.write(out, classifier, measured, held.pictures, source=source, command=command)
    if measured is not None:
        from rich.console import Console

        Console().print(measured.table(f"{source}: held-out images"))
    print(
        f"{classifier.training_['seconds']:.0f} s of training; the classifier is in {out}, "
        f"its page is {written}"
    )


def _classifier(values: Any) -> PromptClassifier:
    names = [name for name in PromptClassifier().get_params() if name in values]
    chosen = {name: values[name] for name in names}
    options = build(find(chosen["method"]).Settings, values[chosen["method"]])
    return PromptClassifier(**chosen, options=dataclasses.asdict(options))


def _parts(
    dataset: Dataset, folder: Path, values: Any
) -> tuple[Sequence[Item], Sequence[Item], Sequence[Item]]:
    """The images to train, validate and test on."""
    if values["all"]:
        return (*dataset.train, *dataset.val, *dataset.test), (), ()
    if is_split(folder) or values["select"] == "best":
        return dataset.train, dataset.val, dataset.test
    return (*dataset.train, *dataset.val), (), dataset.test


def _summary(dataset: Dataset, folder: Path) -> list[str]:
    items = (*dataset.train, *dataset.val, *dataset.test)
    counts = Counter(item.label for item in items).values()
    each = f"{min(counts)}" if min(counts) == max(counts) else f"{min(counts)} to {max(counts)}"
    lines = [f"{folder}: {len(items)} images of {len(counts)} classes, {each} per class"]
    others = Counter(
        path.suffix.lower() or "no ending"
        for path in tree(folder.expanduser())
        if not is_picture(path.name)
    )
    if others:
        kinds = ", ".join(f"{count} {kind}" for kind, count in others.most_common(4))
        lines.append(f"ignored, no supported image format: {kinds}")
    return lines


def _check_writable(out: Path) -> None:
    """Check before the training that the classifier can be saved."""
    refuse_other_things(out)
    if (out / ABOUT).exists():
        raise GoproError(f"{out} holds a classifier already; choose another --out")
    parent = next(path for path in (out.absolute(), *out.absolute().parents) if path.exists())
    if not (parent.is_dir() and os.access(parent, os.W_OK)):
        raise GoproError(f"can't write into {parent}; choose another --out")
