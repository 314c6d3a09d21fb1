"""The page of a classifier that was fitted to pictures of one's own."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PIL import Image

from gopro.classifier.classifier import PromptClassifier
from gopro.classifier.comparison import Comparison
from gopro.common import environment
from gopro.common.text import duration
from gopro.data.pictures import Picture, open_picture
from gopro.methods import find
from gopro.results.pages import page
from gopro.results.pages.answers import Answers
from gopro.results.pages.commandline import command_line, shallow
from gopro.results.pages.run_page import setting_texts
from gopro.results.pages.tokens import tokens_of


def write(
    folder: Path,
    classifier: PromptClassifier,
    measured: Comparison | None,
    pictures: Sequence[Picture],
    *,
    source: str,
    command: str,
) -> Path:
    """Write ``page.html`` into a model's folder.

    Args:
        folder: Where the classifier is saved.
        classifier: The fitted classifier.
        measured: On pictures that weren't learned from; None where nothing was held out.
        pictures: Those that were measured on, in order.
        source: How the pictures that were learned from are called.
        command: What makes the classifier again.

    Raises:
        GoproError: When the page can't be written.
    """
    training, method = classifier.training_, classifier.method_
    counts = list(training["pictures"].values())
    each = f"{min(counts)}" if min(counts) == max(counts) else f"{min(counts)} to {max(counts)}"
    settings = {
        **classifier.get_params(),
        **training["recipe"],
        "options": dict(classifier.options or {}),
    }
    made = page.Page(
        title=f"A classifier of {source}",
        description=f"Tell {len(counts)} classes apart from {each} pictures of each: "
        f"{_listed(classifier.class_names_)}.",
        tests=[_part(classifier, measured, pictures)] if measured else [],
        curves=page.curves(classifier.history_, method.loss_weights),
        tokens=tokens_of(method),
        command=command,
        settings=setting_texts(settings),
        environment=environment.describe(method.backbone.device),
        method=classifier.method,
        facts=(
            ("method", classifier.method),
            ("backbone", classifier.backbone),
            ("learned numbers", f"{method.trainable_parameters:,}"),
            ("pictures learned from", f"{sum(counts):,}"),
            ("training", duration(training["seconds"])),
            ("seed", str(classifier.seed)),
        ),
        compared=classifier.method != "zeroshot",
    )
    return page.write(made, folder / page.PAGE)


def _part(
    classifier: PromptClassifier, measured: Comparison, pictures: Sequence[Picture]
) -> Answers:
    def opened(number: int, size: int) -> Image.Image:
        return open_picture((number, pictures[number]), size)

    answers = measured.answers
    return Answers(
        "pictures held out",
        classifier.class_names_,
        answers.truth,
        answers.ours,
        answers.zero_shot,
        opened,
    )


def _listed(names: Sequence[str], most: int = 12) -> str:
    """Names in a sentence, the first few of many."""
    shown = ", ".join(name.replace("_", " ") for name in names[:most])
    return shown if len(names) <= most else f"{shown} and {len(names) - most} more"


def fit_command(classifier: PromptClassifier, folder: Path, out: Path, everything: bool) -> str:
    """``gopro fit`` with the settings of a classifier.

    Args:
        classifier: Whose settings.
        folder: The photographs.
        out: The model's folder.
        everything: Whether nothing was held out.
    """
    usual = PromptClassifier().get_params()
    given = {
        name: value
        for name, value in classifier.get_params().items()
        if name not in ("options", "class_names") and value != usual[name]
    }
    chosen = dict(classifier.options or {}).items()
    options = {name: tuple(v) if isinstance(v, list) else v for name, v in chosen}
    default = shallow(find(classifier.method).Settings())
    given |= {
        f"{classifier.method}.{name}": value
        for name, value in options.items()
        if value != default[name]
    }
    words = ["gopro", "fit", str(folder), "--out", str(out), *(["--all"] if everything else [])]
    return command_line(words, given)
