"""What a run trains and tests on: each task is defined here, once."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from gopro.data.dataset import Dataset, Item
from gopro.data.fewshot import Sample, draw
from gopro.errors import GoproError


@dataclass(frozen=True)
class Test:
    """One measurement: pictures, each to be named among ``class_names``.

    Attributes:
        dataset: Opens the items.
        class_names: The names to choose from.
        items: Labels index ``class_names``.
    """

    # pytest collects classes called Test...; this is not one of its own
    __test__ = False

    dataset: Dataset
    class_names: tuple[str, ...]
    items: tuple[Item, ...]


@dataclass(frozen=True)
class Plan:
    """What a run trains, chooses and tests on.

    Attributes:
        task: The task's proper name, aliases resolved.
        source: The data set of the training pictures; opens ``train`` and ``val``.
        sample: The few-shot sample with the source's own labels, as ``save_sample`` takes it.
        train_classes: The class names trained on.
        train: Few-shot pictures; labels index ``train_classes``.
        val: For choosing an epoch, from training data only; may be empty.
        tests: Name (``base``, ``new``, ``all`` or a data set's) -> what is measured.
    """

    task: str
    source: Dataset
    sample: Sample
    train_classes: tuple[str, ...]
    train: tuple[Item, ...]
    val: tuple[Item, ...]
    tests: dict[str, Test]

    @property
    def dataset(self) -> str:
        """The source's name."""
        return self.source.name


def names() -> list[tuple[str, str]]:
    """Every task by name, each with a line about it."""
    return [(name, task.about) for name, task in _TASKS.items()]


def resolve(task: str) -> str:
    """The proper name of a task (``basenew`` is ``base2new``).

    Raises:
        GoproError: When there is no such task; the nearest name is suggested.
    """
    name = _ALIASES.get(task, task)
    if name not in _TASKS:
        near = difflib.get_close_matches(task, [*_TASKS, *_ALIASES], n=1)
        hint = f"did you mean {near[0]}?" if near else f"known: {', '.join(_TASKS)}"
        raise GoproError(f"unknown task {task!r}; {hint}")
    return name


def plan(
    dataset: Dataset, task: str, *, shots: int, seed: int, targets: Sequence[Dataset] = ()
) -> Plan:
    """Say what to train and test on.

    Args:
        dataset: The source: trained on, and tested on where the task says so.
        task: A name of ``names()`` or an alias.
        shots: Training pictures a class.
        seed: Draws the few-shot sample.
        targets: The data sets ``cross-dataset`` tests on; the other tasks take none.

    Raises:
        GoproError: When the task is unknown or doesn't fit the data sets, or when a class has
            fewer training pictures than ``shots``.
    """
    name = resolve(task)
    if targets and name != "cross-dataset":
        raise GoproError(f"task {name} tests on {dataset.name} alone; leave the targets out")
    labels, tests = _TASKS[name].define(dataset, targets)
    for test_name, test in tests.items():
        if not test.items:
            raise GoproError(
                f"{dataset.name} has no test pictures for {test_name!r} of task {name}; add some"
            )
    sample = draw(dataset, shots, seed, labels)
    return Plan(
        task=name,
        source=dataset,
        sample=sample,
        train_classes=_names(dataset, labels),
        train=_only(sample.train, labels),
        val=_only(sample.val, labels),
        tests=tests,
    )


_Definition = tuple[range, dict[str, Test]]


@dataclass(frozen=True)
class _Task:
    """A line of help, and: data sets -> labels to train on, what to test on."""

    about: str
    define: Callable[[Dataset, Sequence[Dataset]], _Definition]


def _base2new(dataset: Dataset, targets: Sequence[Dataset]) -> _Definition:
    count = len(dataset.class_names)
    if count < 2:
        raise GoproError(f"base2new wants at least 2 classes, {dataset.name} has {count}")
    half = (count + 1) // 2
    base, new = range(half), range(half, count)
    return base, {"base": _test(dataset, base), "new": _test(dataset, new)}


def _few_shot(dataset: Dataset, targets: Sequence[Dataset]) -> _Definition:
    every = range(len(dataset.class_names))
    return every, {"all": _test(dataset, every)}


def _cross_dataset(dataset: Dataset, targets: Sequence[Dataset]) -> _Definition:
    tests: dict[str, Test] = {}
    for target in targets:
        if target.name == dataset.name or target.name in tests:
            raise GoproError(
                f"cross-dataset got {target.name} twice; wanted targets that differ from each "
                "other and from the source"
            )
        tests[target.name] = _test(target, range(len(target.class_names)))
    if not tests:
        raise GoproError(
            f"cross-dataset trains on {dataset.name} and tests on other sets; name at least one "
            "target"
        )
    return range(len(dataset.class_names)), tests


_TASKS = {
    "base2new": _Task(
        "train on the first half of the classes, test on each half among its own names", _base2new
    ),
    "few-shot": _Task("train and test on all classes", _few_shot),
    "cross-dataset": _Task("train on all classes of one set, test on others", _cross_dataset),
}
_ALIASES = {"basenew": "base2new"}


def _test(dataset: Dataset, labels: range) -> Test:
    return Test(dataset, _names(dataset, labels), _only(dataset.test, labels))


def _names(dataset: Dataset, labels: range) -> tuple[str, ...]:
    return tuple(dataset.class_names[label] for label in labels)


def _only(items: Iterable[Item], labels: range) -> tuple[Item, ...]:
    """The items of these labels, relabelled to their place among them."""
    return tuple(
        replace(item, label=labels.index(item.label)) for item in items if item.label in labels
    )
