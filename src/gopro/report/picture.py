"""One picture of a run: what was learned, over epochs and on test images."""

from __future__ import annotations

import json
import random
import textwrap
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from gopro import results
from gopro.data import Dataset, Item, readable
from gopro.engine import METRICS
from gopro.errors import GoproError
from gopro.files import atomic_write
from gopro.runfolder import PREDICTIONS

RIGHT, WRONG, PLAIN, ACCENT = "#1a7f5a", "#c0392b", "#8a94a6", "#3457d5"
_COLUMNS = 6


def draw(folder: Path, datasets: Mapping[str, Dataset]) -> Path:
    """Draw ``picture.png`` of a finished run into its folder.

    Args:
        folder: The run folder.
        datasets: Test name -> the data set its images come from.

    Returns:
        The picture's path.

    Raises:
        GoproError: When the folder holds no finished run or the picture can't be written.
    """
    found = results.read(folder)
    predictions = _read(folder / PREDICTIONS)
    matplotlib.rcParams["font.family"] = ["DejaVu Sans"]
    figure = Figure(figsize=(13, 9), layout="constrained")
    halves: Any = figure.subfigures(2, 1, height_ratios=(1, 1.5))
    top, bottom = halves
    curve, bars = top.subplots(1, 2, width_ratios=(1.25, 1))
    _accuracy_over_epochs(curve, folder, found)
    _against_zero_shot(bars, found)
    variant = f" ({found['variant']})" if found["variant"] else ""
    top.suptitle(
        f"{found['method']}{variant} on {found['dataset']}, {found['task']}, {found['shots']} "
        f"images per class, backbone {found['backbone']}",
        fontsize=14,
        fontweight="bold",
    )
    _examples(bottom, predictions, datasets)
    path = folder / "picture.png"
    with atomic_write(path) as temporary:
        figure.savefig(temporary, format="png", dpi=100)
    return path


def _accuracy_over_epochs(axes: Axes, folder: Path, found: Mapping[str, Any]) -> None:
    rows = [json.loads(line) for line in (folder / METRICS).read_text().splitlines()]
    measured = [(row["epoch"], row["val_accuracy"]) for row in rows if "val_accuracy" in row]
    if measured:
        axes.plot(*zip(*measured, strict=True), marker="o", color=ACCENT, lw=2)
        axes.set_ylabel("accuracy in %", color=ACCENT)
    loss = axes.twinx() if measured else axes
    loss.plot([row["epoch"] for row in rows], [row["ce"] for row in rows], color=PLAIN, ls="--")
    loss.set_ylabel("cross-entropy in training (dashed)", color=PLAIN)
    axes.set_title("Validation images of the training classes, over epochs", fontsize=11)
    axes.set_xlabel("epoch")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    for each in (axes, loss):
        each.spines["top"].set_visible(False)


def _against_zero_shot(axes: Axes, found: Mapping[str, Any]) -> None:
    names = list(found["test"])
    groups = [(name, found["zeroshot"]["test"][name], found["test"][name]) for name in names]
    bars = [(name, zero["accuracy"], ours["accuracy"]) for name, zero, ours in groups]
    if "harmonic_mean" in found:
        pair = found["zeroshot"]["harmonic_mean"], found["harmonic_mean"]
        bars.append(("harmonic\nmean", *pair))
    for place, (_, zero, ours) in enumerate(bars):
        for shift, value, colour in ((-0.2, zero, PLAIN), (0.2, ours, ACCENT)):
            axes.bar(place + shift, value, 0.38, color=colour)
            axes.text(place + shift, value + 0.8, f"{value:.1f}", ha="center", fontsize=10)
    axes.set_xticks(range(len(bars)), [name for name, *_ in bars])
    axes.set_ylim(0, max(max(zero, ours) for _, zero, ours in bars) * 1.25)
    axes.set_title("Test images: accuracy in %", fontsize=11)
    axes.spines[["top", "right"]].set_visible(False)
    handles = [axes.bar(0, 0, color=colour) for colour in (PLAIN, ACCENT)]
    axes.legend(handles, ["zero-shot CLIP", found["method"]], frameon=False, loc="upper right")


def _examples(figure: Any, predictions: Mapping[str, Any], datasets: Mapping[str, Dataset]) -> None:
    """Test images drawn by lot, one row a test, with both answers under each."""
    names = list(predictions)[:2]
    grid = figure.subplots(len(names), _COLUMNS, squeeze=False)
    figure.suptitle("Test images drawn by lot: the true name, and what each one said", fontsize=11)
    for row, name in zip(grid, names, strict=True):
        part = predictions[name]
        chosen = _by_lot(len(part["labels"]), _COLUMNS)
        for axes, index in zip(row, chosen, strict=False):
            item = Item(part["keys"][index], part["labels"][index])
            axes.imshow(datasets[name].open(item), interpolation="lanczos")
            _caption(axes, name, part, index)
        for axes in row:
            axes.set_axis_off()


def _caption(axes: Axes, test: str, part: Mapping[str, Any], index: int) -> None:
    words = [readable(name) for name in part["class_names"]]
    truth = part["labels"][index]
    axes.set_title(f"{test}: {textwrap.shorten(words[truth], 24)}", fontsize=10)
    for line, (who, key) in enumerate((("zero-shot", "zeroshot"), ("learned", "predicted"))):
        answer = part[key][index]
        axes.text(
            0.5,
            -0.05 - 0.13 * line,
            f"{who}: {textwrap.shorten(words[answer], 22)}",
            transform=axes.transAxes,
            ha="center",
            va="top",
            fontsize=9,
            color=RIGHT if answer == truth else WRONG,
        )


def _by_lot(count: int, wanted: int) -> Sequence[int]:
    return random.Random(0).sample(range(count), min(count, wanted))


def _read(path: Path) -> dict[str, Any]:
    try:
        found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        return found
    except (OSError, ValueError) as error:
        raise GoproError(f"can't read {path}; run gopro train again") from error
