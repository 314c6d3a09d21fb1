"""mini with two narrow blocks a tower.

Its recipe computes in bfloat16, which takes many seconds a step on processors without it.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from unittest import mock

import pytest
import torch
from recipes.mini import train
from recipes.mini.options import Options

from gopro.backbones.mini import load as mini

needs_muon = pytest.mark.skipif(
    not hasattr(torch.optim, "Muon"), reason="making mini needs torch 2.9 (the package doesn't)"
)


@contextmanager
def small_model() -> Iterator[None]:
    """Let mini have this shape."""
    settings = mini.config()
    settings["model_cfg"]["vision_cfg"].update(layers=2, width=64)
    settings["model_cfg"]["text_cfg"].update(layers=2, width=64, heads=1)
    with mock.patch.object(mini, "config", lambda: copy.deepcopy(settings)):
        yield


def small_work(rank: int, options: Options, meeting: Path) -> None:
    """The work of one process of a training, with this shape."""
    with small_model():
        train._work(rank, options, meeting)
