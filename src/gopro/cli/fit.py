"""``gopro fit FOLDER``."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from gopro.classifier import page, unfinished
from gopro.classifier.choice import AUTO, CANDIDATES, refuse_settings
from gopro.classifier.classifier import PromptClassifier
from gopro.classifier.comparison import Comparison
from gopro.classifier.crossvalidation import folds_of, why_none
from gopro.classifier.fitinputs import FitInputs, backbone_of, inputs_of, settings_of
from gopro.classifier.modelfiles import UNFINISHED, reserved
from gopro.classifier.page import fit_command
from gopro.classifier.teaching import without_labels
from gopro.cli import fitfolder
from gopro.cli.options import Parser, at_least_one, build, parse_methods
from gopro.common.console import print_table
from gopro.common.errors import DiskFullError, GoproError
from gopro.common.text import duration, printable
from gopro.data import corrections
from gopro.data.folder import read_folder
from gopro.data.labelled import Labelled
from gopro.data.listing import pictures_in
from gopro.methods import TABLE, find
from gopro.results.pages.page import PAGE

_COMMON = (
    *("out", "all", "skip_bad", "others", "corrections", "unlabelled", "method", "backbone"),
    *("pretrained", "shots", "epochs", "lr", "select", "seed", "device", "texts", "budget"),
)
"""The options that ``--help`` shows."""


def parser(methods: Iterable[str] = TABLE) -> Parser:
    """The classifier's settings, and those of each method under its name."""
    parser = Parser(
        prog="gopro fit",
        usage="gopro fit FOLDER [options]",
        description="Train a classifier on a folder with one sub-folder of images per class. Some "
        "images of each class are held out to measure it, unless the folder has a train and a test "
        "folder. Ctrl-C saves the training; the same command continues it.",
        common=_COMMON,
    )
    parser.add_argument("folder", type=Path, help="folder with one sub-folder of images per class")
    parser.option(
        "--out", Path | None, None, "new folder for the classifier; by default FOLDER-model here"
    )
    parser.add_argument("--config", action="config", help="read settings from a YAML file")
    parser.option(
        "--unlabelled",
        Path | None,
        None,
        "folder of more pictures, without labels, for --method promptkd",
    )
    parser.flag("--all", "train on all images, without a measurement")
    parser.flag("--skip-bad", "leave unreadable images out")
    parser.option(
        "--others",
        Path | None,
        None,
        "folder of images that are of none of the classes, to learn when to answer `none of these`",
    )
    parser.corrections()
    parser.add_class_arguments(PromptClassifier, skip={"options", "class_names"})
    parser.methods(methods)
    return parser


def fit(arguments: Sequence[str]) -> None:
    """Look at the folder, train, save, and measure on held-out images."""
    values = parse_methods(parser, arguments)
    folder: Path = values["folder"]
    seed, tables = values["seed"], values["corrections"]
    out = _place(values["out"], folder)
    at_least_one(values, "workers")
    classifier = _classifier(values)
    settings_of(classifier)  # wrong values are told before any picture is opened
    dataset = read_folder(folder, seed, hold_out=not values["all"])
    others = None if values["others"] is None else pictures_in(values["others"])
    if tables:
        dataset = corrections.apply(dataset, corrections.read(tables))
        print(f"note: {dataset.notes[-1]}")
    backbone_of(classifier)  # a wrong name or missing weights are told before the long look
    with reserved(out):
        looks = fitfolder.look(dataset, values["workers"])
        dataset = fitfolder.readable(dataset, looks, skip=values["skip_bad"])
        for line in fitfolder.summary(dataset, looks, folder, seed, tables):
            print(line)
        train, validation, test = fitfolder.parts(dataset, folder, values)
        unlabelled = values["unlabelled"]
        inputs = inputs_of(classifier, train.pictures, train.labels)
        why = why_none(inputs.kind, classifier.folds, inputs.truth, inputs.class_names)
        if others is not None:
            if why:
                raise GoproError(
                    f"got --others, which needs calibration, and there is none: {why}; change "
                    "that, or leave out --others"
                )
            others = fitfolder.others(others, dataset, looks, inputs.pictures, values)
        elif why and classifier.folds not in (0, 1):
            print(f"note: {why}: shares won't be calibrated, nor any image `none of these`")
        print(_intention(classifier, inputs, train, test, unlabelled), flush=True)
        checkpoint = out / UNFINISHED
        try:
            pair = (validation.pictures, validation.labels) if validation.pictures else None
            with unfinished.begun(checkpoint):
                classifier.fit(
                    train.pictures,
                    train.labels,
                    validation=pair,
                    unlabelled=unlabelled,
                    checkpoint=checkpoint,
                )
                unfinished.reopen(checkpoint)
                classifier.save(out)
        except DiskFullError as full:
            raise GoproError(f"{full}; then the same command continues") from full
        if classifier.choice_ is not None:
            print_table(classifier.choice_.table())
            print("\n".join(classifier.choice_.lines()), flush=True)
        classifier, measured = _finish(classifier, others, test, out, values)
        unfinished.remove(checkpoint)
    if measured is not None:
        print_table(measured.table(f"{folder.resolve().name}, held out"))
    print(_trust(classifier, measured, why))
    print(
        f"{classifier.training_['seconds']:.0f} s of training; the classifier is in {out}, "
        f"its page is {out / PAGE}"
    )


