"""The HTML page of a run."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from PIL import Image

from gopro.common.text import duration
from gopro.data import Dataset, Item
from gopro.methods.base import Method
from gopro.results import results_json, runfolder
from gopro.results.pages import page
from gopro.results.pages.answers import Answers
from gopro.results.pages.commandline import train_command
from gopro.results.pages.tokens import tokens_of
from gopro.results.run_record import RunRecord
from gopro.training.config import TrainSettings

_TESTS = {"base": "classes trained on", "new": "new classes", "all": "all classes"}

_TASKS = {
    "base2new": "Train on a few images of half of the classes (base). Test on other images of the "
    "base classes, and on images of the other half (new).",
    "base2all": "Train on a few images of half of the classes (base). Test on other images of the "
    "base classes, and on images of the other half (new), each among the names of all classes.",
    "few-shot": "Train on a few images of every class. Test on other images of the same classes.",
    "cross-dataset": "Train on a few images of one data set. Test on the images of others.",
    "domain-generalization": "Train on images of some domains. Test on images of others.",
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
        run: The contents of the run's files.
        datasets: Test name -> the data set that its images come from.
        method: The method with its learned weights.
        settings: The run's settings.
        options: The method's settings.

    Raises:
        GoproError: When the page can't be written.
    """
    results = run.results
    tests = [
        Answers(
            _TESTS.get(name, name.removeprefix("folder:")),
            part["class_names"],
            part["labels"],
            part["predicted"],
            part["zeroshot"],
            _opener(datasets[name], part),
        )
        for name, part in run.predictions.items()
    ]
    last, value = results_json.summary_of(results)
    summary = (last.replace("_", " "), value, results_json.summary_of(results["zeroshot"])[1])
    run_page = page.Page(
        title=f"{results_json.method_name(results)} on "
        f"{results['dataset'].removeprefix('folder:')}",
        description=_TASKS.get(results["task"], f"Task: {results['task']}."),
        tests=tests,
        curves=page.curves(run.metrics, method.loss_weights),
        tokens=tokens_of(method),
        command=train_command(settings, options),
        settings=setting_texts(results["settings"]),
        environment=results.get("environment", {}),
        method=str(results["method"]),
        facts=(
            ("backbone", str(results["backbone"])),
            ("images per class", str(results["shots"])),
            ("learned parameters", f"{results['trainable_parameters']:,}"),
            ("training", duration(results["train_seconds"])),
            ("seed", str(results["seed"])),
        ),
        summary=summary if len(tests) > 1 else None,
        notes=tuple(str(note) for note in results.get("notes", ())),
        compared=not results_json.is_zero_shot(results),
    )
    return page.write(run_page, run.folder / page.PAGE)


def _opener(dataset: Dataset, part: Mapping[str, Any]) -> Any:
    def open_number(number: int, size: int) -> Image.Image:
        return dataset.open(Item(part["keys"][number], part["labels"][number]), size)

    return open_number


def setting_texts(settings: Mapping[str, Any]) -> dict[str, str]:
    """Nested settings as dotted names and text."""
    return {name: _text(value) for name, value in runfolder.flat(settings).items()}


def _text(value: Any) -> str:
    if isinstance(value, (list, tuple)):
        return ", ".join(map(str, value))
    return "-" if value is None else str(value)
