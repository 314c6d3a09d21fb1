"""The command that reproduces a run or a classifier: all settings that aren't defaults."""

from __future__ import annotations

import dataclasses
import json
import os
import shlex
import subprocess
from collections.abc import Mapping, Sequence
from typing import Any

from gopro.methods import find
from gopro.training.config import TrainSettings
from gopro.training.recipe import choose_recipe, epochs_by_classes


def train_command(settings: TrainSettings, options: Any) -> str:
    """The ``gopro train`` command of a run."""
    kind = find(settings.method)
    plain = TrainSettings(dataset=settings.dataset, backbone=settings.backbone)
    defaults = shallow(plain) | shallow(choose_recipe(kind, plain, options=options))
    if epochs_by_classes(kind, settings.backbone, options):
        defaults["epochs"] = None  # the classes aren't known here
    named = {"dataset", "task", "resume", "verify_cache", "views"}
    changed = {k: v for k, v in shallow(settings).items() if k not in named and v != defaults[k]}
    changed |= _changed(settings.views, type(settings.views)(), "views.")
    changed |= _changed(options, kind.Settings(), f"{settings.method}.")
    return command_line(["gopro", "train", settings.dataset, settings.task], changed)


def _changed(values: Any, defaults: Any, prefix: str) -> dict[str, Any]:
    default = shallow(defaults)
    return {f"{prefix}{k}": v for k, v in shallow(values).items() if v != default[k]}


def shallow(values: Any) -> dict[str, Any]:
    """The fields of a dataclass by name; nested dataclasses stay as they are."""
    return {field.name: getattr(values, field.name) for field in dataclasses.fields(values)}


def command_line(words: list[str], options: Mapping[str, Any]) -> str:
    """A command, with its options, as it is typed into a shell."""
    for name, value in options.items():
        words += [f"--{name}", _word(value)]
    return shell_line(words)


def shell_line(words: Sequence[str]) -> str:
    """The words of a command as they are typed into a shell of this system."""
    return subprocess.list2cmdline(words) if os.name == "nt" else shlex.join(words)


def _word(value: Any) -> str:
    if value is None or isinstance(value, (bool, tuple)):
        return json.dumps(value)
    return str(value)
