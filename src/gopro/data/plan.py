"""What a task comes to for its data sets: what a run trains, chooses and tests on."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from gopro.data.dataset import Dataset, Item
from gopro.data.fewshot import Sample


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

    @classmethod
    def of(cls, dataset: Dataset, labels: range) -> Test:
        """The data set's test pictures of these classes, among their names."""
        return cls(dataset, names_of(dataset, labels), relabelled(dataset.test, labels))


@dataclass(frozen=True)
class Plan:
    """What a run trains, chooses and tests on.

    Attributes:
        task: The task's proper name, aliases resolved.
        source: The data set of the training pictures, less the domains that are left out; opens
            ``train`` and ``val``.
        sample: The few-shot sample with the source's own labels, as ``save_sample`` takes it.
        train_classes: The class names trained on.
        train: Few-shot pictures; labels index ``train_classes``.
        val: For choosing an epoch, from training data only; may be empty.
        tests: Name (``base``, ``new``, ``all``, a data set's or a domain's) -> what is measured.
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
        """The source and what the tests come from, each once."""
        sets = [self.source, *(test.dataset for test in self.tests.values())]
        return tuple({id(one): one for one in sets}.values())


def names_of(dataset: Dataset, labels: range) -> tuple[str, ...]:
    """The class names of these labels."""
    return tuple(dataset.class_names[label] for label in labels)


def relabelled(items: Iterable[Item], labels: range) -> tuple[Item, ...]:
    """The items of these labels, relabelled to their place among them."""
    return tuple(
        replace(item, label=labels.index(item.label)) for item in items if item.label in labels
    )
