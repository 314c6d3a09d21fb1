"""One training over several processes: what they share of a step."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import torch
from torch import Tensor
from torch import distributed as dist

from gopro.common.errors import GoproError

_training = False


@contextlib.contextmanager
def together() -> Iterator[None]:
    """While this lasts, the processes act as one; each of them has to take part in every step."""
    global _training
    _training = dist.is_available() and dist.is_initialized()
    try:
        yield
    finally:
        _training = False


def count() -> int:
    """Processes that train together just now."""
    return dist.get_world_size() if _training else 1


def rank() -> int:
    """Which of them this is, from 0."""
    return dist.get_rank() if _training else 0


def share(batch: int) -> int:
    """Images of a step for each process.

    Raises:
        GoproError: When they can't be shared out evenly: a mean of means would be another loss.
    """
    if batch % count():
        raise GoproError(
            f"{batch} images a step can't be shared evenly by {count()} processes; choose a "
            "--batch that can"
        )
    return batch // count()


def mine(chosen: Tensor) -> Tensor:
    """This process's part of the images of a step: every ``count()``-th of them."""
    return chosen[rank() :: count()]


class _Gather(torch.autograd.Function):
    """All processes' rows; the gradient that any of them has goes back to where a row came from."""

    @staticmethod
    def forward(context: Any, rows: Tensor) -> Tensor:
        """Rows of all processes, in their order."""
        parts = [torch.empty_like(rows) for _ in range(count())]
        dist.all_gather(parts, rows.contiguous())
        return torch.cat(parts)

    @staticmethod
    def backward(context: Any, *gradients: Tensor) -> Tensor:
        """The sum over processes, cut down to this one's rows."""
        total = gradients[0].contiguous()
        dist.all_reduce(total)
        return total.chunk(count())[rank()]


def gathered(rows: Tensor) -> Tensor:
    """Rows of all processes, [B, ...] to [N B, ...], with gradient; the same tensor for one.

    A loss of all rows is computed by each process, so its gradients add up to N times what it
    should be, and their average over processes (``average_gradients``) to just that.
    """
    found: Tensor = _Gather.apply(rows) if count() > 1 else rows
    return found


def average_gradients(parameters: Iterable[Tensor]) -> None:
    """Give every process the mean of all processes' gradients, in one message."""
    gradients = [p.grad for p in parameters if p.grad is not None]
    if count() == 1 or not gradients:
        return
    flat = torch.cat([gradient.reshape(-1) for gradient in gradients])
    dist.all_reduce(flat)
    flat /= count()
    parts = torch.split(flat, [gradient.numel() for gradient in gradients])
    for gradient, part in zip(gradients, parts, strict=True):
        gradient.copy_(part.view_as(gradient))


def averaged(values: Mapping[str, float], device: torch.device) -> dict[str, float]:
    """The mean of numbers over all processes: a loss over the whole batch."""
    if count() == 1:
        return dict(values)
    # the cpu's own precision; mps has no double, and no processes either
    flat = torch.tensor(list(values.values()), dtype=torch.float64, device=device)
    dist.all_reduce(flat)
    return dict(zip(values, (flat / count()).tolist(), strict=True))


def agreed(flag: bool, device: torch.device) -> bool:
    """Whether any process says so: all of them stop at the same step."""
    if count() == 1:
        return flag
    asked = torch.tensor(int(flag), device=device)
    dist.all_reduce(asked, op=dist.ReduceOp.MAX)
    return bool(asked)


def leave() -> None:
    """End every process but the first, which tests and writes the results."""
    with together():
        if rank() > 0:
            raise SystemExit(0)
