"""``picture.png`` of a run: training curve, accuracies, and example test images."""

from __future__ import annotations

import random
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from gopro.common.files import atomic_write
from gopro.common.text import readable
from gopro.data import Dataset, Item
from gopro.data.images import to_array
from gopro.results import results_json
from gopro.results.run_record import RunRecord

RIGHT, WRONG, PLAIN, ACCENT, INK = "#1a7f5a", "#c0392b", "#8a94a6", "#3457d5", "#20242c"

# Sizes in inches: the figure, the curve and bars on top, the examples below
_WIDTH, _HEIGHT = 13.0, 9.6
_TOP, _TOP_HEIGHT = 5.95, 2.55
_COLUMNS, _ROWS = 6, 2
_MARGIN, _PITCH, _SIDE = 1.3, 1.93, 1.58
_ROW_HEIGHT, _LINE = 2.52, 0.22
_PIXELS = 224


def draw(run: RunRecord, datasets: Mapping[str, Dataset]) -> Path:
    """Draw ``picture.png`` of a run into its folder.

    Args:
        run: The contents of the run's files.
        datasets: Test name -> the data set that its images come from.

    Returns:
        The path of the picture.

    Raises:
        GoproError: When an image can't be read, or the picture can't be written.
    """
    path = run.folder / "picture.png"
    # names come from the user: dollar signs are no formulas, missing glyphs no warnings
    style: Any = {"font.family": ["DejaVu Sans"], "text.parse_math": False}
    with warnings.catch_warnings(), matplotlib.rc_context(style):
        warnings.filterwarnings("ignore", message="Glyph .* missing from")
        figure = Figure(figsize=(_WIDTH, _HEIGHT), facecolor="white")
        _headline(figure, run.results)
        _over_epochs(_axes(figure, 0.8, 5.4), run.metrics)
        _against_zero_shot(_axes(figure, 7.6, 5.1), run.results)
        _examples(figure, run.results, run.predictions, datasets)
        with atomic_write(path) as temporary:
            figure.savefig(temporary, format="png", dpi=100)
    return path


def _axes(figure: Figure, left: float, width: float) -> Axes:
    box = (left / _WIDTH, _TOP / _HEIGHT, width / _WIDTH, _TOP_HEIGHT / _HEIGHT)
    axes: Axes = figure.add_axes(box)
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color(PLAIN)
    axes.tick_params(colors=INK, labelsize=9)
    return axes


def _headline(figure: Figure, results: Mapping[str, Any]) -> None:
    title = f"{results_json.method_name(results)} on {results['dataset']}, {results['task']}"
    about = f"{results['shots']} training images per class, backbone {results['backbone']}"
    left = 0.35 / _WIDTH
    figure.text(left, 9.22 / _HEIGHT, _short(title, 80), size=16, weight="bold", color=INK)
    figure.text(left, 8.92 / _HEIGHT, _short(about, 120), size=11, color="#5b6472")


def _over_epochs(axes: Axes, rows: Sequence[Mapping[str, Any]]) -> None:
    """Validation accuracy, if it was measured, and the training loss."""
    term = "ce" if rows and "ce" in rows[0] else "loss"
    word = {"ce": "cross-entropy", "loss": "loss"}[term]
    measured = [(row["epoch"], row["val_accuracy"]) for row in rows if "val_accuracy" in row]
    loss = axes.twinx() if measured else axes
    loss.spines[["top"]].set_visible(False)
    loss.spines[["right"]].set_color(PLAIN)
    loss.tick_params(labelsize=9)
    loss.plot([r["epoch"] for r in rows], [r[term] for r in rows], "--o", color=PLAIN, ms=3)
    loss.set_ylabel(f"{word} in training (dashed)", color="#5b6472", size=9.5)
    title = f"Training: {word} over epochs"
    if measured:
        axes.plot(*zip(*measured, strict=True), "-o", color=ACCENT, lw=2, ms=5)
        axes.set_ylabel("accuracy in %", color=ACCENT, size=9.5)
        axes.set_zorder(loss.get_zorder() + 1)
        axes.patch.set_visible(False)
        title = "Validation images of the classes trained on: accuracy over epochs"
    axes.set_title(title, size=11, loc="left", color=INK)
    axes.set_xlabel("epoch", size=9.5, labelpad=2)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))


