"""What a run trains and tests on: each task is defined here, once."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from gopro import data
from gopro.common.errors import GoproError
from gopro.data.catalog import KNOWN
from gopro.data.dataset import Dataset
from gopro.data.fewshot import draw
from gopro.data.plan import Plan, Test, names_of, relabelled


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


Target = Dataset | str
"""What a task tests on beside its source: another data set, or a domain that is left out."""


def find_targets(
    dataset: Dataset,
    task: str,
    named: Sequence[str] = (),
    root: Path | None = None,
    seed: int = 1,
    read: Callable[[str, Path | None, int], Dataset] | None = None,
) -> dict[str, Target]:
    """Read the targets of a task.

    Args:
        dataset: The source.
        task: A name of ``names()`` or an alias.
        named: Data sets as ``data.load`` takes them, or domains of the source. By default
            ``cross-dataset`` takes every other set below ``root`` that isn't a variant of
            another, and ``domain-generalization`` the source's variants.
        root: The folder that holds the data sets.
        seed: Draws the split of a folder that has none.
        read: Reads a set by name, root and seed; ``data.load`` by default.

    Raises:
        GoproError: When the task is unknown, or a set isn't there, is incomplete or malformed.
    """
    kind = _TASKS[resolve(task)]
    if kind.default_targets is None or (kind.leaves_out and domains(dataset)):
        return {name: name for name in named}
    root = data.default_root() if root is None else root
    found = named or kind.default_targets(dataset, root)
    if read is not None:
        return {name: read(name, root, seed) for name in found}
    return {name: data.load(name, root, seed=seed) for name in found}


def domains(dataset: Dataset) -> list[str]:
    """The domains that a data set's pictures come from, sorted; none where it has but one."""
    found = {i.domain for items in (dataset.train, dataset.val, dataset.test) for i in items}
    return sorted(found) if len(found) > 1 else []


def plan(
    dataset: Dataset, task: str, *, shots: int, seed: int, targets: Sequence[Target] = ()
) -> Plan:
    """Say what to train and test on.

    Args:
        dataset: The source: trained on, and tested on where the task says so.
        task: A name of ``names()`` or an alias.
        shots: Training pictures a class.
        seed: Draws the few-shot sample.
        targets: What ``cross-dataset`` and ``domain-generalization`` test on: data sets, or, to
            leave domains of the source out of training and test on them, their names.

    Raises:
        GoproError: When the task is unknown or doesn't fit the data sets, or when a class has
            fewer training pictures than ``shots``.
    """
    name = resolve(task)
    if targets and _TASKS[name].default_targets is None:
        raise GoproError(
            f"task {name} tests on {dataset.name} alone; leave the targets (--targets) out"
        )
    if not dataset.train:
        raise GoproError(
            f"{dataset.name} has pictures to test on alone; train on another set and name it as "
            "the target (--targets) of cross-dataset or domain-generalization"
        )
    source, labels, tests = _TASKS[name].define(dataset, targets)
    for test_name, test in tests.items():
        if not test.items:
            raise GoproError(
                f"{dataset.name} has no test pictures for {test_name!r} of task {name}; add some"
            )
    sample = draw(source, shots, seed, labels)
    return Plan(
        task=name,
        source=source,
        sample=sample,
        train_classes=names_of(source, labels),
        train=relabelled(sample.train, labels),
        val=relabelled(sample.val, labels),
        tests=tests,
    )


_Definition = tuple[Dataset, range, dict[str, Test]]


@dataclass(frozen=True)
class _Task:
    """How a task is defined.

    Attributes:
        about: A line of help.
        define: Data set and targets -> what to train on, the labels trained on, the tests.
        default_targets: Data set and root -> names of sets; None where a task has no targets.
        leaves_out: Targets of a set with domains are domains.
    """

    about: str
    define: Callable[[Dataset, Sequence[Target]], _Definition]
    default_targets: Callable[[Dataset, Path], Sequence[str]] | None = None
    leaves_out: bool = False


