"""``gopro methods``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from gopro.cli.options import Parser, parse
from gopro.common.errors import GoproError

if TYPE_CHECKING:
    from gopro.backbones import Backbone
    from gopro.methods.base import Method


def methods(arguments: Sequence[str]) -> None:
    """List the methods with their papers, what they learn, and how many numbers that is."""
    parser = Parser(prog="gopro methods", description="List the methods.")
    parser.add_argument("--backbone", default="mini", help="count the parameters on this one")
    parser.add_argument("--classes", type=int, default=50, help="classes to count for")
    parser.add_argument("--shots", type=int, default=16, help="training images a class")
    given = parse(parser, arguments)
    if given["classes"] < 1 or given["shots"] < 1:
        raise GoproError("--classes and --shots must be 1 or more")
    from rich.console import Console
    from rich.table import Table

    from gopro.backbones.build import untrained
    from gopro.methods import TABLE, find

    backbone = untrained(given["backbone"])
    table = Table("method", "paper", "learns")
    table.add_column("parameters", justify="right")
    unfit = []
    for name in TABLE:
        kind = find(name)
        try:
            count = f"{_parameters(kind, backbone, given['classes'], given['shots']):,}"
        except GoproError as error:
            count = "-"
            unfit.append(str(error))
        table.add_row(name, kind.paper, kind.about, count)
    console = Console()
    console.print(table)
    console.print(
        f"Learned parameters on {given['backbone']} with default settings, "
        f"{given['classes']} classes and {given['shots']} training images of each.",
        highlight=False,
    )
    parts = ", ".join(name for name in TABLE if find(name).parts)
    console.print(f"With parts for gopro ablate: {parts}.", highlight=False)
    for line in unfit:
        console.print(line, highlight=False, markup=False)


def _parameters(kind: type[Method], backbone: Backbone, classes: int, shots: int) -> int:
    """How many numbers a method learns.

    Raises:
        GoproError: When it can't work on this backbone.
    """
    import torch

    from gopro.backbones import ImageFeatures

    names = [f"kind {number}" for number in range(classes)]
    method = kind(backbone, names, kind.Settings())
    if method.learns_from_features:
        labels = torch.arange(classes).repeat(shots)
        nothing = torch.zeros(len(labels), backbone.embed_dim)
        method.prepare(ImageFeatures(nothing, nothing, nothing), labels)
    return method.trainable_parameters