def _against_zero_shot(axes: Axes, results: Mapping[str, Any]) -> None:
    bars = [
        (name, results["zeroshot"]["test"][name]["accuracy"], row["accuracy"])
        for name, row in results["test"].items()
    ]
    if len(bars) > 1:
        last, value = results_json.summary_of(results)
        zero = results_json.summary_of(results["zeroshot"])[1]
        bars.append((last.replace("_", "\n"), zero, value))
    few = len(bars) <= 5
    size = 10 if few else 8
    for shift, colour, part, label in (
        (-0.2, PLAIN, 1, "zero-shot CLIP"),
        (0.2, ACCENT, 2, results_json.method_name(results)),
    ):
        centres = [number + shift for number in range(len(bars))]
        rectangles = axes.bar(centres, [bar[part] for bar in bars], 0.38, color=colour, label=label)
        axes.bar_label(rectangles, fmt="%.1f" if few else "%.0f", padding=2, size=size, color=INK)
    names = [name if "\n" in name else _test_name(name, 14) for name, *_ in bars]
    rotation: dict[str, Any] = (
        {} if few else {"rotation": 30, "ha": "right", "rotation_mode": "anchor"}
    )
    axes.set_xticks(range(len(bars)), names, size=size, **rotation)
    spare = max(0, 3 - len(bars)) / 2  # one pair of bars is not wider than three
    axes.set_xlim(-0.6 - spare, len(bars) - 0.4 + spare)
    axes.set_ylim(0, max(1.0, *(max(zero, ours) for _, zero, ours in bars)) * 1.12)
    axes.set_title("Test images: accuracy in %", size=11, loc="left", color=INK)
    axes.legend(frameon=False, loc="lower right", bbox_to_anchor=(1.02, 0.98), ncols=2, fontsize=9)


def _examples(
    figure: Figure,
    results: Mapping[str, Any],
    predictions: Mapping[str, Any],
    datasets: Mapping[str, Dataset],
) -> None:
    """A random sample of test images, with the true class and both answers below each."""
    # one axes in inches: faster than one axes per image
    height = _TOP - 0.55
    axes: Axes = figure.add_axes((0, 0, 1, height / _HEIGHT))
    axes.set(xlim=(0, _WIDTH), ylim=(0, height))
    axes.set_axis_off()
    heading = "A random sample of test images, with true class and answers"
    axes.text(0.35, height - 0.22, heading, size=11, color=INK)
    names = list(predictions)
    for row in range(_ROWS):
        name = names[min(row, len(names) - 1)]
        chosen = _sample(len(predictions[name]["labels"]))
        chosen = chosen[row * _COLUMNS :] if len(names) == 1 else chosen
        bottom = height - 0.4 - row * _ROW_HEIGHT - _SIDE
        if chosen:
            _row_labels(axes, bottom, name, _short(results["method"], 12))
        for column, index in enumerate(chosen[:_COLUMNS]):
            left = _MARGIN + column * _PITCH
            _image(axes, left, bottom, datasets[name], predictions[name], index)
            _caption(axes, left + _SIDE / 2, bottom, predictions[name], index)
    axes.set(xlim=(0, _WIDTH), ylim=(0, height), aspect="auto")


def _row_labels(axes: Axes, bottom: float, test: str, method: str) -> None:
    right = _MARGIN - 0.15
    axes.text(
        right,
        bottom + _SIDE / 2,
        _test_name(test, 11),
        ha="right",
        va="center",
        weight="bold",
        size=10,
    )
    for line, word in enumerate(("true class", "zero-shot", method)):
        axes.text(right, _line(bottom, line), word, ha="right", va="top", size=9, color="#5b6472")


def _image(
    axes: Axes, left: float, bottom: float, dataset: Dataset, part: Mapping[str, Any], index: int
) -> None:
    item = Item(part["keys"][index], part["labels"][index])
    pixels = to_array(dataset.open(item, _PIXELS), _PIXELS)
    axes.imshow(pixels, extent=(left, left + _SIDE, bottom, bottom + _SIDE), aspect="auto")


def _caption(axes: Axes, middle: float, bottom: float, part: Mapping[str, Any], index: int) -> None:
    truth = part["labels"][index]
    lines = [(truth, INK, "")]
    for answer in (part["zeroshot"][index], part["predicted"][index]):
        right = answer == truth
        lines.append((answer, RIGHT if right else WRONG, "✓ " if right else "✗ "))
    for line, (label, colour, mark) in enumerate(lines):
        axes.text(
            middle,
            _line(bottom, line),
            mark + _short(readable(part["class_names"][label]), 23 - len(mark)),
            ha="center",
            va="top",
            size=9,
            weight="normal" if mark else "bold",
            color=colour,
        )


def _line(bottom: float, number: int) -> float:
    return bottom - 0.06 - _LINE * number


def _test_name(name: str, length: int) -> str:
    return _short(name.removeprefix("folder:"), length)


def _short(text: str, length: int) -> str:
    return text if len(text) <= length else text[: length - 1].rstrip() + "…"


def _sample(count: int) -> list[int]:
    return random.Random(0).sample(range(count), min(count, _COLUMNS * _ROWS))
