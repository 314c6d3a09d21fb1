"""Several processes: averaged gradients, and rank 0 decides."""

from __future__ import annotations

from pathlib import Path

import torch
import torch.multiprocessing as mp
from recipes.mini.team import Team
from torch import nn

from processes import START


def _member(rank: int, folder: str) -> None:
    team = Team(rank, 2)
    team.join(Path(folder) / "meeting")
    layer = nn.Linear(3, 2)
    ((rank + 1) * layer.weight.sum()).backward()
    layer.bias.grad = torch.full((2,), 10.0 * rank)
    team.average(layer.parameters())
    decided = team.agreed(0.25 if team.leads else 7.0)
    torch.save((layer.weight.grad, layer.bias.grad, decided), Path(folder) / f"{rank}.pt")
    team.wait()
    team.leave()


def test_gradients_are_averaged_and_the_leader_decides(tmp_path: Path) -> None:
    mp.start_processes(_member, (str(tmp_path),), nprocs=2, start_method=START)
    for rank in range(2):
        weight, bias, decided = torch.load(tmp_path / f"{rank}.pt", weights_only=True)
        torch.testing.assert_close(weight, torch.full((2, 3), 1.5))
        torch.testing.assert_close(bias, torch.full((2,), 5.0))
        assert decided == 0.25


def test_one_alone_needs_no_others() -> None:
    layer = nn.Linear(2, 1)
    layer(torch.ones(1, 2)).sum().backward()
    before = layer.weight.grad.clone()
    Team().average(layer.parameters())
    assert torch.equal(layer.weight.grad, before)
    assert Team().agreed(0.5) == 0.5 and Team().leads
