"""Several processes that train one model, each with its part of the batch.

On a CPU two processes of one thread each are faster than one with two: a small model's many small
operations leave the second thread waiting most of the time.
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
    """This process's place among ``size``; the first one (rank 0) decides and saves."""

    rank: int = 0
    size: int = 1

    @property
    def leads(self) -> bool:
        """Whether this process decides for all."""
        return self.rank == 0

    def join(self, meeting: Path) -> None:
        """Meet the others at a file that does not exist yet."""
        if self.size > 1:
            dist.init_process_group(
                "gloo", init_method=f"file://{meeting}", rank=self.rank, world_size=self.size
            )

    def leave(self) -> None:
        """Part from the others."""
        if self.size > 1:
            dist.destroy_process_group()

    def agreed(self, value: float) -> float:
        """The leader's value, for all."""
        if self.size == 1:
            return value
        carried = torch.tensor([value], dtype=torch.float64)
        dist.broadcast(carried, 0)
        return float(carried)

    def average(self, parameters: Iterable[nn.Parameter]) -> None:
        """Replace gradients by their mean over all processes, in one message.

        Whether a parameter has a gradient must not differ between them.
        """
        if self.size == 1:
            return
        grads: list[Tensor] = [p.grad for p in parameters if p.grad is not None]
        flat = torch.cat([grad.flatten() for grad in grads])
        dist.all_reduce(flat)
        flat /= self.size
        for grad, part in zip(grads, flat.split([g.numel() for g in grads]), strict=True):
            grad.copy_(part.view_as(grad))
