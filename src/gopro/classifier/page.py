"""The HTML page of a fitted or evaluated classifier, and the command that fits it again."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from gopro.classifier.choice import ZERO_SHOT
from gopro.classifier.classifier import PromptClassifier
from gopro.classifier.comparison import Comparison
from gopro.common import environment
from gopro.common.text import counted, duration
from gopro.data.pictures import Picture, open_picture
from gopro.methods import find
from gopro.results.pages import page
from gopro.results.pages.answers import Answers
from gopro.results.pages.commandline import command_line, shallow
from gopro.results.pages.run_page import setting_texts
from gopro.results.pages.tokens import tokens_of


def write(
    path: Path,
    classifier: PromptClassifier,
    measured: Comparison | None,
    pictures: Sequence[Picture],
    *,
    title: str,
    test: str,
    command: str,
    notes: Sequence[str] = (),
) -> Path:
    """Write the page.

    Args:
        path: The file.
        classifier: The fitted classifier.
        measured: Results on pictures; None if nothing was measured.
        pictures: Those that were given for the measurement.
        title: The headline.
        test: What the measured pictures are called.
        command: The command that makes the page again.
        notes: Remarks below the headline.

    Raises:
        GoproError: When the page can't be written.
    """
    training, method = classifier.training_, classifier.method_
    settings = {
        **classifier.get_params(),
        **training["recipe"],
        "options": dict(classifier.options or {}),
    }
    content = page.Page(
        title=title,
        description=_task(classifier),
        tests=[_answers(classifier, measured, pictures, test)] if measured else [],
        confidence=None if measured is None else measured.confidence,
        unseen=measured is None or measured.fitted_on == 0,
        notes=notes,
        curves=page.curves(classifier.history_, method.loss_weights),
        tokens=tokens_of(method),
        command=command,
        settings=setting_texts(settings),
        environment=environment.describe(method.backbone.device),
        method=classifier.method_name_,
        facts=(
            ("method", _method(classifier)),
            ("backbone", classifier.backbone),
            ("learned parameters", f"{method.trainable_parameters:,}"),
            ("training pictures", f"{sum(training['pictures'].values()):,}"),
            ("training", duration(training["seconds"])),
            ("seed", str(classifier.seed)),
        ),
        compared=classifier.method_name_ != ZERO_SHOT,
    )
    return page.write(content, path)


def _answers(
    classifier: PromptClassifier, measured: Comparison, pictures: Sequence[Picture], name: str
) -> Answers:
    shown = [pictures[index] for index in measured.indices]
    return Answers(
        name,
        classifier.class_names_,
        **vars(measured.answers),
        picture=lambda number, size: open_picture((number, shown[number]), size),
    )


def _task(classifier: PromptClassifier) -> str:
    """What was learned, and among which names it chooses if these are others."""
    counts = list(classifier.training_["pictures"].values())
    least, most = min(counts), max(counts)
    each = counted(most, "picture") if least == most else f"{least} to {most} pictures"
    trained, names = classifier.trained_names_, classifier.class_names_
    text = f"Learn {len(trained)} classes from {each} of each: {_listed(trained)}."
    if names != trained:
        text += f" Here it chooses among {counted(len(names), 'name')}: {_listed(names)}."
    return text


def _method(classifier: PromptClassifier) -> str:
    choice, texts = classifier.choice_, classifier.training_.get("texts")
    if choice is None:
        return classifier.method_name_ + (f" with {texts}" if texts else "")
    others = ", ".join(one.method for one in choice.compared if one.method != choice.method)
    return f"{choice.method}, chosen in cross-validation with {others or 'no other'}"


def _listed(names: Sequence[str], most: int = 12) -> str:
    """The first ``most`` names, separated by commas, and how many more there are."""
    shown = ", ".join(name.replace("_", " ") for name in names[:most])
    return shown if len(names) <= most else f"{shown} and {len(names) - most} more"


def fit_command(
    classifier: PromptClassifier,
    folder: Path,
    out: Path,
    everything: bool,
    unlabelled: Path | None = None,
    corrections: Sequence[Path] = (),
    others: Path | None = None,
    skip_bad: bool = False,
) -> str:
    """``gopro fit`` with the settings of a classifier.

    Args:
        classifier: Has the settings.
        folder: The training pictures.
        out: The model's folder.
        everything: Whether all pictures were used for training.
        unlabelled: The folder of pictures without labels.
        corrections: The tables of corrected labels.
        others: The folder of pictures of none of the classes.
        skip_bad: Whether unreadable pictures were left out.
    """
    defaults = PromptClassifier().get_params()
    changed = {
        name: value
        for name, value in classifier.get_params().items()
        if name not in ("options", "class_names") and value != defaults[name]
    }
    for name, value in (classifier.options or {}).items():
        value = tuple(value) if isinstance(value, list) else value
        if value != shallow(find(classifier.method).Settings())[name]:
            changed[f"{classifier.method}.{name}"] = value
    folders = {"unlabelled": unlabelled, "others": others}
    changed |= {name: path for name, path in folders.items() if path is not None}
    words = ["gopro", "fit", str(folder), "--out", str(out), *(["--all"] if everything else [])]
    words += ["--skip-bad"] if skip_bad else []
    words += ["--corrections", *map(str, corrections)] if corrections else []
    return command_line(words, changed)
