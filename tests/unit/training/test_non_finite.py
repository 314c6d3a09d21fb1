"""Trainings that stop being numbers: one line says where, and nothing good is lost."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn
from toy_method import COUNT, RECIPE, Toy, data, trainer

from gopro.common.errors import GoproError
from gopro.common.tensors import load_tensors
from gopro.methods.base import Batch
from gopro.training.non_finite import all_finite, broken_gradient, files
from gopro.training.trainer import CHECKPOINT, Trainer


class Cliff(Toy):
    """From a step on, the term ``size`` is a finite number whose gradient isn't one."""

    def __init__(self, step: int) -> None:
        super().__init__()
        self.step, self.count = step, 0

    def loss(self, batch: Batch) -> dict[str, Tensor]:
        terms = super().loss(batch)
        self.count += 1
        if self.count >= self.step:
            nothing = (self.weight - self.weight.detach()).square().sum()
            terms["size"] = terms["size"] + nothing.sqrt()  # 0, and its derivative infinite
        return terms


def stopped(made: Trainer) -> str:
    with pytest.raises(GoproError) as caught:
        made.run()
    message = str(caught.value)
    assert "\n" not in message
    return message


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_a_gradient_that_is_not_finite(tmp_path: Path, precision: str) -> None:
    good = Cliff(step=99)
    made = trainer(tmp_path / "good", good, recipe=replace(RECIPE, epochs=1))
    made.run()
    toy = Cliff(step=5)
    made = trainer(tmp_path / "run", toy, precision=precision)
    made.data = replace(data(), names=tuple(f"{place}.png" for place in range(COUNT)))
    message = stopped(made)
    assert message.startswith("the gradient of the loss term size is not finite (at weight)")
    assert "in epoch 2, step 2 of 3, whose images are " in message
    named = message.partition("images are ")[2].partition(";")[0].split(", ")
    assert len(named) == RECIPE.batch and all(name.endswith(".png") for name in named)
    assert "last good weights are kept" in message and "--lr" in message
    assert ("--precision fp32" in message) is (precision != "fp32")
    tensors, about = load_tensors(tmp_path / "run" / CHECKPOINT)
    assert (about["epoch"], about["step"]) == (1, 1)
    assert torch.equal(tensors["model.weight"], toy.weight)
    assert toy.weight.isfinite().all()
    assert not torch.equal(toy.weight, good.weight)  # the first step of epoch 2 counts


def test_a_loss_that_is_not_finite_keeps_the_step_before(tmp_path: Path) -> None:
    toy = Toy()
    made = trainer(tmp_path, toy, checkpoint_every=99)
    step = made._step

    def break_later(chosen: Tensor, batch: Batch) -> dict[str, float]:
        toy.blow_up = math.inf if made.progress.step == 2 else 0.0
        return step(chosen, batch)

    made._step = break_later  # type: ignore[method-assign]
    message = stopped(made)
    assert "the loss term size is inf in epoch 1, step 3 of 3, whose images are number " in message
    assert torch.equal(load_tensors(tmp_path / CHECKPOINT)[0]["model.weight"], toy.weight)


def test_weights_that_broke_do_not_replace_good_ones(tmp_path: Path) -> None:
    toy = Toy()
    made = trainer(tmp_path, toy)
    made.save()
    with torch.no_grad():
        toy.weight.fill_(math.nan)
    assert "the loss term" in stopped(made)
    assert load_tensors(tmp_path / CHECKPOINT)[0]["model.weight"].isfinite().all()


def test_half_precision_that_always_overflows(tmp_path: Path) -> None:
    toy = Toy()
    before = toy.weight.detach().clone()
    toy.weight.register_hook(lambda gradient: gradient * math.inf)
    message = stopped(trainer(tmp_path, toy, precision="fp16", recipe=replace(RECIPE, epochs=9)))
    wanted = "the gradient of the loss term ce is not finite (at weight) in epoch 6, step 2 of 3, "
    assert message.startswith(wanted)  # after 2 ** -17
    assert "use --precision fp32" in message
    assert torch.equal(toy.weight, before)


def test_weights_that_break_at_the_end_of_an_epoch_are_not_kept(tmp_path: Path) -> None:
    """A gradient that is finite and a step that isn't: no later loss comes to tell."""
    toy, steps = Toy(), iter(range(1, 99))

    def huge(gradient: Tensor) -> Tensor:
        return torch.full_like(gradient, 3e38) if next(steps) == 6 else gradient

    toy.weight.register_hook(huge)
    message = stopped(trainer(tmp_path, toy, recipe=replace(RECIPE, lr=10.0)))
    assert message.startswith("a weight is not finite in epoch 2, step 3 of 3, whose images are ")
    assert "--lr, into another --out: the last good weights are kept in the check" in message
    tensors, about = load_tensors(tmp_path / CHECKPOINT)
    assert tensors["model.weight"].isfinite().all() and about["epoch"] == 1


def test_nothing_good_yet(tmp_path: Path) -> None:
    toy = Toy()
    with torch.no_grad():
        toy.weight.fill_(math.nan)
    assert stopped(trainer(tmp_path, toy)).endswith("another --out: there are no good weights yet")
    assert not list(tmp_path.iterdir())


def test_all_finite() -> None:
    fine = torch.ones(2)
    assert all_finite([]) and all_finite([None]) and all_finite([fine, None, fine.long()])
    for value in (math.nan, math.inf, -math.inf):
        assert not all_finite([fine, torch.tensor([0.0, value])])


def test_which_term_and_where() -> None:
    module = nn.ParameterDict({"a": nn.Parameter(torch.ones(1)), "b": nn.Parameter(torch.ones(1))})
    fine, odd = module["a"].sum(), (module["b"] - 1).sqrt().sum()
    terms = {"ce": fine, "constant": torch.zeros(()), "con": fine + odd}
    weights = dict.fromkeys(terms, 1.0)
    assert "loss term con is not finite (at b)" in broken_gradient(terms, weights, module)
    del terms["con"]
    assert broken_gradient(terms, weights, module) == "the gradient is not finite"


def test_files_of_a_batch() -> None:
    names = [f"{place}.png" for place in range(30)]
    assert files(names, [3, 1]) == "3.png, 1.png"
    assert files((), [3, 1]) == "number 3, number 1"
    assert files(names, range(20)).endswith("15.png and 4 more")