def _base2new(dataset: Dataset, targets: Sequence[Target]) -> _Definition:
    count = len(dataset.class_names)
    if count < 2:
        raise GoproError(f"base2new wants at least 2 classes, {dataset.name} has {count}")
    half = (count + 1) // 2
    base, new = range(half), range(half, count)
    return dataset, base, {"base": Test.of(dataset, base), "new": Test.of(dataset, new)}


def _few_shot(dataset: Dataset, targets: Sequence[Target]) -> _Definition:
    every = range(len(dataset.class_names))
    return dataset, every, {"all": Test.of(dataset, every)}


def _cross_dataset(dataset: Dataset, targets: Sequence[Target]) -> _Definition:
    tests: dict[str, Test] = {}
    for target in targets:
        if isinstance(target, str):
            raise GoproError(f"cross-dataset wanted data sets as targets, got the word {target!r}")
        if target.name == dataset.name or target.name in tests:
            raise GoproError(
                f"cross-dataset got {target.name} twice; wanted targets that differ from each "
                "other and from the source"
            )
        tests[target.name] = Test.of(target, range(len(target.class_names)))
    if not tests:
        raise GoproError(
            f"cross-dataset trains on {dataset.name} and tests on other sets, and found none; "
            "name at least one target (--targets pacs,dtd), or unpack some beside it"
        )
    return dataset, range(len(dataset.class_names)), tests


def _domain_generalization(dataset: Dataset, targets: Sequence[Target]) -> _Definition:
    known = domains(dataset)
    if known:
        return _leave_out(dataset, known, targets)
    if not targets:
        raise GoproError(
            f"domain-generalization wants a set of several domains, or targets; {dataset.name} "
            "has one domain, and no variants are known: name sets of its classes with --targets"
        )
    source, labels, tests = _cross_dataset(dataset, targets)
    for name, test in tests.items():
        foreign = sorted(set(test.class_names) - set(dataset.class_names))
        if foreign:
            raise GoproError(
                f"{name} has classes that {dataset.name} lacks, such as {foreign[0]!r}; the task "
                "for other classes is cross-dataset"
            )
    return source, labels, tests


def _leave_out(dataset: Dataset, known: list[str], targets: Sequence[Target]) -> _Definition:
    """Train on the other domains, test on every picture of those left out: none was trained on."""
    every = range(len(dataset.class_names))
    wrong = [target for target in targets if target not in known]
    if wrong or not 0 < len(set(targets)) < len(known):
        got = ", ".join(one if isinstance(one, str) else one.name for one in targets) or "none"
        raise GoproError(
            f"domain-generalization leaves domains of {dataset.name} out of training and tests on "
            f"them; got {got}, wanted --targets with some of {', '.join(known)}, but not all"
        )
    parts = (dataset.train, dataset.val, dataset.test)
    train, val, test = (tuple(i for i in part if i.domain not in targets) for part in parts)
    source = replace(dataset, train=train, val=val, test=test)
    pictures = [item for part in parts for item in part]
    tests = {
        domain: Test(dataset, dataset.class_names, tuple(i for i in pictures if i.domain == domain))
        for domain in known
        if domain in targets
    }
    return source, every, tests


def _others(dataset: Dataset, root: Path) -> list[str]:
    variants = {name for known in KNOWN.values() for name in known.variants}
    return [name for name in data.present(root) if name != dataset.name and name not in variants]


def _variants(dataset: Dataset, root: Path) -> Sequence[str]:
    return KNOWN[dataset.name].variants if dataset.name in KNOWN else ()


_TASKS = {
    "base2new": _Task(
        "train on the first half of the classes, test on each half among its own names", _base2new
    ),
    "few-shot": _Task("train and test on all classes", _few_shot),
    "cross-dataset": _Task(
        "train on all classes of one set, test on others", _cross_dataset, _others
    ),
    "domain-generalization": _Task(
        "train on one set or some of its domains, test on others of the same classes",
        _domain_generalization,
        _variants,
        leaves_out=True,
    ),
}
_ALIASES = {"basenew": "base2new"}
