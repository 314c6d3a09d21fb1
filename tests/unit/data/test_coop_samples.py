"""``--sample coop``: the pictures that the CoOp code draws, against its slow description."""

from __future__ import annotations

import math
import random
from dataclasses import replace
from pathlib import Path

import pytest

from gopro.common.errors import GoproError
from gopro.data.dataset import Dataset, Item
from gopro.data.fewshot import coop_samples, draw, load_sample, save_sample
from gopro.data.tasks import plan

SIZES = {2: 40, 0: 30, 3: 9, 1: 300}
"""Images of each class, in the order in which the classes first appear."""
TRAIN = tuple(Item(f"{k}/{i:03}.jpg", k) for k, size in SIZES.items() for i in range(size))
VAL = tuple(
    Item(f"{k}/v{i}.jpg", k) for k, size in ((0, 6), (3, 3), (1, 8), (2, 5)) for i in range(size)
)
TEST = tuple(Item(f"{k}/t.jpg", k) for k in range(4))
SET = Dataset("tiny", None, ("ant", "bee", "cat", "dog"), TRAIN, VAL, TEST)


def below(generator: random.Random, count: int) -> int:
    """A number from 0 to ``count - 1``: as many random bits as ``count`` has, until it is one."""
    while True:
        number = generator.getrandbits(count.bit_length())
        if number < count:
            return number


def slow_sample(generator: random.Random, items: list[Item], count: int) -> list[Item]:
    """Python's ``random.sample``.

    From few items: each drawn one is replaced by the last one that is left. From many: repeated
    numbers are drawn again.
    """
    few = 21 + (4 ** math.ceil(math.log(count * 3, 4)) if count > 5 else 0)
    left, drawn, numbers = list(items), [], set[int]()
    for _ in range(count):
        if len(items) <= few:
            number = below(generator, len(left))
            drawn.append(left[number])
            last = left.pop()
            if number < len(left):
                left[number] = last
            continue
        number = below(generator, len(items))
        while number in numbers:
            number = below(generator, len(items))
        numbers.add(number)
        drawn.append(items[number])
    return drawn


def slow_draw(shots: int, seed: int) -> list[list[Item]]:
    """Training, then validation images, from one generator."""
    generator, samples = random.Random(seed), []
    for items, count in ((TRAIN, shots), (VAL, min(shots, 4))):
        labels: list[int] = []
        for item in items:
            if item.label not in labels:
                labels.append(item.label)
        drawn: list[Item] = []
        for label in labels:
            own = [item for item in items if item.label == label]
            drawn += slow_sample(generator, own, count) if len(own) >= count else own
        samples.append(drawn)
    return samples


@pytest.mark.parametrize("shots", [1, 2, 4, 8, 16])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_against_the_description(shots: int, seed: int) -> None:
    train, val = coop_samples(TRAIN, VAL, shots, seed)
    assert [list(train), list(val)] == slow_draw(shots, seed)
    drawn = [item for item in train if item.label == 3]
    assert len(drawn) == min(shots, 9)  # all of a class with fewer
    assert len({*train, *val}) == len(train) + len(val)


def test_base_to_new_draws_for_all_classes_and_keeps_half() -> None:
    whole, half = (draw(SET, 4, 1, range(count), "coop") for count in (4, 2))
    for part in ("train", "val"):
        kept = tuple(item for item in getattr(whole, part) if item.label < 2)
        assert getattr(half, part) == kept
    assert plan(SET, "base2new", shots=4, seed=1, rule="coop").sample == half
    assert plan(SET, "base2new", shots=4, seed=1).sample == draw(SET, 4, 1, range(2))


def test_validation_images_are_the_validation_splits() -> None:
    assert set(draw(SET, 4, 1, range(4), "coop").val) <= set(VAL)
    assert draw(replace(SET, val=()), 4, 1, range(4), "coop").val == ()


def test_refused() -> None:
    with pytest.raises(GoproError, match="got 0 shots"):
        draw(SET, 0, 1, range(4), "coop")
    train = tuple(item for item in TRAIN if item.label != 1)
    with pytest.raises(GoproError, match="class bee has 0 training pictures"):
        draw(replace(SET, train=train), 1, 1, range(4), "coop")


def test_saved_with_its_rule(tmp_path: Path) -> None:
    for rule in ("hash", "coop"):
        sample = draw(SET, 2, 1, range(4), rule)  # type: ignore[arg-type]
        save_sample(tmp_path / rule, sample)
        assert load_sample(tmp_path / rule, SET) == sample
        assert sample.rule == rule
