"""The command that makes a run or a classifier again: what isn't a default, written out."""

from __future__ import annotations

import dataclasses
import json
import shlex
from collections.abc import Mapping
from typing import Any

from gopro.methods import find
from gopro.training.config import TrainSettings
from gopro.training.recipe import choose_recipe


def train_command(settings: TrainSettings, options: Any) -> str:
    """``gopro train`` with the settings of a run."""
    kind = find(settings.method)
    plain = TrainSettings(dataset=settings.dataset, backbone=settings.backbone)
    usual = shallow(plain) | shallow(choose_recipe(kind, plain))
    named = {"dataset", "task", "resume", "views"}
    given = {k: v for k, v in shallow(settings).items() if k not in named and v != usual[k]}
    given |= _changed(settings.views, type(settings.views)(), "views.")
    given |= _changed(options, kind.Settings(), f"{settings.method}.")
    return command_line(["gopro", "train", settings.dataset, settings.task], given)


def _changed(values: Any, usual: Any, prefix: str) -> dict[str, Any]:
    default = shallow(usual)
    return {f"{prefix}{k}": v for k, v in shallow(values).items() if v != default[k]}


def shallow(values: Any) -> dict[str, Any]:
    return {field.name: getattr(values, field.name) for field in dataclasses.fields(values)}


def command_line(words: list[str], given: Mapping[str, Any]) -> str:
    for name, value in given.items():
        words += [f"--{name}", _word(value)]
    return shlex.join(words)


def _word(value: Any) -> str:
    if value is None or isinstance(value, (bool, tuple)):
        return json.dumps(value)
    return str(value)
