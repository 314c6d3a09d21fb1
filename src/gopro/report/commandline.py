"""The command that makes a run or a classifier again: what isn't a default, written out."""

from __future__ import annotations

import dataclasses
import json
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from gopro.classify.classifier import PromptClassifier
from gopro.config import TrainSettings
from gopro.fitting import choose_recipe
from gopro.methods import find


def train_command(settings: TrainSettings, options: Any) -> str:
    """``gopro train`` with the settings of a run."""
    kind = find(settings.method)
    plain = TrainSettings(dataset=settings.dataset, backbone=settings.backbone)
    usual = _shallow(plain) | _shallow(choose_recipe(kind, plain))
    named = {"dataset", "task", "resume", "views"}
    given = {k: v for k, v in _shallow(settings).items() if k not in named and v != usual[k]}
    given |= _changed(settings.views, type(settings.views)(), "views.")
    given |= _changed(options, kind.Settings(), f"{settings.method}.")
    return _line(["gopro", "train", settings.dataset, settings.task], given)


def fit_command(classifier: PromptClassifier, folder: Path, out: Path, everything: bool) -> str:
    """``gopro fit`` with the settings of a classifier.

    Args:
        classifier: Whose settings.
        folder: The photographs.
        out: The model's folder.
        everything: Whether nothing was held out.
    """
    usual = PromptClassifier().get_params()
    given = {
        name: value
        for name, value in classifier.get_params().items()
        if name not in ("options", "class_names") and value != usual[name]
    }
    chosen = dict(classifier.options or {}).items()
    options = {name: tuple(v) if isinstance(v, list) else v for name, v in chosen}
    default = _shallow(find(classifier.method).Settings())
    given |= {
        f"{classifier.method}.{name}": value
        for name, value in options.items()
        if value != default[name]
    }
    words = ["gopro", "fit", str(folder), "--out", str(out), *(["--all"] if everything else [])]
    return _line(words, given)


def _changed(values: Any, usual: Any, prefix: str) -> dict[str, Any]:
    default = _shallow(usual)
    return {f"{prefix}{k}": v for k, v in _shallow(values).items() if v != default[k]}


def _shallow(values: Any) -> dict[str, Any]:
    return {field.name: getattr(values, field.name) for field in dataclasses.fields(values)}


def _line(words: list[str], given: Mapping[str, Any]) -> str:
    for name, value in given.items():
        words += [f"--{name}", _word(value)]
    return shlex.join(words)


def _word(value: Any) -> str:
    if value is None or isinstance(value, (bool, tuple)):
        return json.dumps(value)
    return str(value)
