"""Two processes that train together give what one process gives."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch import distributed as dist
from torch import multiprocessing as mp

from gopro.common import distributed
from gopro.common.errors import GoproError
from gopro.methods.losses import nt_xent
from gopro.runs import launch
from gopro.training import fit
from gopro.training.config import TrainSettings
from processes import START

WORLD_SIZE = 2


def _join(rank: int, rendezvous: str) -> None:
    torch.set_num_threads(1)
    dist.init_process_group(
        "gloo", init_method=f"file://{rendezvous}", rank=rank, world_size=WORLD_SIZE
    )


def _run(work: Any, folder: Path, *arguments: Any) -> list[Any]:
    """Run ``work(*arguments)`` in two processes; returns the result of each."""
    mp.start_processes(
        _worker, (str(folder), work, arguments), nprocs=WORLD_SIZE, start_method=START
    )
    return [torch.load(folder / f"{rank}.pt", weights_only=True) for rank in range(WORLD_SIZE)]


def _worker(rank: int, folder: str, work: Any, arguments: tuple[Any, ...]) -> None:
    _join(rank, f"{folder}/rendezvous")
    with distributed.synchronized():
        torch.save(work(*arguments), f"{folder}/{rank}.pt")
    dist.barrier()  # without it, torch 2.6 was once seen to wait for a process that was gone
    dist.destroy_process_group()


def _views() -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(3)
    return tuple(torch.randn(6, 5, generator=generator) for _ in range(2))  # type: ignore[return-value]


def _contrastive_step() -> dict[str, Tensor]:
    """The contrastive loss after a linear layer, and the layer's gradients."""
    layer = nn.Linear(5, 4)
    nn.init.eye_(layer.weight)
    nn.init.zeros_(layer.bias)
    a, b = (view[distributed.rank() :: distributed.world_size()] for view in _views())
    loss = nt_xent(layer(a), layer(b))
    loss.backward()
    distributed.average_gradients(layer.parameters())
    assert layer.weight.grad is not None and layer.bias.grad is not None
    return {"loss": loss.detach(), "weight": layer.weight.grad, "bias": layer.bias.grad}


def _collectives() -> dict[str, Any]:
    rank = distributed.rank()
    cpu = torch.device("cpu")
    return {
        "shard": distributed.shard(torch.arange(6)).tolist(),
        "mean": distributed.average({"a": float(rank), "b": 3.0}, cpu),
        "any": [distributed.any_process(rank == 1, cpu), distributed.any_process(False, cpu)],
        "shard_size": distributed.shard_size(6),
        "rows": distributed.gather(torch.full((1, 2), float(rank))).tolist(),
    }


def test_collectives_of_two_processes(tmp_path: Path) -> None:
    first, second = _run(_collectives, tmp_path)
    assert (first["shard"], second["shard"]) == ([0, 2, 4], [1, 3, 5])
    for result in (first, second):
        assert result["mean"] == {"a": 0.5, "b": 3.0}
        assert result["any"] == [True, False] and result["shard_size"] == 3
        assert result["rows"] == [[0.0, 0.0], [1.0, 1.0]]


def test_two_processes_compute_the_contrastive_loss_of_the_whole_batch(
    tmp_path: Path,
) -> None:
    single = _contrastive_step()
    for result in _run(_contrastive_step, tmp_path):
        for name, value in single.items():
            torch.testing.assert_close(result[name], value, rtol=1e-5, atol=1e-6)


def _train(folder: str, name: str) -> dict[str, Any]:
    """Train a method for two epochs; returns the last row of metrics and the weights."""
    from gopro.methods import find
    from gopro.methods.base import Recipe
    from gopro.training.config import ViewSettings
    from gopro.training.trainer import Trainer
    from gopro.training.trainingset import TrainingSet
    from small_clips import small_backbone

    torch.manual_seed(0)
    backbone = small_backbone()
    side = backbone.image_size
    kind = find(name)
    method = kind(backbone, ["ant", "bee", "cat"], kind.Settings())
    pixels = torch.randint(0, 256, (12, 3, side, side), dtype=torch.uint8)
    trainer = Trainer(
        method,
        TrainingSet(pixels, torch.arange(12) % 3),
        Recipe(epochs=2, batch=4, lr=0.01, augment="none"),
        folder=Path(folder) / f"run{distributed.rank()}",
        seed=1,
        views=ViewSettings(),
    )
    row = trainer.run().rows[-1]
    weights = {name: value.detach() for name, value in method.state_dict().items()}
    return {"row": {name: float(value) for name, value in row.items()}, "weights": weights}


@pytest.mark.parametrize(
    ("method", "term"),
    [
        ("gopro", "con"),  # the contrastive loss needs the whole batch
        ("prograd", "kl"),  # the projection needs the whole batch's gradients
    ],
)
def test_two_processes_train_like_one_process(tmp_path: Path, method: str, term: str) -> None:
    single = _train(str(tmp_path / "single"), method)
    assert single["row"][term] > 0
    for result in _run(_train, tmp_path, str(tmp_path), method):
        for name, value in single["row"].items():
            assert result["row"][name] == pytest.approx(value, rel=1e-4), name
        for name, value in single["weights"].items():
            torch.testing.assert_close(result["weights"][name], value, rtol=1e-4, atol=1e-5)


def _without_wandb(folder: str) -> str:
    """What ends a process; the first one has a logger whose package is missing."""
    sys.modules["wandb"] = None  # type: ignore[assignment]
    settings = TrainSettings(dataset="world", logger=None if distributed.rank() else "wandb")
    loggers = fit.opened_loggers(settings, Path(folder), torch.device("cpu"))
    with pytest.raises(GoproError) as caught, loggers:
        pass
    return str(caught.value)


def test_a_logger_that_does_not_start_ends_all_processes(tmp_path: Path) -> None:
    first, second = _run(_without_wandb, tmp_path, str(tmp_path))
    assert first.startswith("--logger wandb needs a package that isn't here")
    assert second == "a logger of another process doesn't start"


@pytest.mark.parametrize("batch", [3, 5])
def test_rejects_a_batch_that_is_not_divisible(monkeypatch: pytest.MonkeyPatch, batch: int) -> None:
    monkeypatch.setattr(distributed, "world_size", lambda: 2)
    with pytest.raises(GoproError, match=f"got a batch of {batch} images for 2 processes"):
        distributed.shard_size(batch)


def test_one_process_needs_no_communication() -> None:
    rows = torch.ones(2, 3)
    with distributed.synchronized():
        assert (distributed.world_size(), distributed.rank()) == (1, 0)
        assert distributed.gather(rows) is rows
        assert distributed.average({"a": 1.0}, rows.device) == {"a": 1.0}
        assert distributed.any_process(True, rows.device)
        assert not distributed.any_process(False, rows.device)
    distributed.exit_workers()
    settings = TrainSettings(dataset="world")
    resolved = launch.resolve_in_first_process(settings, None)
    with launch.launch(settings, resolved) as run:
        assert run is resolved


@pytest.mark.parametrize(
    ("device", "message"), [("mps", "got --device mps and 2 processes"), ("cuda", "and 0 GPUs")]
)
def test_devices(monkeypatch: pytest.MonkeyPatch, device: str, message: str) -> None:
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 0)
    with pytest.raises(GoproError, match=message):
        launch._kind(device, 2)
    assert launch._kind("auto", 2) == "cpu"
