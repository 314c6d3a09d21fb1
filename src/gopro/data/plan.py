"""``Plan``: the data that a run trains, validates and tests on."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from gopro.data.dataset import Dataset, Item
from gopro.data.fewshot import Sample


@dataclass(frozen=True)
class Test:
    """One test: images to classify among ``class_names``.

    Attributes:
        dataset: The data set that opens the items.
        class_names: The candidate classes.
        items: The test images; labels index ``class_names``.
    """

    # pytest would collect a class named Test
    __test__ = False

    dataset: Dataset
    class_names: tuple[str, ...]
    items: tuple[Item, ...]

    @classmethod
    def of(cls, dataset: Dataset, labels: range) -> Test:
        """The data set's test images of these labels, with the names of these labels."""
        return cls(dataset, names_of(dataset, labels), relabelled(dataset.test, labels))


@dataclass(frozen=True)
class Plan:
    """The data that a run trains, validates and tests on.

    Attributes:
        task: The task's name, aliases resolved.
        source: The training data set, without left-out domains; opens ``train`` and ``val``.
        sample: The few-shot sample with the source's labels, for ``save_sample``.
        train_classes: The class names trained on.
        train: Few-shot images; labels index ``train_classes``.
        val: Training data for choosing an epoch; may be empty.
        tests: Name of the test (``base``, ``new``, ``all``, a data set or a domain) -> test.
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

    @property
    def datasets(self) -> tuple[Dataset, ...]:
        """The source and the data sets of the tests, each once."""
        sets = [self.source, *(test.dataset for test in self.tests.values())]
        return tuple({id(dataset): dataset for dataset in sets}.values())


def names_of(dataset: Dataset, labels: range) -> tuple[str, ...]:
    """The class names of these labels."""
    return tuple(dataset.class_names[label] for label in labels)


def relabelled(items: Iterable[Item], labels: range) -> tuple[Item, ...]:
    """The items with these labels, each relabelled to the index in ``labels``."""
    return tuple(
        replace(item, label=labels.index(item.label)) for item in items if item.label in labels
    )
