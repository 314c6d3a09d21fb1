"""One training in several processes: each takes its share of every step's images.

The first process resolves the run before it starts the others. They receive its decisions, so all
of them have the same folder, precision and recipe. They exchange data in three places: the
contrastive loss takes its negatives from all processes, gradients are averaged, and all stop at
the same step. So N processes do what one does with the same batch, to rounding, but for methods
with batch normalisation or dropout (docs/benchmark.md names them). The first process keeps the
run folder; the others work in a temporary copy and exit after training.

Fabric starts the processes, or ``torchrun`` has started them. The averaging is our own
(``common/distributed.py``): DistributedDataParallel averages only the first backward pass after a
forward pass, and ProGrad combines the averaged gradients of two.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from gopro.common.errors import GoproError
from gopro.results.runfolder import LOCK
from gopro.runs.resolve import ResolvedRun, resolve
from gopro.training.config import TrainSettings


def resolve_in_first_process(settings: TrainSettings, options: Any) -> ResolvedRun | None:
    """Resolve the run; None in a process that receives the first one's decisions.

    Raises:
        GoproError: As ``resolve``.
    """
    rank = int(os.environ.get("RANK", os.environ.get("LOCAL_RANK", "0")))
    return resolve(settings, options) if rank == 0 or _alone(settings) else None


def _local_processes(settings: TrainSettings) -> int:
    return int(os.environ.get("LOCAL_WORLD_SIZE", settings.processes))


def _alone(settings: TrainSettings) -> bool:
    return _local_processes(settings) == 1 == int(os.environ.get("WORLD_SIZE", "1"))


@contextlib.contextmanager
def launch(settings: TrainSettings, resolved: ResolvedRun | None) -> Iterator[ResolvedRun]:
    """Start the other processes of a run, or join them when this is one of them.

    Fabric starts them as this command with the same arguments; under ``torchrun`` they are
    already there.

    Args:
        settings: As this process reads them from the command line.
        resolved: From ``resolve_in_first_process``.

    Yields:
        The run for this process: its device, and a folder of its own for all but the first one.

    Raises:
        GoproError: When the processes can't have one device each.
    """
    if resolved and _alone(settings):
        yield resolved
        return
    from lightning_fabric import Fabric

    local = _local_processes(settings)
    kind = _kind(settings.device, local)
    nodes = max(1, int(os.environ.get("WORLD_SIZE", local)) // local)
    fabric = Fabric(accelerator=kind, devices=local, num_nodes=nodes, strategy="ddp")
    fabric.launch()
    # not the plan: a data set may hold open files, so each process reads its own
    decisions: Any = resolved and (resolved.settings, resolved.options, resolved.folder)
    settings, options, folder = fabric.broadcast(decisions)
    device = torch.device(kind, fabric.local_rank) if kind == "cuda" else torch.device(kind)
    if resolved and fabric.global_rank == 0:
        yield replace(resolved, device=device)
        return
    with (
        tempfile.TemporaryDirectory(prefix="gopro-") as name,
        open(os.devnull, "w", encoding="utf-8") as nowhere,  # noqa: PTH123 - no file of a folder
        contextlib.redirect_stdout(nowhere),
        contextlib.redirect_stderr(nowhere),
    ):
        copy = Path(name) / "run"
        if settings.resume and folder.exists():
            # without what the first process removes, is writing or holds
            shutil.copytree(folder, copy, ignore=shutil.ignore_patterns(".*.tmp", LOCK))
        own = replace(settings, out=copy, logger=None)  # the first process logs for all
        try:
            yield replace(resolve(own, options), device=device)
        except KeyboardInterrupt as stop:  # all have saved; the first process says so
            raise SystemExit(0) from stop
        except GoproError as error:
            raise SystemExit(2) from error


def _kind(device: str, local: int) -> str:
    """cuda or cpu.

    Raises:
        GoproError: For one device by name, or fewer GPUs than processes.
    """
    gpus = torch.cuda.device_count()
    if device == "cpu" or (device == "auto" and gpus == 0):
        return "cpu"
    if device not in ("auto", "cuda"):
        raise GoproError(
            f"got --device {device} and {local} processes; wanted auto, cuda or cpu with several"
        )
    if gpus < local:
        raise GoproError(
            f"got {local} processes and {gpus} GPUs here; lower --processes, or use --device cpu"
        )
    return "cuda"
