"""Classes side by side: where each one's tokens lie, against packing by hand."""

from __future__ import annotations

import pytest
import torch

from gopro.backbones.packing import Group, in_chunks, last_tokens, put_before, token_counts

GROUPS = (Group(2, (1, 3)), Group(3, (0,)))


def packed(batch: int) -> torch.Tensor:
    """[batch, 7, 1]: of image i, class c's token t is 100 i + 10 c + t."""
    row = torch.tensor([10, 11, 30, 31, 0, 1, 2])
    return torch.stack([100 * image + row for image in range(batch)])[..., None]


def test_each_group_has_the_tokens_of_all_its_classes() -> None:
    assert token_counts(GROUPS) == [4, 3]


@pytest.mark.parametrize("batch", [1, 2])
def test_the_last_token_of_each_class(batch: int) -> None:
    found = last_tokens(packed(batch), GROUPS)[..., 0].tolist()
    assert found == [[100 * image + value for value in (11, 31, 2)] for image in range(batch)]


@pytest.mark.parametrize(("batch", "images"), [(1, 1), (1, 2), (2, 1), (2, 2)])
def test_own_tokens_go_before_their_class(batch: int, images: int) -> None:
    own = torch.tensor(
        [[[1000 + 100 * i + 10 * c + m for m in (8, 9)] for c in range(4)] for i in range(images)]
    )[..., None]
    tokens, groups = put_before(packed(batch), GROUPS, own)
    assert groups == (Group(4, (1, 3)), Group(5, (0,)))
    for image, row in enumerate(tokens[..., 0].tolist()):
        shared, extra = image % batch * 100, 1000 + image % images * 100
        classes = [(1, [10, 11]), (3, [30, 31]), (0, [0, 1, 2])]
        wanted = []
        for number, values in classes:
            wanted += [extra + 10 * number + m for m in (8, 9)]
            wanted += [shared + value for value in values]
        assert row == wanted
    assert len(tokens) == max(batch, images)


@pytest.mark.parametrize(
    ("lengths", "tokens", "extra", "chunks"),
    [
        # shortest first, equal lengths together, in the order of the classes
        ((3, 2, 3), 100, 0, [[(2, (1,)), (3, (0, 2))]]),
        # a chunk may be full, and not fuller
        ((3, 3, 3), 6, 0, [[(3, (0, 1))], [(3, (2,))]]),
        ((3, 3, 3), 5, 0, [[(3, (0,))], [(3, (1,))], [(3, (2,))]]),
        # a class that is larger than a chunk has one for itself
        ((2, 9), 4, 0, [[(2, (0,))], [(9, (1,))]]),
        # tokens to come count for each class
        ((2, 2, 2), 8, 2, [[(2, (0, 1))], [(2, (2,))]]),
        ((2, 2, 2), 7, 2, [[(2, (0,))], [(2, (1,))], [(2, (2,))]]),
    ],
)
def test_chunks_by_hand(
    lengths: tuple[int, ...], tokens: int, extra: int, chunks: list[list[tuple[int, tuple[int]]]]
) -> None:
    wanted = [tuple(Group(*group) for group in chunk) for chunk in chunks]
    assert in_chunks(lengths, tokens, extra) == wanted
