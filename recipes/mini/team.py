"""Several processes train one model, each on its part of the batch.

On a CPU, two processes with one thread each are faster than one process with two threads: a small
model has many small operations, and the second thread mostly waits.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import torch
import torch.distributed as dist
from torch import Tensor, nn


@dataclass(frozen=True)
class Team:
    """The rank of this process among ``size``. Rank 0 decides and saves."""

    rank: int = 0
    size: int = 1

    @property
    def leads(self) -> bool:
        """Whether this process is rank 0, which decides for all."""
        return self.rank == 0

    def join(self, meeting: Path) -> None:
        """Join the group through a file that does not exist yet."""
        if self.size > 1:
            dist.init_process_group(
                "gloo", init_method=f"file://{meeting}", rank=self.rank, world_size=self.size
            )

    def wait(self) -> None:
        """Wait until all have received what was sent."""
        if self.size > 1:
            dist.barrier()

    def leave(self) -> None:
        """Leave the group."""
        if self.size > 1:
            dist.destroy_process_group()

    def agreed(self, value: float) -> float:
        """The value of rank 0, in all processes."""
        if self.size == 1:
            return value
        carried = torch.tensor([value], dtype=torch.float64)
        dist.broadcast(carried, 0)
        return float(carried)

    def average(self, parameters: Iterable[nn.Parameter]) -> None:
        """Replace gradients by their mean over all processes, in one message.

        A parameter must have a gradient in all processes or in none.
        """
        if self.size == 1:
            return
        grads: list[Tensor] = [p.grad for p in parameters if p.grad is not None]
        flat = torch.cat([grad.flatten() for grad in grads])
        dist.all_reduce(flat)
        flat /= self.size
        for grad, part in zip(grads, flat.split([g.numel() for g in grads]), strict=True):
            grad.copy_(part.view_as(grad))
