"""Ctrl-C during a training."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest
import torch
from toy_method import RECIPE, Toy, trainer

from gopro.methods.base import Method
from gopro.training.trainer import Interrupted, interrupt_flag


def test_ctrl_c_becomes_a_flag_and_the_second_one_acts() -> None:
    previous = signal.getsignal(signal.SIGINT)
    with interrupt_flag() as asked:
        assert not asked()
        signal.raise_signal(signal.SIGINT)
        assert asked()
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is previous


def test_ctrl_c_in_the_last_validation_stops_a_training_that_is_done(tmp_path: Path) -> None:
    measured: list[int] = []

    def validate(method: Method) -> float:
        measured.append(len(measured))
        if len(measured) == RECIPE.epochs:
            signal.raise_signal(signal.SIGINT)
        return 50.0

    toy = Toy()
    with pytest.raises(Interrupted):
        trainer(tmp_path, toy, validate=validate).run()
    again = Toy(seed=99)
    second = trainer(tmp_path, again, validate=validate)
    second.resume()
    second.run()
    assert torch.equal(again.weight, toy.weight) and len(measured) == RECIPE.epochs
