"""The page of a run, from what it wrote."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from PIL import Image

from gopro.common.text import duration
from gopro.data import Dataset, Item
from gopro.methods.base import Method
from gopro.results.pages import page
from gopro.results.pages.commandline import train_command
from gopro.results.pages.story import Part
from gopro.results.pages.tokens import tokens_of
from gopro.results.recorded import RunRecord
from gopro.training.config import TrainSettings

_TESTS = {
    "base": "classes learned from",
    "new": "classes never seen",
    "all": "all classes",
}

_TASKS = {
    "base2new": "Learn from some pictures of half of the classes; then name other pictures of "
    "those, and pictures of the classes that were never learned.",
    "few-shot": "Learn from some pictures of every class; then name others of the same classes.",
    "cross-dataset": "Learn from some pictures of one data set; then name the pictures of others.",
    "domain-generalization": "Learn from pictures of some domains; then name pictures of others.",
}


def write(
    run: RunRecord,
    datasets: Mapping[str, Dataset],
    method: Method,
    settings: TrainSettings,
    options: Any,
) -> Path:
    """Write ``page.html`` of a finished run into its folder.

    Args:
        run: What the run wrote.
        datasets: Test name -> the data set its pictures come from.
        method: With the learned weights.
        settings: Of the run.
        options: The method's settings.

    Raises:
        GoproError: When the page can't be written.
    """
    found = run.results
    parts = [
        Part(
            _TESTS.get(name, name.removeprefix("folder:")),
            part["class_names"],
            part["labels"],
            part["predicted"],
            part["zeroshot"],
            _opener(datasets[name], part),
        )
        for name, part in run.predictions.items()
    ]
    called = f"{found['method']} ({found['variant']})" if found["variant"] else found["method"]
    last = "harmonic_mean" if "harmonic_mean" in found else "average"
    summary = (last.replace("_", " "), found[last], found["zeroshot"][last])
    made = page.Page(
        title=f"{called} on {found['dataset'].removeprefix('folder:')}",
        asked=_TASKS.get(found["task"], f"Task: {found['task']}."),
        parts=parts,
        curves=page.curves(run.metrics, method.loss_weights),
        tokens=tokens_of(method),
        command=train_command(settings, options),
        settings=dict(flat(found["settings"])),
        environment=found.get("environment", {}),
        method=str(found["method"]),
        facts=(
            ("backbone", str(found["backbone"])),
            ("pictures per class", str(found["shots"])),
            ("learned numbers", f"{found['trainable_parameters']:,}"),
            ("training", duration(found["train_seconds"])),
            ("seed", str(found["seed"])),
        ),
        summary=summary if len(parts) > 1 else None,
        notes=tuple(str(note) for note in found.get("notes", ())),
        compared=found["method"] != "zeroshot",
    )
    return page.write(made, run.folder / page.PAGE)


def _opener(dataset: Dataset, part: Mapping[str, Any]) -> Any:
    def open_number(number: int, size: int) -> Image.Image:
        return dataset.open(Item(part["keys"][number], part["labels"][number]), size)

    return open_number


def flat(tree: Mapping[str, Any], prefix: str = "") -> list[tuple[str, str]]:
    """Nested settings as names with dots, and values as text."""
    rows: list[tuple[str, str]] = []
    for key, value in tree.items():
        if isinstance(value, Mapping):
            rows += flat(value, f"{prefix}{key}.")
        elif value is None:
            rows.append((f"{prefix}{key}", "-"))
        elif isinstance(value, (list, tuple)):
            rows.append((f"{prefix}{key}", ", ".join(str(one) for one in value)))
        else:
            rows.append((f"{prefix}{key}", str(value)))
    return rows
