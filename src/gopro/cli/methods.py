"""``gopro methods``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from gopro.cli.options import Parser, at_least_one, parse
from gopro.common.errors import GoproError
from gopro.training.config import DEFAULT_BACKBONE

if TYPE_CHECKING:
    from gopro.backbones import Backbone
    from gopro.methods.base import Method


def methods(arguments: Sequence[str]) -> None:
    """List the methods with their papers, what they learn, and the number of parameters."""
    parser = Parser(
        prog="gopro methods",
        description="List the methods with their papers, what they learn, and their number of "
        "learned parameters.",
    )
    parser.add_argument("--backbone", default=DEFAULT_BACKBONE, help="the backbone to count on")
    parser.option("--classes", int, 50, "number of classes")
    parser.option("--shots", int, 16, "training images per class")
    values = parse(parser, arguments)
    backbone_name, classes, shots = (values[name] for name in ("backbone", "classes", "shots"))
    at_least_one(values, "classes", "shots")
    from rich.console import Console

    from gopro.backbones.build import untrained
    from gopro.common.console import print_table
    from gopro.methods import TABLE, find
    from gopro.results.pages.formats import rich_table

    backbone = untrained(backbone_name)
    rows, refusals = [], []
    for name in TABLE:
        kind = find(name)
        try:
            count = f"{_parameters(kind, backbone, classes, shots):,}"
        except GoproError as error:
            count = "-"
            refusals.append(str(error))
        rows.append((name, kind.paper, kind.about, count))
    console = Console()
    print_table(rich_table(("method", "paper", "learns", "parameters"), rows, left=3))
    console.print(
        f"Learned parameters on {backbone_name} with default settings, {classes} classes and "
        f"{shots} training images per class.",
        highlight=False,
    )
    parts = ", ".join(name for name in TABLE if find(name).parts)
    console.print(f"Methods with parts for `gopro ablate`: {parts}.", highlight=False)
    for line in refusals:
        console.print(line, highlight=False, markup=False)


def _parameters(kind: type[Method], backbone: Backbone, classes: int, shots: int) -> int:
    """Number of parameters that a method learns.

    Raises:
        GoproError: When it can't be used with this backbone.
    """
    import torch

    from gopro.backbones import ImageFeatures

    names = [f"kind {number}" for number in range(classes)]
    method = kind(backbone, names, kind.Settings())
    if method.learns_from_features:
        labels = torch.arange(classes).repeat(shots)
        widths = backbone.feature_widths
        nothing = {name: torch.zeros(len(labels), width) for name, width in widths.items()}
        method.prepare(ImageFeatures(**nothing), labels)
    return method.trainable_parameters
