"""``results.json``: its contents, and the only code that makes, writes and reads it."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast

from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError
from typing_extensions import NotRequired, TypedDict

from gopro.common.errors import GoproError
from gopro.common.files import expanded, file_sha256, write_json
from gopro.common.typed import check

if TYPE_CHECKING:
    from gopro.data.plan import Plan
    from gopro.training.config import TrainSettings

FILE = "results.json"
SCHEMA = 1


def _one_line(text: str) -> str:
    if re.search(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]", text):
        raise PydanticCustomError("line", "Input should hold no control characters or line breaks")
    return text


def _unicode(text: str) -> str:
    if re.search(r"[\ud800-\udfff]", text):
        raise PydanticCustomError("unicode", "Input should be valid Unicode")
    return text


FileName = Annotated[str, AfterValidator(_one_line)]
"""One line; the bytes of a file name that isn't UTF-8 are surrogates in it."""

Text = Annotated[FileName, AfterValidator(_unicode)]
Count = Annotated[int, Field(ge=0, lt=2**53)]
Percent = Annotated[float, Field(ge=0, le=100, allow_inf_nan=False)]


class Score(TypedDict):
    """The accuracy on one test: percent, number of test images, number of classes."""

    accuracy: Percent
    n: Count
    classes: Count


class Scores(TypedDict):
    """The accuracies of one method: test name -> score, their summary, test name -> prompt."""

    test: dict[Text, Score]
    harmonic_mean: NotRequired[Percent]
    average: NotRequired[Percent]
    templates: NotRequired[dict[str, Text]]


class Provenance(TypedDict, total=False):
    """What is needed to repeat a run; see ``gopro.runs.provenance``."""

    settings: dict[str, Any]
    environment: dict[str, Any]
    revision: Text | None
    splits: dict[str, Any]
    sample: str


class Measured(Scores):
    """The accuracies of a run's method, and beside them those of zero-shot CLIP."""

    zeroshot: Scores


class Results(Measured, Provenance):
    """Contents of ``results.json``.

    ``train_seconds`` (one decimal) counts the same for all methods: ``Method.prepare`` (closed
    forms), then all steps, with the views made in them, and what is done between epochs, which is
    validation and checkpoints. It doesn't count what comes before: opening images, encoding them
    once, and making cached views.
    """

    schema: int
    dataset: Text
    task: Text
    method: Text
    variant: Text | None
    texts: NotRequired[Text | None]
    backbone: Text
    shots: Count
    seed: Count
    train_seconds: Annotated[float, Field(ge=0, le=1e12, allow_inf_nan=False)]
    trainable_parameters: Count
    notes: NotRequired[list[Text]]


_TESTS = {"base2new": {"base", "new"}, "base2all": {"base", "new"}, "few-shot": {"all"}}
"""Names of the tests, for the tasks where they are fixed."""


def harmonic_mean(base: float, new: float) -> float:
    """``2 base new / (base + new)``, in percent like its arguments; 0 when both are 0."""
    return 2 * base * new / (base + new) if base + new > 0 else 0.0


def summary(test: Mapping[str, Any]) -> dict[str, float]:
    """The one number of a run: the harmonic mean of base and new, else the average accuracy."""
    accuracies = {name: score["accuracy"] for name, score in test.items()}
    if set(accuracies) == {"base", "new"}:
        return {"harmonic_mean": harmonic_mean(accuracies["base"], accuracies["new"])}
    return {"average": sum(accuracies.values()) / len(accuracies)}


def summary_of(scores: Mapping[str, Any]) -> tuple[str, float]:
    """Name and value of the summary in recorded scores."""
    name = "harmonic_mean" if "harmonic_mean" in scores else "average"
    return name, scores[name]


def is_zero_shot(results: Mapping[str, Any]) -> bool:
    """Whether a run's method is zero-shot CLIP with the sentences that are beside all methods."""
    prompts = results["zeroshot"].get("templates")
    return bool(results["method"] == "zeroshot" and results.get("templates", prompts) == prompts)


