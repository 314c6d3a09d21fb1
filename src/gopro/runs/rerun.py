"""Repeating a run and comparing both results."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import torch

from gopro.common.tensors import load_tensors
from gopro.results import results_json, runfolder
from gopro.results.run_record import PREDICTIONS
from gopro.runs import run
from gopro.runs.launch import launch, resolve_in_first_process
from gopro.runs.resolve import moved
from gopro.training.trainer import METRICS

_MAX_THREADS = 1024
"""Largest number of threads that is taken from a file."""


def rerun(
    folder: Path,
    out: Path,
    changes: Mapping[str, Any],
    announce: Callable[[str], None] = lambda line: None,
) -> list[str]:
    """Repeat a run from its recorded settings and compare.

    Args:
        folder: A finished run's.
        out: A new run folder, or one that holds the repetition, finished or not.
        changes: See ``moved``.
        announce: Gets a line about what is going to happen.

    Returns:
        The differences, in a few words each; empty when weights, metrics and all predictions are
        the same bit for bit.

    Raises:
        GoproError: When the folder holds no finished run, or its data or backbone is missing.
        Interrupted: After Ctrl-C, once all is saved.
    """
    recorded = results_json.read(folder)
    settings, options = runfolder.read_settings(folder)
    settings, options = moved(settings, options, {**changes, "out": out, "resume": True})
    resolved = resolve_in_first_process(settings, options)
    if not resolved or runfolder.state(out, resolved.settings, resolved.options) != "finished":
        with _threads_of(recorded), launch(settings, resolved) as ours:
            run.execute(ours, announce)
    return list(differences(folder, out))


@contextlib.contextmanager
def _threads_of(recorded: Mapping[str, Any]) -> Iterator[None]:
    """Use the run's number of cpu threads: with another number, sums round differently."""
    device = str(recorded.get("environment", {}).get("device", ""))
    threads, before = re.search(r"(\d{1,9}) threads\)$", device), torch.get_num_threads()
    torch.set_num_threads(min(int(threads[1]), _MAX_THREADS) if threads else before)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def differences(first: Path, second: Path) -> Iterator[str]:
    """Differences between two finished runs, the most important first.

    Raises:
        GoproError: When a folder holds no finished run.
    """
    yield from _weights(first / runfolder.WEIGHTS, second / runfolder.WEIGHTS)
    before, now = results_json.read(first), results_json.read(second)
    for who, a, b in (
        ("", before["test"], now["test"]),
        ("zero-shot ", before["zeroshot"]["test"], now["zeroshot"]["test"]),
    ):
        for name in a | b:
            if a.get(name) != b.get(name):
                yield f"{who}{name} {_accuracy(b, name)}, was {_accuracy(a, name)}"
    for file in (PREDICTIONS, METRICS):
        if _content(first / file) != _content(second / file):
            yield f"{file} differs"


def causes(first: Path, second: Path) -> list[str]:
    """What was different before the runs started: versions, device, code, data."""
    before: Mapping[str, Any] = results_json.read(first)
    now: Mapping[str, Any] = results_json.read(second)
    reasons = []
    for name, old in before.get("environment", {}).items():
        new = now["environment"].get(name)
        if new != old:
            reasons.append(f"{name} is {new}, was {old}")
    if before.get("revision") != now["revision"]:
        reasons.append(
            f"the code is {_short(now['revision'])}, was {_short(before.get('revision'))}"
        )
    for name, words in (("splits", "the split"), ("sample", "the few-shot sample")):
        if name in before and before[name] != now[name]:
            reasons.append(f"{words} is another")
    return reasons


def _weights(first: Path, second: Path) -> Iterator[str]:
    before, now = load_tensors(first)[0], load_tensors(second)[0]
    other = [name for name in {**before, **now} if not _alike(before.get(name), now.get(name))]
    if not other:
        return
    comparable = [name for name in other if _shape(before, name) == _shape(now, name)]
    if len(comparable) < len(other):
        yield f"the weights are others ({', '.join(sorted(set(other) - set(comparable))[:3])})"
        return
    gaps = {name: (before[name].double() - now[name].double()).abs().max() for name in other}
    most = max(gaps, key=lambda name: float(gaps[name]))
    yield f"weights differ by at most {float(gaps[most]):.1e} ({most})"


def _content(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except OSError:
        return None


def _alike(a: torch.Tensor | None, b: torch.Tensor | None) -> bool:
    return a is not None and b is not None and a.dtype == b.dtype and torch.equal(a, b)


def _shape(tensors: Mapping[str, torch.Tensor], name: str) -> torch.Size | None:
    return tensors[name].shape if name in tensors else None


def _accuracy(test: Mapping[str, Any], name: str) -> str:
    return f"{test[name]['accuracy']:.2f}" if name in test else "missing"


def _short(revision: str | None) -> str:
    return "unknown" if revision is None else revision[:10] + revision[40:]
