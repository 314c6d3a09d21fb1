"""The training loop: against SGD by hand, stopped anywhere, broken losses, the best epoch."""

from __future__ import annotations

import contextlib
import json
import math
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor
from toy_method import RECIPE, Toy, by_hand, trainer

from gopro.common import distributed
from gopro.common.errors import GoproError
from gopro.methods.base import Batch, Method, Recipe
from gopro.training import trainer as trainer_module
from gopro.training.trainer import CHECKPOINT, METRICS, Interrupted

STEPS = 3 * RECIPE.epochs


@pytest.mark.parametrize(
    "recipe",
    [
        RECIPE,
        replace(RECIPE, momentum=0.0, weight_decay=0.0),
        replace(RECIPE, warmup_epochs=2, batch=5),
        replace(RECIPE, warmup_epochs=0, batch=11),
    ],
)
def test_the_loop_is_sgd_by_hand(tmp_path: Path, recipe: Recipe) -> None:
    toy = Toy()
    trainer(tmp_path, toy, recipe=recipe).run()

    def rate(epoch: int) -> float:
        if epoch < recipe.warmup_epochs:
            return recipe.warmup_lr
        angle = math.pi * (epoch - recipe.warmup_epochs) / recipe.epochs
        return recipe.lr * (1 + math.cos(angle)) / 2

    wanted = by_hand(recipe, 7, rate)
    torch.testing.assert_close(toy.weight.double(), wanted, rtol=1e-5, atol=1e-6)


def test_metrics_are_means_over_the_steps_of_an_epoch(tmp_path: Path) -> None:
    made = trainer(tmp_path)
    seen: list[dict[str, float]] = []
    step = made._step
    made._step = lambda *given: seen.append(step(*given)) or seen[-1]  # type: ignore[method-assign]
    made.run()
    rows = _rows(tmp_path)
    assert [row["epoch"] for row in rows] == [1, 2, 3, 4]
    assert rows[0]["lr"] == RECIPE.warmup_lr and rows[1]["lr"] == RECIPE.lr
    for name in ("loss", "ce", "size"):
        assert rows[1][name] == pytest.approx(sum(values[name] for values in seen[3:6]) / 3)
    for values in seen:
        assert values["loss"] == pytest.approx(values["ce"] + 0.25 * values["size"], rel=1e-6)


def test_batches_larger_than_the_data_are_the_data(tmp_path: Path) -> None:
    one, other = Toy(), Toy()
    trainer(tmp_path / "a", one, recipe=replace(RECIPE, batch=11)).run()
    trainer(tmp_path / "b", other, recipe=replace(RECIPE, batch=500)).run()
    assert torch.equal(one.weight, other.weight)


@pytest.mark.parametrize(
    ("step", "optimizer"),
    [(step, "sgd") for step in range(1, STEPS + 1)]
    + [(step, kind) for kind in ("adam", "adamw") for step in (2, 6, 7)],
)
def test_stopped_after_any_step_and_resumed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: int, optimizer: str
) -> None:
    options = {"recipe": replace(RECIPE, optimizer=optimizer), "validate": _falling()}
    whole = _whole(tmp_path / "whole", **options)

    _stop_after(step, monkeypatch)
    with pytest.raises(Interrupted):
        trainer(tmp_path / "cut", **options).run()
    monkeypatch.undo()
    toy = Toy(seed=99)  # what it starts from must not matter
    second = trainer(tmp_path / "cut", toy, **options)
    second.resume()
    assert second.progress.epoch * 3 + second.progress.step == step
    second.run()
    assert torch.equal(toy.weight, whole)
    assert _bytes(tmp_path / "cut") == _bytes(tmp_path / "whole")


@pytest.mark.parametrize(
    ("step", "every"),
    [(step, 1) for step in range(STEPS)]
    + [(step, every) for every in (2, 3) for step in (0, 4, 8, 11)],
)
def test_killed_at_any_step_and_resumed(tmp_path: Path, step: int, every: int) -> None:
    whole = _whole(tmp_path / "whole")
    killed = trainer(tmp_path / "cut", checkpoint_every=every)
    _die_at(step, killed)
    with pytest.raises(_Killed):
        killed.run()
    toy = Toy()
    second = trainer(tmp_path / "cut", toy, checkpoint_every=every)
    second.resume()
    second.run()
    assert torch.equal(toy.weight, whole)
    assert _bytes(tmp_path / "cut") == _bytes(tmp_path / "whole")