def method_name(results: Mapping[str, Any]) -> str:
    """The method with its variant and its texts, as in ``gopro (paper)``."""
    details = [text for text in (results["variant"], results.get("texts")) if text]
    name = str(results["method"])
    return f"{name} ({', '.join(details)})" if details else name


def measured(
    scores: Mapping[str, dict[str, Score]], templates: Mapping[str, dict[str, str]]
) -> Measured:
    """The measured part of the results.

    Args:
        scores: "method" and "zeroshot" -> test name -> score.
        templates: "method" and "zeroshot" -> test name -> prompt; empty for a method without one.
    """
    parts: dict[str, Any] = {who: {"test": test, **summary(test)} for who, test in scores.items()}
    for who, prompts in templates.items():
        parts[who] |= {"templates": prompts} if prompts else {}
    return cast(Measured, {**parts["method"], "zeroshot": parts["zeroshot"]})


def results(
    settings: TrainSettings,
    options: Any,
    plan: Plan,
    parameters: int,
    seconds: float,
    measured: Measured,
) -> Results:
    """The results of a run, without their provenance.

    Args:
        settings: The run's settings.
        options: The method's settings.
        plan: What was trained and tested on. Notes about its data sets, such as a generated
            split, are recorded.
        parameters: Number of trainable parameters.
        seconds: Training time, see ``Results``.
        measured: The accuracies.
    """
    notes = [f"{dataset.name}: {note}" for dataset in plan.datasets for note in dataset.notes]
    return {
        "schema": SCHEMA,
        "dataset": plan.dataset,
        "task": plan.task,
        "method": settings.method,
        "variant": getattr(options, "variant", None),
        "texts": texts_of(options),
        "backbone": settings.backbone,
        "shots": settings.shots,
        "seed": settings.seed,
        "train_seconds": round(seconds, 1),
        "trainable_parameters": parameters,
        "notes": list(dict.fromkeys(notes)),
        **measured,  # type: ignore[typeddict-item]  # the caller adds the provenance
    }


def texts_of(options: Any) -> str | None:
    """Name and checksum of the file of sentences, None without one."""
    file = getattr(options, "texts", None)
    if file is None:
        return None
    path = expanded(file)
    return f"texts {path.name} {file_sha256(path)[:8]}"


def write(folder: Path, results: Results) -> None:
    """Write the results of a finished run into its folder.

    Raises:
        GoproError: When the file can't be written.
    """
    write_json(folder / FILE, results)


def read(folder: Path) -> Results:
    """The results of a finished run.

    Raises:
        GoproError: When the folder holds none, or they are damaged or of another schema.
    """
    path = folder / FILE
    try:
        contents: Any = json.loads(path.read_text(encoding="utf-8"))
        if contents["schema"] != SCHEMA:
            raise GoproError(f"{path} has schema {contents['schema']}; this gopro reads {SCHEMA}")
        check(contents, Results)
        _check_tests(contents)
    except FileNotFoundError as error:
        raise GoproError(
            f"{folder} holds no finished run ({FILE} is missing); train there first"
        ) from error
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise GoproError(f"{path} is damaged ({error}); train again into another --out") from error
    return cast(Results, contents)


def _check_tests(results: Results) -> None:
    """Check that the tests are those of the task, and that zero-shot CLIP had the same.

    Raises:
        ValueError: When they aren't, or a summary is missing.
    """
    tests, wanted = set(results["test"]), _TESTS.get(results["task"])
    if not tests or (wanted and tests != wanted):
        raise ValueError(f"got the tests {sorted(tests)}; wanted {sorted(wanted or ['any'])}")
    if results["zeroshot"]["test"].keys() != tests:
        raise ValueError("zeroshot was measured on other tests")
    for name in summary(results["test"]):
        for who, scores in (("", results), ("zeroshot.", results["zeroshot"])):
            if name not in scores:
                raise ValueError(f"{who}{name} is missing")
