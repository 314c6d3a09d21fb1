"""Training on several processes: shards of a batch, gathered rows, averaged gradients."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import torch
from torch import Tensor
from torch import distributed as dist

from gopro.common.errors import GoproError

_synchronized = False


@contextlib.contextmanager
def synchronized() -> Iterator[None]:
    """Inside this block, the functions below combine all processes; every process must call them.

    Outside it, and without a process group, each process works alone.
    """
    global _synchronized
    _synchronized = dist.is_available() and dist.is_initialized()
    try:
        yield
    finally:
        _synchronized = False


def world_size() -> int:
    """Number of processes that train together; 1 outside ``synchronized``."""
    return dist.get_world_size() if _synchronized else 1


def rank() -> int:
    """Index of this process, from 0; 0 outside ``synchronized``."""
    return dist.get_rank() if _synchronized else 0


def shard_size(batch: int) -> int:
    """Images per process of a batch of ``batch`` images.

    Raises:
        GoproError: When the batch isn't divisible by the number of processes: the mean of the
            shards' losses would differ from the loss of the batch.
    """
    if batch % world_size():
        raise GoproError(
            f"got a batch of {batch} images for {world_size()} processes; choose a --batch that "
            f"is a multiple of {world_size()}"
        )
    return batch // world_size()


def shard(batch: Tensor) -> Tensor:
    """This process's part of a batch: every ``world_size()``-th row, starting at ``rank()``."""
    return batch[rank() :: world_size()]


class _Gather(torch.autograd.Function):
    """All processes' rows; in the backward pass, each process gets the gradient of its own rows."""

    @staticmethod
    def forward(context: Any, rows: Tensor) -> Tensor:
        """Rows of all processes, by rank."""
        parts = [torch.empty_like(rows) for _ in range(world_size())]
        dist.all_gather(parts, rows.contiguous())
        return torch.cat(parts)

    @staticmethod
    def backward(context: Any, *gradients: Tensor) -> Tensor:
        """The gradient summed over processes, for this process's rows."""
        total = gradients[0].contiguous()
        dist.all_reduce(total)
        return total.chunk(world_size())[rank()]


def gather(rows: Tensor) -> Tensor:
    """Rows of all processes, [B, ...] to [N B, ...], with gradient; ``rows`` itself when N is 1.

    Each process computes the same loss over all rows, so the gradients summed over processes are
    N times too large; ``average_gradients`` divides them by N.
    """
    if world_size() == 1:
        return rows
    all_rows: Tensor = _Gather.apply(rows)
    return all_rows


def average_gradients(parameters: Iterable[Tensor]) -> None:
    """Replace each gradient by its mean over processes, with a single all-reduce."""
    gradients = [p.grad for p in parameters if p.grad is not None]
    if world_size() == 1 or not gradients:
        return
    flat = torch.cat([gradient.reshape(-1) for gradient in gradients])
    dist.all_reduce(flat)
    flat /= world_size()
    parts = torch.split(flat, [gradient.numel() for gradient in gradients])
    for gradient, part in zip(gradients, parts, strict=True):
        gradient.copy_(part.view_as(gradient))


def average(values: Mapping[str, float], device: torch.device) -> dict[str, float]:
    """Each number's mean over processes, such as the loss of the whole batch."""
    if world_size() == 1:
        return dict(values)
    # float64 keeps Python's precision; mps has none, but never runs several processes
    flat = torch.tensor(list(values.values()), dtype=torch.float64, device=device)
    dist.all_reduce(flat)
    return dict(zip(values, (flat / world_size()).tolist(), strict=True))


def any_process(flag: bool, device: torch.device) -> bool:
    """Whether ``flag`` is true in any process, so that all of them stop at the same step."""
    if world_size() == 1:
        return flag
    highest = torch.tensor(int(flag), device=device)
    dist.all_reduce(highest, op=dist.ReduceOp.MAX)
    return bool(highest)


def exit_workers() -> None:
    """End every process except rank 0, which tests and writes the results."""
    with synchronized():
        if rank() > 0:
            raise SystemExit(0)
