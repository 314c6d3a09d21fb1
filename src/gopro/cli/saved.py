"""What the commands on a saved classifier share: options, loading, other class names."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from gopro.cli.options import Parser

if TYPE_CHECKING:
    from gopro.classifier.classifier import PromptClassifier


def add_options(parser: Parser, *, may_be_fast: bool = False) -> None:
    """Options for how a saved classifier is loaded and run.

    Args:
        parser: Gets them.
        may_be_fast: Whether the command predicts the fast way the model was saved with.
    """
    parser.add_argument(
        "--classes", type=str | None, default=None, help="choose among these: a,b,c"
    )
    parser.add_argument("--device", type=str, default="auto", help="auto, cpu, cuda or mps")
    parser.add_argument(
        "--precision",
        type=Literal["fp32", "bf16", "fp16"] | None,
        default=None,
        help="of the backbone; by default the one it was fitted with",
    )
    parser.add_argument(
        "--pretrained", type=str | None, default=None, help="where the backbone's weights are now"
    )
    if may_be_fast:
        parser.add_argument(
            "--exact",
            action="store_true",
            help="a text pass for each picture, so that shares of unlikely names are exact too; by "
            "default the fast prediction that the model was saved with, where it has one and its "
            "own names are asked for",
        )
    parser.add_argument("--batch", type=int, default=64, help="pictures per step")
    parser.add_argument(
        "--workers", type=int | None, default=None, help="threads that decode pictures"
    )


def load(folder: Path, values: Any) -> PromptClassifier:
    """The classifier in a folder, with the class names asked for.

    Raises:
        GoproError: When it can't be loaded, or a value or a name doesn't fit.
    """
    from gopro.classifier.classifier import PromptClassifier
    from gopro.common.errors import GoproError

    for name in ("batch", "workers"):
        if values[name] is not None and values[name] < 1:
            raise GoproError(f"got --{name} {values[name]}; it must be 1 or more")
    classifier = PromptClassifier.load(
        folder,
        device=values["device"],
        precision=values["precision"],
        pretrained=values["pretrained"],
    )
    classifier.set_params(eval_batch=values["batch"], workers=values["workers"])
    if values["classes"] is not None:
        names = [name.strip() for name in values["classes"].split(",")]
        if names != list(classifier.class_names_):
            classifier = classifier.with_classes(names)
    return classifier.set_params(fast=classifier.fast_is_ready and not values.get("exact", True))
