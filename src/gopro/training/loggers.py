"""Other places for metrics than ``metrics.jsonl``: Fabric's loggers, by name."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gopro.common.errors import GoproError

if TYPE_CHECKING:
    from lightning_fabric.loggers.logger import Logger  # slow to load

FOLDER = "logs"
"""In the run folder; holds a folder for each logger that writes files."""


@contextlib.contextmanager
def opened(names: Sequence[str], folder: Path, config: Mapping[str, Any]) -> Iterator[list[Logger]]:
    """Loggers for a training; they are closed when it ends or fails.

    Files of an interrupted run are removed and written again from its checkpoint's epochs.

    Args:
        names: Some of csv, tensorboard and wandb.
        folder: The run folder.
        config: The settings, for a logger that shows them.

    Raises:
        GoproError: When a logger's package is missing or doesn't start.
    """
    made: list[Logger] = []
    status = "failed"
    try:
        for name in names:
            shutil.rmtree(folder / FOLDER / name, ignore_errors=True)
            made.append(_make(name, folder, config))
        yield made
        status = "success"
    finally:
        for logger in made:
            logger.finalize(status)


def log_row(loggers: Sequence[Logger], row: Mapping[str, Any]) -> None:
    """Give an epoch's row of metrics to the loggers."""
    metrics = {name: value for name, value in row.items() if name != "epoch"}
    for logger in loggers:
        logger.log_metrics(metrics, row["epoch"])


def _make(name: str, folder: Path, config: Mapping[str, Any]) -> Logger:
    try:
        if name == "csv":
            from lightning_fabric.loggers.csv_logs import CSVLogger

            return CSVLogger(folder / FOLDER, name, version="", flush_logs_every_n_steps=1)
        if name == "tensorboard":
            from lightning_fabric.loggers.tensorboard import TensorBoardLogger

            return TensorBoardLogger(folder / FOLDER, name, version="")
        return _wandb(folder, config)
    except ModuleNotFoundError as error:
        raise GoproError(
            f"--logger {name} needs a package that isn't here ({error.name}); install it with "
            "pip install 'gopro-clip[log]'"
        ) from error


def _wandb(folder: Path, config: Mapping[str, Any]) -> Logger:
    """Fabric has no logger for Weights & Biases; this is one by its interface."""
    import wandb
    from lightning_fabric.loggers.logger import Logger

    class WandbLogger(Logger):
        def __init__(self) -> None:
            self.run = wandb.init(
                project="gopro", name=folder.name, dir=str(folder), config=dict(config)
            )

        @property
        def name(self) -> str:
            return "wandb"

        @property
        def version(self) -> str:
            return str(self.run.id)

        def log_metrics(self, metrics: dict[str, float], step: int | None = None) -> None:
            self.run.log(metrics, step=step)

        def log_hyperparams(self, params: Any, *args: Any, **kwargs: Any) -> None:
            config: Any = self.run.config
            config.update(params)

        def finalize(self, status: str) -> None:
            self.run.finish(exit_code=int(status != "success"))

    try:
        return WandbLogger()
    except Exception as error:  # wandb has many ways to fail: no key, no network, no server
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0][:160]
        raise GoproError(
            f"--logger wandb doesn't start ({reason}); log in with `wandb login`, or set "
            "WANDB_MODE=offline"
        ) from error
