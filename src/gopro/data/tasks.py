"""The tasks: which classes and images a run trains and tests on."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from gopro import data
from gopro.common.errors import GoproError
from gopro.common.text import name_key
from gopro.data.catalog import KNOWN, share_pictures
from gopro.data.dataset import Dataset
from gopro.data.fewshot import Rule, draw
from gopro.data.plan import Plan, Test, names_of, relabelled


def names() -> list[tuple[str, str]]:
    """Name and one-line description of every task."""
    return [(name, task.about) for name, task in _TASKS.items()]


def resolve(task: str) -> str:
    """The name of a task, with aliases resolved (``basenew`` is ``base2new``).

    Raises:
        GoproError: When there is no such task; the message suggests the closest name.
    """
    name = _ALIASES.get(task, task)
    if name not in _TASKS:
        near = difflib.get_close_matches(task, [*_TASKS, *_ALIASES], n=1)
        hint = f"did you mean {near[0]}?" if near else f"known: {', '.join(_TASKS)}"
        raise GoproError(f"unknown task {task!r}; {hint}")
    return name


Target = Dataset | str
"""What a task tests on: another data set, or a domain left out of training."""


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
        named: Data sets as ``data.load`` takes them, or domains of the source. Default for
            ``cross-dataset``: all other sets in ``root``, except variants of a set and those that
            share pictures with the source; for ``domain-generalization``: the source's variants.
        root: The folder of the data sets.
        seed: Seed of the split of a folder without one.
        read: Reads a set from name, root and seed; ``data.load`` by default.

    Returns:
        Name -> target.

    Raises:
        GoproError: When the task is unknown, or a set is missing, incomplete or malformed.
    """
    definition = _TASKS[resolve(task)]
    if definition.default_targets is None or (definition.leaves_out and domains(dataset)):
        return {name: name for name in named}
    root = data.default_root() if root is None else root
    read = read or (lambda name, root, seed: data.load(name, root, seed=seed))
    target_names = named or definition.default_targets(dataset, root)
    try:
        return {name: read(name, root, seed) for name in target_names}
    except GoproError as error:
        if named:
            raise
        raise GoproError(f"{error}, or name the sets to test on with --targets") from error


def domains(dataset: Dataset) -> list[str]:
    """A data set's domains, sorted; empty when it has only one."""
    names = {i.domain for items in (dataset.train, dataset.val, dataset.test) for i in items}
    return sorted(names) if len(names) > 1 else []


def plan(
    dataset: Dataset,
    task: str,
    *,
    shots: int,
    seed: int,
    rule: Rule = "hash",
    targets: Sequence[Target] = (),
) -> Plan:
    """Plan a run: the data to train, validate and test on.

    Args:
        dataset: The source: the data set to train on and, in some tasks, to test on.
        task: A name of ``names()`` or an alias.
        shots: Training images per class.
        seed: Seed of the few-shot sample.
        rule: How the sample is drawn.
        targets: What ``cross-dataset`` and ``domain-generalization`` test on: data sets, or names
            of domains of the source, which are then left out of training.

    Raises:
        GoproError: When the task is unknown or doesn't fit the data sets, or a class has fewer
            training images than ``shots``.
    """
    name = resolve(task)
    if targets and _TASKS[name].default_targets is None:
        raise GoproError(
            f"task {name} tests on {dataset.name} only; leave the targets (--targets) out"
        )
    if not dataset.train:
        raise GoproError(
            f"{dataset.name} has test pictures only; train on another set and name it as "
            "the target (--targets) of cross-dataset or domain-generalization"
        )
    source, labels, tests = _TASKS[name].define(dataset, targets)
    for test_name, test in tests.items():
        if not test.items:
            raise GoproError(
                f"{dataset.name} has no test pictures for {test_name!r} of task {name}; add some"
            )
    sample = draw(source, shots, seed, labels, rule)
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
    """Definition of a task.

    Attributes:
        about: One line of help.
        define: Source and targets -> training data set, its labels to train on, tests by name.
        default_targets: Source and root -> names of target sets; None for a task without targets.
        leaves_out: If the source has several domains, the targets are domains.
    """

    about: str
    define: Callable[[Dataset, Sequence[Target]], _Definition]
    default_targets: Callable[[Dataset, Path], Sequence[str]] | None = None
    leaves_out: bool = False


def _base2new(dataset: Dataset, targets: Sequence[Target]) -> _Definition:
    base, new = _halves(dataset, "base2new")
    return dataset, base, {"base": Test.of(dataset, base), "new": Test.of(dataset, new)}


