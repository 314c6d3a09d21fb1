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
    """The classifier's settings flat, each method's under its name."""
    made = Parser(
        prog="gopro fit",
        description="Make a classifier from a folder with a sub-folder of pictures for each "
        "class. Some pictures of each class are held out to measure it, unless the folder holds "
        "train and test folders.",
    )
    made.add_argument("folder", type=Path, help="a sub-folder of pictures for each class")
    made.add_argument("--out", type=Path | None, default=None, help="a new folder for the model")
    made.add_argument("--config", action="config", help="read settings from a YAML file")
    made.add_argument("--all", action="store_true", help="train on every picture, measure nothing")
    made.add_class_arguments(PromptClassifier, skip={"options", "class_names"})
    for name in TABLE:
        made.add_class_arguments(find(name).Settings, name)
    return made


def fit(arguments: Sequence[str]) -> None:
    """Say what was found, train, measure what was held out, and save."""
    values = parse(parser(), arguments)
    folder, out = values["folder"], values["out"]
    if out is None:
        raise GoproError("where shall the model go? as in `gopro fit PHOTOGRAPHS --out MODEL`")
    _refuse_unfit(out)
    classifier = _classifier(values)
    dataset = read_folder(folder, values["seed"], hold_out=not values["all"])
    train, validation, test = _parts(dataset, folder, values)
    for line in _found(dataset, folder):
        print(line)
    classes = len(dataset.class_names)
    recipe = classifier.recipe((classifier.shots or 0) * classes or len(train), classes)
    held_out = f"then measure it on the {len(test)} others" if test else "measure nothing"
    shots = f", {classifier.shots} per class" if classifier.shots else ""
    epochs = f"{recipe.epochs} epoch{'' if recipe.epochs == 1 else 's'}"
    given = labelled.of_items(dataset, train)
    seconds = classifier.expected_seconds(given.pictures, given.labels)
    print(
        f"{classifier.method} on {classifier.backbone}: learn from {len(train)} pictures{shots} in "
        f"{epochs}, {held_out}\nthe training takes about {duration(seconds)}",
        flush=True,
    )
    checked = labelled.of_items(dataset, validation)
    pair = (checked.pictures, checked.labels) if validation else None
    classifier.fit(given.pictures, given.labels, validation=pair)
    held = labelled.of_items(dataset, test)
    measured = classifier.compare(held.pictures, held.labels) if test else None
    classifier.save(out, measured)
    source = folder.resolve().name
    again = fit_command(classifier, folder, out, values["all"])
    written = page.write(out, classifier, measured, held.pictures, source=source, command=again)
    if measured is not None:
        from rich.console import Console

        Console().print(measured.table(f"{source}: pictures that weren't trained on"))
    print(
        f"{classifier.training_['seconds']:.0f} s of training; the classifier is in {out}, "
        f"and what it learned in {written}"
    )


def _classifier(values: Any) -> PromptClassifier:
    names = [name for name in PromptClassifier().get_params() if name in values]
    chosen = {name: values[name] for name in names}
    options = build(find(chosen["method"]).Settings, values[chosen["method"]])
    return PromptClassifier(**chosen, options=dataclasses.asdict(options))


def _parts(
    dataset: Dataset, folder: Path, values: Any
) -> tuple[Sequence[Item], Sequence[Item], Sequence[Item]]:
    """What to train, validate and test on."""
    if values["all"]:
        return (*dataset.train, *dataset.val, *dataset.test), (), ()
    if is_split(folder) or values["select"] == "best":
        return dataset.train, dataset.val, dataset.test
    return (*dataset.train, *dataset.val), (), dataset.test


def _found(dataset: Dataset, folder: Path) -> list[str]:
    items = (*dataset.train, *dataset.val, *dataset.test)
    counts = Counter(item.label for item in items).values()
    each = f"{min(counts)}" if min(counts) == max(counts) else f"{min(counts)} to {max(counts)}"
    lines = [f"{folder}: {len(items)} pictures of {len(counts)} classes, {each} per class"]
    others = Counter(
        path.suffix.lower() or "no ending"
        for path in tree(folder.expanduser())
        if not is_picture(path.name)
    )
    if others:
        kinds = ", ".join(f"{count} {kind}" for kind, count in others.most_common(4))
        lines.append(f"left out, not a kind of picture that is read: {kinds}")
    return lines


def _refuse_unfit(out: Path) -> None:
    """Find out before the training, not after it, that the model can't be written."""
    refuse_other_things(out)
    if (out / ABOUT).exists():
        raise GoproError(f"{out} holds a classifier already; choose another --out")
    place = next(path for path in (out.absolute(), *out.absolute().parents) if path.exists())
    if not (place.is_dir() and os.access(place, os.W_OK)):
        raise GoproError(f"can't write into {place}; choose another --out")
