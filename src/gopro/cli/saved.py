"""Common to the commands on a saved classifier: options, loading, other class names."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from gopro.cli.options import Parser, at_least_one
from gopro.common.preprocessing import Decode

if TYPE_CHECKING:
    from gopro.classifier.classifier import PromptClassifier


def add_options(parser: Parser, *, may_be_fast: bool = False) -> None:
    """Add the classifier's folder, and the options for loading and running it.

    Args:
        parser: The parser to add them to.
        may_be_fast: Whether the command uses the fast prediction, if the model has one.
    """
    parser.add_argument("model", type=Path, help="folder of the classifier")
    parser.option("--classes", str | None, None, "class names to choose from: a,b,c")
    parser.option("--device", str, "auto", "auto, cpu, cuda or mps")
    parser.option(
        "--precision",
        Literal["fp32", "bf16", "fp16"] | None,
        None,
        "precision of the backbone; by default the one it was fitted with",
    )
    parser.option("--pretrained", str | None, None, "current place of the backbone's weights")
    if may_be_fast:
        parser.flag(
            "--exact",
            "one text encoder pass per image, for exact probabilities of unlikely classes "
            "too; by default the fast prediction, if the model was saved with it and "
            "--classes isn't given",
        )
    parser.option(
        "--decode",
        Decode | None,
        None,
        "exact, or reduced: large JPEGs at a reduced scale; by default as it was fitted",
    )
    parser.option("--batch", int | None, None, "images per step; by default as it was fitted")
    parser.option("--workers", int | None, None, "threads that decode images")


def load(folder: Path, values: Any) -> PromptClassifier:
    """Load the classifier of a folder, with other class names where ``--classes`` gives them.

    Raises:
        GoproError: When it can't be loaded, or a value or class name is invalid.
    """
    from gopro.classifier.classifier import PromptClassifier

    at_least_one(values, "batch", "workers")
    classifier = PromptClassifier.load(
        folder,
        device=values["device"],
        precision=values["precision"],
        pretrained=values["pretrained"],
    )
    given = {"eval_batch": values["batch"], "decode": values["decode"]}
    given = {name: value for name, value in given.items() if value is not None}
    classifier.set_params(workers=values["workers"], **given)
    classifier = with_names(classifier, values["classes"])
    return classifier.set_params(fast=classifier.fast_is_ready and not values.get("exact", True))


def with_names(classifier: PromptClassifier, names: str | None) -> PromptClassifier:
    """The classifier for the names of ``--classes``; itself for its own names or None.

    Args:
        classifier: The loaded one.
        names: With commas between.

    Raises:
        GoproError: As ``PromptClassifier.with_classes``.
    """
    if names is None:
        return classifier
    wanted = [name.strip() for name in names.split(",")]
    if wanted == list(classifier.class_names_):
        return classifier
    return classifier.with_classes(wanted)
