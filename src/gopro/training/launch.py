"""One training over several processes: each takes its part of every step's images.

Every process makes the same run from the same seed, and sees what the others do in three places
alone: the contrastive loss takes its negatives from all of them, gradients are averaged, and they
agree on when to stop. So N processes do what one does with the same batch, to rounding. The first
one keeps the run folder; the others work in a temporary one and leave after training.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import torch

from gopro.common.errors import GoproError
from gopro.training.config import TrainSettings


@contextlib.contextmanager
def crew(settings: TrainSettings, folder: Path) -> Iterator[TrainSettings]:
    """Start the other processes of a run, or join them when this is one of them.

    They are started by Fabric, as this command with the same arguments; under ``torchrun`` they
    are there already.

    Args:
        settings: Of the run.
        folder: Its run folder.

    Yields:
        The settings for this process.

    Raises:
        GoproError: When the device can't be shared so.
    """
    local = int(os.environ.get("LOCAL_WORLD_SIZE", settings.processes))
    if local == 1 and int(os.environ.get("WORLD_SIZE", 1)) == 1:
        yield settings
        return
    from lightning_fabric import Fabric

    kind = _kind(settings.device, local)
    nodes = max(1, int(os.environ.get("WORLD_SIZE", local)) // local)
    fabric = Fabric(accelerator=kind, devices=local, num_nodes=nodes, strategy="ddp")
    fabric.launch()
    device = f"cuda:{fabric.local_rank}" if kind == "cuda" else "cpu"
    settings = replace(settings, device=device)
    if fabric.global_rank == 0:
        yield settings
        return
    with (
        tempfile.TemporaryDirectory(prefix="gopro-") as name,
        open(os.devnull, "w", encoding="utf-8") as nowhere,  # noqa: PTH123 - no file of a folder
        contextlib.redirect_stdout(nowhere),
        contextlib.redirect_stderr(nowhere),
    ):
        copy = Path(name) / "run"
        if settings.resume and folder.exists():
            # the first process removes such files, or is writing them
            shutil.copytree(folder, copy, ignore=shutil.ignore_patterns(".*.tmp"))
        try:
            yield replace(settings, out=copy)
        except KeyboardInterrupt as stop:  # all have saved: the first one says so
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