def test_killed_between_checkpoint_and_metrics(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = _whole(tmp_path / "whole")
    cut = trainer(tmp_path / "cut")
    with monkeypatch.context() as patch, pytest.raises(_Killed):
        patch.setattr(trainer_module, "write_metrics", _kill)
        cut.run()
    assert not (tmp_path / "cut" / METRICS).exists()
    toy = Toy()
    second = trainer(tmp_path / "cut", toy)
    second.resume()
    second.run()
    assert torch.equal(toy.weight, whole)
    assert _bytes(tmp_path / "cut") == _bytes(tmp_path / "whole")


def test_resuming_a_finished_training_changes_nothing(tmp_path: Path) -> None:
    whole = _whole(tmp_path)
    before = _bytes(tmp_path)
    toy = Toy(seed=99)
    again = trainer(tmp_path, toy)
    again.resume()
    again.run()
    assert torch.equal(toy.weight, whole)
    assert _bytes(tmp_path) == before


def test_the_seed_sets_the_order(tmp_path: Path) -> None:
    first, second, third = Toy(), Toy(), Toy()
    trainer(tmp_path / "a", first).run()
    torch.manual_seed(12345)  # the global state is no part of it
    trainer(tmp_path / "b", second).run()
    trainer(tmp_path / "c", third, seed=8).run()
    assert torch.equal(first.weight, second.weight)
    assert not torch.equal(first.weight, third.weight)


@pytest.mark.parametrize("stop", [None, 4, 9])
def test_the_best_validation_epoch_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stop: int | None
) -> None:
    scores = iter([50.0, 70.0, 70.0, 60.0])
    weights: list[Tensor] = []

    def validate(method: Method) -> float:
        assert not method.training
        weights.append(method.state_dict()["weight"].clone())
        return next(scores)

    options = {"validate": validate, "select_best": True}
    toy = Toy()
    made = trainer(tmp_path, toy, **options)
    if stop is not None:
        with monkeypatch.context() as patch, pytest.raises(Interrupted):
            _stop_after(stop, patch)
            made.run()
        toy = Toy(seed=99)
        made = trainer(tmp_path, toy, **options)
        made.resume()
    progress = made.run()
    assert torch.equal(toy.weight, weights[1])  # the first of two equals
    assert not torch.equal(toy.weight, weights[-1])
    assert progress.best == 70.0
    assert [row["val_accuracy"] for row in _rows(tmp_path)] == [50.0, 70.0, 70.0, 60.0]


def test_the_last_epoch_counts_unless_asked_otherwise(tmp_path: Path) -> None:
    toy = Toy()
    trainer(tmp_path, toy, validate=_falling()).run()
    assert torch.equal(toy.weight, _whole(tmp_path / "without"))
    assert not toy.training


def test_a_broken_loss_stops_with_one_line_and_keeps_the_checkpoint(tmp_path: Path) -> None:
    toy = Toy()
    made = trainer(tmp_path, toy, validate=lambda method: setattr(toy, "blow_up", math.nan) or 0.0)
    with pytest.raises(GoproError) as caught:
        made.run()
    message = str(caught.value)
    assert "\n" not in message
    assert "the loss term size is nan in epoch 2, step 1" in message
    assert "--lr" in message
    assert torch.isfinite(toy.weight).all()  # no step was taken with it
    second = trainer(tmp_path, Toy())
    second.resume()
    assert second.progress.epoch == 1


def test_loss_scaling_changes_nothing_where_nothing_overflows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = _whole(tmp_path / "plain")
    toy = Toy()
    scaled = trainer(tmp_path / "scaled", toy, precision="fp16")
    assert scaled.scaler.get_scale() > 1
    scaled.run()
    torch.testing.assert_close(toy.weight, whole, rtol=1e-6, atol=1e-7)
    _stop_after(5, monkeypatch)
    with pytest.raises(Interrupted):
        trainer(tmp_path / "cut", precision="fp16").run()
    monkeypatch.undo()
    resumed = Toy(seed=99)
    second = trainer(tmp_path / "cut", resumed, precision="fp16")
    second.resume()
    assert second.scaler.state_dict() == {**scaled.scaler.state_dict(), "_growth_tracker": 5}
    second.run()
    assert torch.equal(resumed.weight, toy.weight)


def test_an_overflow_in_half_precision_skips_the_step_and_scales_less(tmp_path: Path) -> None:
    toy = Toy()
    before = toy.weight.detach().clone()
    made = trainer(tmp_path, toy, precision="fp16")
    scale = made.scaler.get_scale()
    toy.weight.register_hook(lambda gradient: gradient * math.inf)
    chosen = torch.tensor([0, 1, 2])
    made._step(chosen, next(made.source.batches([chosen], 0)))
    assert torch.equal(toy.weight, before)
    assert made.scaler.get_scale() == scale / 2


def _whole(folder: Path, **options: object) -> Tensor:
    """Weights of a training that nothing interrupts."""
    toy = Toy()
    trainer(folder, toy, **options).run()
    return toy.weight.detach()


def _rows(folder: Path) -> list[dict[str, float]]:
    return [json.loads(line) for line in (folder / METRICS).read_text().splitlines()]


def _bytes(folder: Path) -> bytes:
    assert sorted(path.name for path in folder.iterdir()) == [CHECKPOINT, METRICS]
    return (folder / METRICS).read_bytes()


def _falling() -> Callable[[Method], float]:
    return lambda method: 90.0 - method.state_dict()["weight"].abs().sum().item()


def _stop_after(step: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let Ctrl-C come during this step, counted from 1."""

    @contextlib.contextmanager
    def flag() -> Iterator[Callable[[], bool]]:
        counted = iter(range(1, 1000))
        yield lambda: next(counted) == step

    monkeypatch.setattr(trainer_module, "interrupt_flag", flag)


class _Killed(BaseException):
    """Stands for SIGKILL: nobody catches it."""


def _kill(*arguments: object) -> None:
    raise _Killed


def _die_at(step: int, made: trainer.Trainer) -> None:
    original, counted = made._step, iter(range(1000))

    def fatal(chosen: Tensor, batch: Batch) -> dict[str, float]:
        if next(counted) == step:
            raise _Killed
        return original(chosen, batch)

    made._step = fatal  # type: ignore[method-assign]


def test_a_step_with_too_few_images_for_the_method(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Toy, "smallest_batch", 12)  # of 11 images
    with pytest.raises(GoproError, match=r"Toy needs 12 or more images .* and gets 11; use more"):
        trainer(tmp_path, recipe=replace(RECIPE, batch=500)).run()


def test_processes_that_continue_from_different_steps(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(distributed, "average", lambda values, device: {"step": 2.5})
    with pytest.raises(GoproError, match="different steps, this one from step 0"):
        trainer(tmp_path).run()
