"""Several processes as one: gathered negatives, averaged gradients, a whole training."""

from __future__ import annotations

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
from gopro.training import launch
from gopro.training.config import TrainSettings

WORLD = 2


def _join(number: int, meeting: str) -> None:
    torch.set_num_threads(1)
    dist.init_process_group("gloo", init_method=f"file://{meeting}", rank=number, world_size=WORLD)


def _run(work: Any, folder: Path, *arguments: Any) -> list[Any]:
    """Run ``work(*arguments)`` in two processes; gives what each of them returned."""
    mp.start_processes(
        _work, (str(folder), work, arguments), nprocs=WORLD, start_method="forkserver"
    )
    return [torch.load(folder / f"{n}.pt", weights_only=True) for n in range(WORLD)]


def _work(number: int, folder: str, work: Any, arguments: tuple[Any, ...]) -> None:
    _join(number, f"{folder}/meeting")
    with distributed.together():
        torch.save(work(*arguments), f"{folder}/{number}.pt")
    dist.destroy_process_group()


def _views() -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(3)
    return tuple(torch.randn(6, 5, generator=generator) for _ in range(2))  # type: ignore[return-value]


def _contrast() -> dict[str, Tensor]:
    """The loss through a linear map, and the map's gradient."""
    layer = nn.Linear(5, 4)
    nn.init.eye_(layer.weight)
    nn.init.zeros_(layer.bias)
    a, b = (view[distributed.rank() :: distributed.count()] for view in _views())
    loss = nt_xent(layer(a), layer(b))
    loss.backward()
    distributed.average_gradients(layer.parameters())
    assert layer.weight.grad is not None and layer.bias.grad is not None
    return {"loss": loss.detach(), "weight": layer.weight.grad, "bias": layer.bias.grad}


def _small_things() -> dict[str, Any]:
    rank = distributed.rank()
    cpu = torch.device("cpu")
    return {
        "mine": distributed.mine(torch.arange(6)).tolist(),
        "mean": distributed.averaged({"a": float(rank), "b": 3.0}, cpu),
        "agreed": [distributed.agreed(rank == 1, cpu), distributed.agreed(False, cpu)],
        "share": distributed.share(6),
        "rows": distributed.gathered(torch.full((1, 2), float(rank))).tolist(),
    }


def test_two_processes_see_each_others_rows(tmp_path: Path) -> None:
    first, second = _run(_small_things, tmp_path)
    assert (first["mine"], second["mine"]) == ([0, 2, 4], [1, 3, 5])
    for found in (first, second):
        assert found["mean"] == {"a": 0.5, "b": 3.0}
        assert found["agreed"] == [True, False] and found["share"] == 3
        assert found["rows"] == [[0.0, 0.0], [1.0, 1.0]]


def test_the_contrastive_loss_and_its_gradient_are_those_of_the_whole_batch(
    tmp_path: Path,
) -> None:
    alone = _contrast()
    for found in _run(_contrast, tmp_path):
        for name, value in alone.items():
            torch.testing.assert_close(found[name], value, rtol=1e-5, atol=1e-6)


def _train(folder: str) -> dict[str, Any]:
    """A short training of GOPro by the engine; gives its last row of metrics and its weights."""
    from lightning_fabric import Fabric

    from gopro.methods import find
    from gopro.methods.base import Recipe
    from gopro.training.config import ViewSettings
    from gopro.training.trainer import Trainer, TrainingSet
    from small_clips import small_backbone

    torch.manual_seed(0)
    backbone = small_backbone()
    side = backbone.image_size
    kind = find("gopro")
    method = kind(backbone, ["ant", "bee", "cat"], kind.Settings())
    pixels = torch.randint(0, 256, (12, 3, side, side), dtype=torch.uint8)
    trainer = Trainer(
        method,
        TrainingSet(pixels, torch.arange(12) % 3),
        Recipe(epochs=2, batch=4, lr=0.01, augment="none"),
        fabric=Fabric(accelerator="cpu", devices=1),
        folder=Path(folder) / f"run{distributed.rank()}",
        seed=1,
        views=ViewSettings(),
    )
    row = trainer.run().rows[-1]
    weights = {name: value.detach() for name, value in method.state_dict().items()}
    return {"row": {name: float(value) for name, value in row.items()}, "weights": weights}


def test_two_processes_train_as_one_with_the_whole_batch(tmp_path: Path) -> None:
    alone = _train(str(tmp_path / "alone"))
    assert alone["row"]["con"] > 0  # its negatives are the other images of the batch
    for found in _run(_train, tmp_path, str(tmp_path)):
        for name, value in alone["row"].items():
            assert found["row"][name] == pytest.approx(value, rel=1e-4), name
        for name, value in alone["weights"].items():
            torch.testing.assert_close(found["weights"][name], value, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("batch", [3, 5])
def test_a_batch_that_cannot_be_shared(monkeypatch: pytest.MonkeyPatch, batch: int) -> None:
    monkeypatch.setattr(distributed, "count", lambda: 2)
    with pytest.raises(GoproError, match=f"{batch} images a step can't be shared evenly by 2"):
        distributed.share(batch)


def test_alone_nothing_is_shared() -> None:
    rows = torch.ones(2, 3)
    with distributed.together():
        assert (distributed.count(), distributed.rank()) == (1, 0)
        assert distributed.gathered(rows) is rows
        assert distributed.averaged({"a": 1.0}, rows.device) == {"a": 1.0}
        assert distributed.agreed(True, rows.device) and not distributed.agreed(False, rows.device)
    distributed.leave()
    with launch.crew(TrainSettings(dataset="world"), Path("runs/x")) as settings:
        assert settings.device == "auto"


@pytest.mark.parametrize(
    ("device", "message"), [("mps", "got --device mps and 2 processes"), ("cuda", "and 0 GPUs")]
)
def test_devices(monkeypatch: pytest.MonkeyPatch, device: str, message: str) -> None:
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 0)
    with pytest.raises(GoproError, match=message):
        launch._kind(device, 2)
    assert launch._kind("auto", 2) == "cpu"