def _base2all(dataset: Dataset, targets: Sequence[Target]) -> _Definition:
    base, new = _halves(dataset, "base2all")
    tests = {
        name: Test(dataset, dataset.class_names, tuple(i for i in dataset.test if i.label in half))
        for name, half in (("base", base), ("new", new))
    }
    return dataset, base, tests


def _halves(dataset: Dataset, task: str) -> tuple[range, range]:
    """The labels of the base classes and of the new ones."""
    count = len(dataset.class_names)
    if count < 2:
        raise GoproError(f"{task} wants at least 2 classes, {dataset.name} has {count}")
    half = (count + 1) // 2
    return range(half), range(half, count)


def _few_shot(dataset: Dataset, targets: Sequence[Target]) -> _Definition:
    labels = range(len(dataset.class_names))
    return dataset, labels, {"all": Test.of(dataset, labels)}


def _cross_dataset(dataset: Dataset, targets: Sequence[Target]) -> _Definition:
    tests: dict[str, Test] = {}
    seen = {dataset.name: dataset}
    for target in targets:
        if isinstance(target, str):
            raise GoproError(f"cross-dataset wanted data sets as targets, got the word {target!r}")
        if target.name in seen:
            raise _same_name(target, seen[target.name])
        seen[target.name] = target
        if share_pictures(dataset.name, target.name):
            note = f"has pictures that {dataset.name} has too, which was trained on"
            target = replace(target, notes=(*target.notes, note))
        tests[target.name] = Test.of(target, range(len(target.class_names)))
    if not tests:
        raise GoproError(
            f"cross-dataset trains on {dataset.name} and tests on other sets, and found none; "
            "name at least one target (--targets pacs,dtd), or unpack some beside it"
        )
    return dataset, range(len(dataset.class_names)), tests


def _same_name(one: Dataset, other: Dataset) -> GoproError:
    """The error for two targets, or target and source, with the same name in results."""
    places = [(s.root and s.root.resolve(), s.source) for s in (one, other)]
    if places[0] == places[1]:
        return GoproError(
            f"cross-dataset got {one.name} twice; wanted targets that differ from each other and "
            "from the source"
        )
    where = " and ".join(str(root or source) for root, source in reversed(places))
    return GoproError(
        f"two data sets are called {one.name} ({where}), and results tell sets apart by name; "
        "rename one of the folders"
    )


def _domain_generalization(dataset: Dataset, targets: Sequence[Target]) -> _Definition:
    all_domains = domains(dataset)
    if all_domains:
        return _leave_out(dataset, all_domains, targets)
    if not targets:
        raise GoproError(
            f"domain-generalization wants a set of several domains, or targets; {dataset.name} "
            "has one domain, and no variants are known: name sets of its classes with --targets"
        )
    source, labels, tests = _cross_dataset(dataset, targets)
    for name, test in tests.items():
        known = {name_key(name) for name in dataset.class_names}
        extra = sorted(one for one in test.class_names if name_key(one) not in known)
        if extra:
            raise GoproError(
                f"{name} has classes that {dataset.name} lacks, such as {extra[0]!r}; the task "
                "for other classes is cross-dataset"
            )
    return source, labels, tests


def _leave_out(dataset: Dataset, all_domains: list[str], targets: Sequence[Target]) -> _Definition:
    """Leave the target domains out of training, and test on all of their images."""
    unknown = [target for target in targets if target not in all_domains]
    if unknown or not 0 < len(set(targets)) < len(all_domains):
        got = ", ".join(t if isinstance(t, str) else t.name for t in targets) or "none"
        raise GoproError(
            f"domain-generalization leaves domains of {dataset.name} out of training and tests on "
            f"them; got {got}, wanted --targets with some of {', '.join(all_domains)}, but not all"
        )
    parts = (dataset.train, dataset.val, dataset.test)
    train, val, test = (tuple(i for i in part if i.domain not in targets) for part in parts)
    source = replace(dataset, train=train, val=val, test=test)
    pictures = [item for part in parts for item in part]
    tests = {
        domain: Test(dataset, dataset.class_names, tuple(i for i in pictures if i.domain == domain))
        for domain in all_domains
        if domain in targets
    }
    return source, range(len(dataset.class_names)), tests


def _others(dataset: Dataset, root: Path) -> list[str]:
    variants = {name for known in KNOWN.values() for name in known.variants}
    return [
        name
        for name in data.present(root)
        if name not in (dataset.name, *variants) and not share_pictures(name, dataset.name)
    ]


def _variants(dataset: Dataset, root: Path) -> Sequence[str]:
    return KNOWN[dataset.name].variants if dataset.name in KNOWN else ()


_TASKS = {
    "base2new": _Task(
        "train on the first half of the classes, test on each half among its own names", _base2new
    ),
    "base2all": _Task("as base2new, but test each half among the names of both", _base2all),
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
