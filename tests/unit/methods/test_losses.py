"""The losses against slow, literal transcriptions of their formulas, values and gradients."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from gopro.methods.losses import consistency, nt_xent


def random(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def nt_xent_by_loops(a: Tensor, b: Tensor, temperature: float) -> Tensor:
    count = len(a)
    z = [row / row.pow(2).sum().sqrt() for row in [*a, *b]]
    total = z[0].new_zeros(())
    for i in range(2 * count):
        other_view = i + count if i < count else i - count
        denominator = z[0].new_zeros(())
        for k in range(2 * count):
            if k != i:
                denominator = denominator + torch.exp((z[i] * z[k]).sum() / temperature)
        positive = torch.exp((z[i] * z[other_view]).sum() / temperature)
        total = total - torch.log(positive / denominator)
    return total / (2 * count)


def consistency_by_loops(t: Tensor, others: list[Tensor]) -> Tensor:
    total = t.new_zeros(())
    for other in others:
        term = t.new_zeros(())
        for i in range(t.shape[0]):
            for c in range(t.shape[1]):
                left = t[i, c] / t[i, c].pow(2).sum().sqrt()
                right = other[i, c] / other[i, c].pow(2).sum().sqrt()
                for d in range(t.shape[2]):
                    term = term + (left[d] - right[d]) ** 2
        total = total + term / t.numel()
    return total


def value_and_gradients(loss: Tensor, inputs: list[Tensor]) -> list[Tensor]:
    return [loss.detach(), *torch.autograd.grad(loss, inputs)]


@pytest.mark.parametrize("temperature", [0.05, 0.1, 1.0])
@pytest.mark.parametrize("count", [1, 2, 5])
def test_nt_xent_is_its_formula(count: int, temperature: float) -> None:
    pair = [random(count, 7, seed=seed).requires_grad_() for seed in (1, 2)]
    doubles = [view.detach().double().requires_grad_() for view in pair]
    got = value_and_gradients(nt_xent(pair[0], pair[1], temperature), pair)
    wanted = value_and_gradients(nt_xent_by_loops(doubles[0], doubles[1], temperature), doubles)
    for ours, theirs in zip(got, wanted, strict=True):
        torch.testing.assert_close(ours, theirs.float(), rtol=1e-4, atol=1e-5)


def test_nt_xent_of_orthogonal_pairs() -> None:
    rows = torch.eye(3)
    # each row: its positive at similarity 1, four negatives at 0
    assert nt_xent(rows, rows, 0.5).item() == pytest.approx(math.log(1 + 4 * math.exp(-2)))


def test_nt_xent_default_temperature() -> None:
    a, b = random(4, 6, seed=1), random(4, 6, seed=2)
    assert torch.equal(nt_xent(a, b), nt_xent(a, b, 0.1))


def test_nt_xent_without_negatives_is_zero() -> None:
    a = random(1, 8).requires_grad_()
    loss = nt_xent(a, random(1, 8, seed=1))
    loss.backward()
    assert loss.item() == 0
    assert a.grad is not None
    assert not a.grad.any()


def test_nt_xent_ignores_norms_and_order() -> None:
    a, b = random(6, 8, seed=1), random(6, 8, seed=2)
    order = torch.tensor([3, 1, 5, 0, 4, 2])
    for other in (nt_xent(b, a), nt_xent(3 * a, b / 7), nt_xent(a[order], b[order])):
        torch.testing.assert_close(other, nt_xent(a, b))


def test_nt_xent_falls_as_the_views_agree() -> None:
    a, noise = random(8, 16, seed=1), random(8, 16, seed=2)
    losses = [nt_xent(a, a + scale * noise).item() for scale in (2.0, 1.0, 0.1)]
    assert losses == sorted(losses, reverse=True)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_is_computed_in_float32(dtype: torch.dtype) -> None:
    a, b = random(4, 32, seed=1).to(dtype), random(4, 32, seed=2).to(dtype)
    for loss, full in (
        (nt_xent(a, b), nt_xent(a.float(), b.float())),
        (consistency(a[None], [b[None]]), consistency(a[None].float(), [b[None].float()])),
    ):
        assert loss.dtype == torch.float32
        assert torch.equal(loss, full)


def test_autocast_does_not_reach_in() -> None:
    a, b = random(4, 32, seed=1), random(4, 32, seed=2)
    with torch.autocast("cpu", torch.bfloat16):
        contrast, agreement = nt_xent(a, b), consistency(a[None], [b[None]])
    assert torch.equal(contrast, nt_xent(a, b))
    assert torch.equal(agreement, consistency(a[None], [b[None]]))


@pytest.mark.parametrize("scale", [1e-30, 1e-10, 1e10, 1e30])
def test_norms_of_any_size(scale: float) -> None:
    a, b = random(3, 8, seed=1), random(3, 8, seed=2)
    torch.testing.assert_close(nt_xent(scale * a, b), nt_xent(a, b))
    torch.testing.assert_close(
        consistency(scale * a[None], [b[None]]), consistency(a[None], [b[None]])
    )


def test_largest_half_precision_values() -> None:
    a = torch.full((2, 512), torch.finfo(torch.float16).max, dtype=torch.float16)
    assert nt_xent(a, -a).isfinite()
    # opposite unit vectors: every entry differs by 2/sqrt(e)
    assert consistency(a[None], [-a[None]]).item() == pytest.approx(4 / 512)


@pytest.mark.parametrize("zeros", ["one row", "all"])
def test_zero_rows_keep_value_and_gradient_moderate(zeros: str) -> None:
    a, b = random(3, 8, seed=1), random(3, 8, seed=2)
    a[0 if zeros == "one row" else slice(None)] = 0
    a.requires_grad_()
    for loss in (nt_xent(a, b), consistency(a[None], [b[None]])):
        (gradient,) = torch.autograd.grad(loss, a)
        assert loss.isfinite()
        assert gradient.abs().max() < 100


def test_tiny_temperature_stays_finite() -> None:
    a = random(4, 8, seed=1).requires_grad_()
    loss = nt_xent(a, random(4, 8, seed=2), 1e-4)
    loss.backward()
    assert loss.isfinite()
    assert a.grad is not None
    assert a.grad.isfinite().all()


@pytest.mark.parametrize(
    ("a", "b"),
    [((2, 3), (3, 3)), ((2, 3), (2, 4)), ((2, 3, 4), (2, 3, 4)), ((3,), (3,))],
)
def test_nt_xent_refuses_shapes(a: tuple[int, ...], b: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"\[B, e\]"):
        nt_xent(torch.ones(a), torch.ones(b))


@pytest.mark.parametrize("temperature", [0.0, -0.1, math.nan])
def test_nt_xent_refuses_temperatures(temperature: float) -> None:
    with pytest.raises(ValueError, match="positive temperature"):
        nt_xent(torch.ones(2, 3), torch.ones(2, 3), temperature)


@pytest.mark.parametrize("views", [0, 1, 2])
def test_consistency_is_its_formula(views: int) -> None:
    inputs = [random(2, 3, 5, seed=seed).requires_grad_() for seed in range(views + 1)]
    doubles = [view.detach().double().requires_grad_() for view in inputs]
    loss, slow = consistency(inputs[0], inputs[1:]), consistency_by_loops(doubles[0], doubles[1:])
    if not views:
        assert loss.item() == 0
        return
    # the gradient reaches x's own prompts and those of every other view
    got, wanted = value_and_gradients(loss, inputs), value_and_gradients(slow, doubles)
    for ours, theirs in zip(got, wanted, strict=True):
        torch.testing.assert_close(ours, theirs.float(), rtol=1e-5, atol=1e-7)
        assert ours.any()


def test_consistency_of_equal_and_of_opposite_views() -> None:
    t = random(2, 3, 4)
    assert consistency(t, [5 * t]).item() == pytest.approx(0, abs=1e-12)
    assert consistency(t, [-t]).item() == pytest.approx(4 / 4)
    assert consistency(t, [-t, -t]).item() == pytest.approx(8 / 4)


def test_consistency_refuses_shapes() -> None:
    with pytest.raises(ValueError, match=r"\[2, 3, 4\] wanted, got \[2, 1, 4\]"):
        consistency(torch.ones(2, 3, 4), [torch.ones(2, 1, 4)])
