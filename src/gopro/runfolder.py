"""Where a run keeps its things, and how it is told from another run's folder."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from gopro.config import TrainSettings
from gopro.errors import GoproError
from gopro.files import atomic_write
from gopro.views_settings import ViewSettings

CONFIG = "config.yaml"
WEIGHTS = "model.safetensors"
RESULTS = "results.json"
PREDICTIONS = "predictions.json"
SAMPLE = "sample.json"
DONE = "done"

# What may differ between a run and its continuation: no number in the result depends on it
_FREE = {"resume", "out", "root", "device", "workers", "eval_batch", "checkpoint_every"}


def default_folder(settings: TrainSettings, variant: str | None) -> Path:
    """A folder name made from the settings, under ``runs/``."""
    dataset = settings.dataset.replace("folder:", "").rstrip("/").rpartition("/")[2] or "folder"
    method = f"{settings.method}-{variant}" if variant else settings.method
    task = "-".join((settings.task, *settings.target_names))
    task = re.sub(r"[^\w.-]+", "_", task)
    name = (dataset, task, method, settings.backbone.replace("/", "-"))
    return Path("runs") / f"{'-'.join(name)}-{settings.shots}shot-seed{settings.seed}"


def open_folder(folder: Path, settings: TrainSettings, options: Any) -> None:
    """Make or check the run folder and write its ``config.yaml``.

    Args:
        folder: The run folder.
        settings: Of the run, every default filled in.
        options: The method's settings.

    Raises:
        GoproError: When the folder holds another run, a finished one, or an unfinished one that
            wasn't asked to be resumed.
    """
    config = to_dict(settings, options)
    if (folder / CONFIG).exists():
        old = read_config(folder)
        changed = [key for key in _flat(config) if _flat(old).get(key) != _flat(config)[key]]
        changed = [key for key in changed if key.partition(".")[0] not in _FREE]
        if changed:
            raise GoproError(
                f"{folder} holds another run ({', '.join(changed[:4])} differ); "
                "choose another --out"
            )
        if (folder / DONE).exists():
            raise GoproError(
                f"{folder} holds this very run, finished; see it with `gopro test {folder}`, or "
                "choose another --out"
            )
        if not settings.resume:
            raise GoproError(
                f"{folder} holds this run, unfinished; add --resume, or choose another --out"
            )
        return
    if folder.is_file() or (folder.is_dir() and any(folder.iterdir())):
        raise GoproError(f"{folder} holds other things; choose another --out")
    with atomic_write(folder / CONFIG) as temporary:
        text = yaml.safe_dump(config, sort_keys=False, allow_unicode=True)
        temporary.write_text(text, encoding="utf-8")


def read_config(folder: Path) -> dict[str, Any]:
    """The settings of a run as written.

    Raises:
        GoproError: When the folder is no run folder, or its config is damaged.
    """
    path = folder / CONFIG
    try:
        found = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise GoproError(f"{folder} is no run folder ({CONFIG} is missing)") from error
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise GoproError(f"{path} is damaged; train again into another --out") from error
    if not isinstance(found, dict) or not isinstance(found.get("method"), str):
        raise GoproError(f"{path} is damaged; train again into another --out")
    return found


def read_settings(folder: Path) -> tuple[TrainSettings, Any]:
    """The settings of a run, and its method's, as they were.

    Raises:
        GoproError: When they can't be read, or name things this version doesn't have.
    """
    from gopro.methods import find

    raw = read_config(folder)
    options = raw.pop(raw["method"], {})
    kind = find(raw["method"]).Settings
    try:
        views: Any = {
            k: tuple(v) if isinstance(v, list) else v for k, v in raw.pop("views").items()
        }
        for name in ("root", "out"):
            raw[name] = Path(raw[name]) if raw[name] is not None else None
        settings = TrainSettings(**raw, views=ViewSettings(**views))
        return settings, kind(
            **{k: tuple(v) if isinstance(v, list) else v for k, v in options.items()}
        )
    except (TypeError, KeyError, AttributeError) as error:
        raise GoproError(
            f"{folder / CONFIG} was written by another version of gopro ({error}); train again"
        ) from error


def finished(folders: Sequence[Path]) -> list[Path]:
    """The finished run folders among these and directly or deeper inside them.

    Raises:
        GoproError: When a folder is missing or holds no finished run.
    """
    found: list[Path] = []
    for folder in folders:
        inside = sorted(path.parent for path in folder.rglob(DONE) if path.is_file())
        if not inside:
            raise GoproError(f"{folder} holds no finished run; wanted a folder of `gopro train`")
        found += [path for path in inside if path not in found]
    return found


def to_dict(settings: TrainSettings, options: Any) -> dict[str, Any]:
    """Settings as plain data, the method's under its name."""
    plain = dataclasses.asdict(settings)
    plain[settings.method] = dataclasses.asdict(options)
    return {key: _plain(value) for key, value in plain.items()}


def _plain(value: Any) -> Any:
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, dict):
        return {key: _plain(inner) for key, inner in value.items()}
    return list(value) if isinstance(value, tuple) else value


def _flat(tree: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    rows: dict[str, Any] = {}
    for key, value in tree.items():
        if isinstance(value, dict):
            rows.update(_flat(value, f"{prefix}{key}."))
        else:
            rows[prefix + key] = value
    return rows
