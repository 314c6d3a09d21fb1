"""Pictures that crops are cut from: bounded in size and in memory."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from gopro.common.errors import GoproError
from gopro.common.preprocessing import Preprocessing
from gopro.data.originals import Originals
from gopro.data.pixels import decoded

HOW = Preprocessing(16)


def image(width: int, height: int, seed: int = 0) -> Image.Image:
    pixels = np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)
    return Image.fromarray(pixels)


class Opener:
    def __init__(self, *images: Image.Image) -> None:
        self.images, self.opened = images, [0] * len(images)

    def __call__(self, index: int, reduced_to: int | None) -> Image.Image:
        self.opened[index] += 1
        return self.images[index]


def test_a_small_picture_is_the_original() -> None:
    small = image(32, 50)
    assert np.array_equal(Originals(Opener(small), [0], HOW)[0], np.asarray(small))


@pytest.mark.parametrize(("size", "shape"), [((64, 100), (50, 32, 3)), ((400, 90), (32, 142, 3))])
def test_a_large_picture_is_resized_to_twice_the_input(
    size: tuple[int, int], shape: tuple[int, ...]
) -> None:
    large = image(*size)
    array = Originals(Opener(large), [0], HOW)[0]
    wanted = large.resize(shape[1::-1], Image.Resampling.BICUBIC)
    assert array.shape == shape and np.array_equal(array, np.asarray(wanted))


def test_pictures_are_opened_once_on_the_way_to_pixels() -> None:
    opener = Opener(image(20, 20), image(30, 20, 1))
    originals = Originals(opener, [0, 1], HOW)
    assert len(list(decoded(originals.open, range(2), HOW, ahead=2))) == len(originals) == 2
    assert originals.nbytes == 3 * (20 * 20 + 30 * 20)
    assert np.array_equal(originals[1], np.asarray(opener.images[1]))
    assert opener.opened == [1, 1]


def test_pictures_beyond_the_limit_are_opened_again() -> None:
    opener = Opener(*(image(20, 20, seed) for seed in range(3)))
    originals = Originals(opener, range(3), HOW, limit=2 * 1200 + 1199)
    for index in range(3):
        originals.open(index, None)
    assert originals.nbytes == 2400
    for index in range(3):
        assert np.array_equal(originals[index], np.asarray(opener.images[index]))
    assert opener.opened == [1, 1, 2]


def test_the_digest_is_that_of_all_pixels_and_shapes() -> None:
    pair = image(20, 30), image(20, 20, 1)
    kept, again = Originals(Opener(*pair), [0, 1], HOW), Originals(Opener(*pair), [0, 1], HOW, 0)
    kept.open(0, None)
    assert kept.digest() == again.digest()
    turned = pair[0], Image.fromarray(np.asarray(pair[1]).reshape(40, 10, 3))
    assert Originals(Opener(*turned), [0, 1], HOW).digest() != kept.digest()


def test_reduced_decoding_is_asked_for_again() -> None:
    asked: list[int | None] = []

    def opener(item: str, reduced_to: int | None) -> Image.Image:
        asked.append(reduced_to)
        raise GoproError(f"picture {item} is gone")

    with pytest.raises(GoproError, match=r"a\.jpg is gone"):
        Originals(opener, ["a.jpg"], HOW.with_decode("reduced"))[0]
    assert asked == [16]
