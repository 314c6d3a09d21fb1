"""Ctrl-C during a training."""

from __future__ import annotations

import signal

import pytest

from gopro.training.trainer import interrupt_flag


def test_ctrl_c_becomes_a_flag_and_the_second_one_acts() -> None:
    previous = signal.getsignal(signal.SIGINT)
    with interrupt_flag() as asked:
        assert not asked()
        signal.raise_signal(signal.SIGINT)
        assert asked()
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is previous
