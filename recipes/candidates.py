"""Candidates for a method's training settings, and data to compare them on without test images."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from gopro.data import Dataset, Item
from gopro.data.fewshot import sample
from gopro.methods import find

TESTED = 20
"""Images of a class in a test."""

_FINER = 3.0
Changes = dict[str, Any]
"""Setting -> value."""


@dataclass(frozen=True)
class Outcome:
    """A candidate and what came of it, on one data set or on average.

    Attributes:
        changes: The candidate.
        base: Accuracy in percent on the classes trained on; of a left-out domain, that on it.
        new: On the others; of a left-out domain, that on it.
        harmonic_mean: Of both; 0 for a training that diverged.
        seconds: Of training.
    """

    changes: Changes
    base: float
    new: float
    harmonic_mean: float
    seconds: float

    def __str__(self) -> str:
        return (
            f"base {self.base:6.2f}  new {self.new:6.2f}  hm {self.harmonic_mean:6.2f}  "
            f"{self.seconds:5.0f} s  {words(self.changes)}"
        )


def inner(
    dataset: Dataset, shots: int, seed: int, swap: bool = False, tested: int = TESTED
) -> Dataset:
    """The data set of the candidates: training images of the base classes, split anew.

    Args:
        dataset: The full data set.
        shots: Images per class for training.
        seed: Seed of this choice.
        swap: Whether the second quarter of the classes comes first.
        tested: Images of a class in the test; they are among those that aren't for training.
    """
    half = (len(dataset.class_names) + 1) // 2
    first = (half + 1) // 2
    order = [*range(first, half), *range(first)] if swap else list(range(half))
    names = tuple(dataset.class_names[old] for old in order)
    label = {old: new for new, old in enumerate(order)}
    items = [replace(x, label=label[x.label]) for x in dataset.train if x.label in label]
    chosen = set(sample(items, shots, seed, class_names=names))
    rest = [item for item in items if item not in chosen]
    test = [
        item
        for own in range(len(names))
        for item in _some([item for item in rest if item.label == own], tested, seed)
    ]
    return replace(
        dataset,
        class_names=names,
        train=tuple(item for item in items if item in chosen),
        val=(),
        test=tuple(test),
    )


def left_out(dataset: Dataset, domain: str, seed: int, tested: int = TESTED) -> Dataset:
    """The data set of the candidates for a left-out domain: its training images are the test.

    Args:
        dataset: The full data set, of several domains.
        domain: What is left out of training; the caller names it as the target.
        seed: Seed of this choice.
        tested: Images of a class in the test.
    """
    test = [
        item
        for label in range(len(dataset.class_names))
        for item in _some(
            [item for item in dataset.train if (item.label, item.domain) == (label, domain)],
            tested,
            seed,
        )
    ]
    return replace(dataset, val=(), test=tuple(test))


def _some(items: list[Item], count: int, seed: int) -> Sequence[Item]:
    return items if len(items) <= count else sample(items, count, seed)


def candidate(text: str) -> Changes:
    """Parse a candidate such as "lr=0.03 gopro.w_sem=2"."""
    pairs = [pair.partition("=") for pair in text.split()]
    return {name: _value(value) for name, _, value in pairs}


def words(changes: Changes) -> str:
    """The text that ``candidate`` parses."""
    return " ".join(
        f"{name}={value if isinstance(value, str) else json.dumps(value)}"
        for name, value in changes.items()
    )


def _value(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


def search(method: str, measure: Callable[[Changes], Outcome]) -> list[Outcome]:
    """The six candidates that every method gets, the best first."""
    kind = find(method)
    recipe = kind.recipe_for("published")
    # prompts of its own for each image take ten times the time
    short, other = (5, 15) if kind.prompts_per_image else (50, 15)
    fixed = {"batch": 8 if kind.prompts_per_image else 32}
    if not kind.modifies_image_encoder:  # only then can views be encoded before training
        fixed["view_cache"] = 4
    ratios = (1, 10, 100) if recipe.optimizer == "sgd" else (0.1, 1, 10)

    def tried(rate: float, epochs: int) -> Outcome:
        return measure({"lr": float(f"{rate:.2g}"), "epochs": epochs, **fixed})

    outcomes = [tried(recipe.lr * ratio, short) for ratio in ratios]
    rate = _best(outcomes).changes["lr"]
    outcomes += [tried(rate / _FINER, short), tried(rate * _FINER, short)]
    outcomes.append(tried(_best(outcomes).changes["lr"], other))
    return sorted(outcomes, key=lambda outcome: -outcome.harmonic_mean)


def _best(outcomes: Sequence[Outcome]) -> Outcome:
    return max(outcomes, key=lambda outcome: outcome.harmonic_mean)