def _place(out: Path | None, folder: Path) -> Path:
    """The folder for the classifier, which must not become a class of the next fit."""
    if out is None:
        out = Path(f"{printable(folder.resolve().name)}-model")
    if out.resolve().is_relative_to(folder.resolve()):
        raise GoproError(
            f"{out} is inside the photographs {folder}, and would be a class of the next fit; "
            "choose an --out outside of them"
        )
    return out


def _classifier(values: Any) -> PromptClassifier:
    names = [name for name in PromptClassifier().get_params() if name in values]
    chosen = {name: values[name] for name in names}
    if chosen["method"] == AUTO:
        refuse_settings({**chosen, "options": None}, _own_settings(values))
        return PromptClassifier(**chosen)
    options = build(find(chosen["method"]).Settings, values[chosen["method"]])
    return PromptClassifier(**chosen, options=dataclasses.asdict(options))


def _own_settings(values: Any) -> list[str]:
    """The methods whose own settings were given."""
    kinds = {name: find(name).Settings for name in TABLE}
    return [name for name, kind in kinds.items() if build(kind, values[name]) != kind()]


def _intention(
    classifier: PromptClassifier,
    inputs: FitInputs,
    train: Labelled,
    test: Labelled,
    unlabelled: Path | None,
) -> str:
    """What is going to be done, and how long it takes."""
    measure = f"then measure it on the {len(test.pictures)} others"
    measure = measure if test.pictures else "no measurement"
    if classifier.method == AUTO:
        without_labels(AUTO, unlabelled)
        if not folds_of(inputs.kind, None, inputs.truth):
            return f"auto on {classifier.backbone}: keep zero-shot CLIP, uncompared, {measure}"
        count, shots = f"{len(train.pictures)}", ""
        if classifier.shots:
            count = f"{len(inputs.pictures)} of {count}"
            shots = f", {classifier.shots} per class,"
        return (
            f"auto on {classifier.backbone}: compare {', '.join(CANDIDATES)} with zero-shot CLIP "
            f"on {count} images{shots} for at most "
            f"{duration(60 * classifier.budget)}, train the best one, {measure}"
        )
    more = without_labels(classifier.method, unlabelled)
    classes, images = len(inputs.class_names), len(train.pictures if more is None else more)
    drawn = 0 if more is not None else (classifier.shots or 0) * classes
    recipe = classifier.recipe(drawn or images, classes)
    count = f"{drawn} of {images}" if drawn else f"{images}"
    shots = f", {classifier.shots} per class," if drawn else ""
    if find(classifier.method).learns_from_teacher:
        shots = " without their labels"
    epochs = f" for {recipe.epochs} epoch{'' if recipe.epochs == 1 else 's'}"
    seconds = classifier.expected_seconds(train.pictures, train.labels, unlabelled=unlabelled)
    return (
        f"{classifier.method} on {classifier.backbone}: train on {count} images{shots}"
        f"{epochs if recipe.epochs else ''}, {measure}\n"
        f"the training takes about {duration(seconds)}"
    )


def _finish(
    classifier: PromptClassifier,
    others: Sequence[Path] | None,
    test: Labelled,
    out: Path,
    values: Any,
) -> tuple[PromptClassifier, Comparison | None]:
    """Let the saved classifier learn from images of no known class, measure it, write its page.

    Raises:
        GoproError: When something fails; it says what the saved classifier is without.
        KeyboardInterrupt: After Ctrl-C; the same.
    """
    rest = [] if others is None else ["--others"]
    rest += ["a measurement", PAGE] if test.pictures else [PAGE]
    measured = None
    try:
        if others is not None:
            classifier = classifier.with_others(others)
            classifier.save(out)
            rest.remove("--others")
        if test.pictures:
            measured = classifier.compare(test.pictures, test.labels)
            classifier.save(out, measured)
            rest.remove("a measurement")
        command = fit_command(
            classifier,
            values["folder"],
            out,
            values["all"],
            values["unlabelled"],
            values["corrections"],
            values["others"],
            values["skip_bad"],
        )
        page.write(
            out / PAGE,
            classifier,
            measured,
            test.pictures,
            title=f"A classifier for {values['folder'].resolve().name}",
            test="pictures held out",
            command=command,
        )
    except (GoproError, KeyboardInterrupt) as error:
        saved = f"the classifier is saved in {out}, but without {', '.join(rest)}"
        if isinstance(error, GoproError):
            raise GoproError(f"{saved}: {error}; the same command continues") from error
        raise KeyboardInterrupt(f"stopped; {saved}; the same command continues") from error
    return classifier, measured


def _trust(classifier: PromptClassifier, measured: Comparison | None, why: str) -> str:
    """How far shares and `none of these` can be trusted, in one line; or why not."""
    if classifier.calibration_ is None:
        return f"shares are not calibrated ({why}), and no image is answered with `none of these`"
    lines = [] if measured is None else measured.confidence_lines()
    return "; ".join([classifier.calibration_.line(), *lines])
