"""Run folders: their files, and whether a folder belongs to a run."""

from __future__ import annotations

import contextlib
import dataclasses
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import yaml

from gopro.common.errors import GoproError
from gopro.common.files import atomic_write, expanded, is_temporary, remove_temporary
from gopro.common.localdir import located, without_folders
from gopro.common.locks import locked
from gopro.common.text import printable
from gopro.common.typed import load_yaml, settings_from
from gopro.data import Dataset, tasks
from gopro.data.fewshot import Sample, load_sample, save_sample
from gopro.training.config import TrainSettings

CONFIG = "config.yaml"
WEIGHTS = "model.safetensors"
SAMPLE = "sample.json"
DONE = "done"
LOCK = ".lock"

FREE = {
    *("resume", "verify_cache", "out", "root", "device", "workers", "eval_batch"),
    *("checkpoint_every", "logger"),
}
"""Settings that may differ when a run is resumed: the results don't depend on them."""


def default_folder(settings: TrainSettings, variant: str | None) -> Path:
    """The folder of a run without ``--out``: named after its settings, under ``runs/``."""
    dataset, _, path = settings.dataset.partition("folder:")
    if path:
        dataset = printable(expanded(path).resolve().name) or "folder"
    method = f"{settings.method}-{variant}" if variant else settings.method
    method += f"-{settings.texts.stem}" if settings.texts else ""
    backbone = without_folders(settings.backbone).replace("/", "-")
    task = "-".join((tasks.resolve(settings.task), *settings.target_names))
    task = re.sub(r"[^\w.-]+", "_", task)
    parts = (dataset, task, method, backbone)
    return Path("runs") / f"{'-'.join(parts)}-{settings.shots}shot-seed{settings.seed}"


State = Literal["new", "unfinished", "finished"]


def state(folder: Path, settings: TrainSettings, options: Any) -> State:
    """How far the run in a folder is; nothing is written.

    Args:
        folder: The run folder.
        settings: The run's settings, with all defaults filled in.
        options: The method's settings.

    Raises:
        GoproError: When the folder holds another run, or other files.
    """
    if not (folder / CONFIG).exists():
        if _holds_anything(folder):
            raise GoproError(f"{folder} holds other things; choose another --out")
        return "new"
    new, old = identity(settings, options), _located(flat(read_config(folder)))
    changed = [key for key in new if old.get(key) != new[key]]
    if changed:
        raise GoproError(
            f"{folder} holds another run ({', '.join(changed[:4])} differ); choose another --out"
        )
    return "finished" if (folder / DONE).exists() else "unfinished"


def check(folder: Path, settings: TrainSettings, options: Any) -> None:
    """Check that a run may use the folder; nothing is written. Arguments as for ``state``.

    Raises:
        GoproError: When the folder holds another run or a finished run, or an unfinished run and
            ``resume`` isn't set.
    """
    progress = state(folder, settings, options)
    if progress == "finished":
        raise GoproError(
            f"{folder} holds this very run, finished; see it with `gopro test {folder}`, or "
            "choose another --out"
        )
    if progress == "unfinished" and not settings.resume:
        raise GoproError(
            f"{folder} holds this run, unfinished; add --resume, or choose another --out"
        )


@contextlib.contextmanager
def opened(folder: Path, settings: TrainSettings, options: Any) -> Iterator[None]:
    """Make the run folder with its ``config.yaml``, or check an existing one, and lock it.

    Temporary files of a killed process are removed. Arguments as for ``state``.

    Raises:
        GoproError: See ``check``; also when the folder can't be written, or another process is
            writing this run.
    """
    busy = f"another process is writing the run in {folder}; wait for it, or choose another --out"
    check(folder, settings, options)
    with locked(folder / LOCK, busy):
        check(folder, settings, options)  # another process may have written it meanwhile
        remove_temporary(folder)
        if not (folder / CONFIG).exists():
            with atomic_write(folder / CONFIG) as temporary:
                text = yaml.safe_dump(
                    to_dict(settings, options), sort_keys=False, allow_unicode=True
                )
                temporary.write_text(text, encoding="utf-8")
        yield


def keep_sample(folder: Path, source: Dataset, sample: Sample) -> None:
    """Write the few-shot sample; for a resumed run, check that its data are still the same.

    Raises:
        GoproError: When they aren't, or the folder can't be written.
    """
    path = folder / SAMPLE
    if path.exists():
        changed = f"{folder} can't be resumed: the data set has changed since the run started"
        remedy = "restore it, or choose another --out"
        try:
            recorded = load_sample(path, source)
        except GoproError as error:
            raise GoproError(f"{changed} ({error}); {remedy}") from error
        if recorded != sample:
            raise GoproError(f"{changed} (the same seed draws other pictures); {remedy}")
    save_sample(path, sample)


def read_config(folder: Path) -> dict[str, Any]:
    """The settings of a run as plain data.

    Raises:
        GoproError: When the folder is no run folder, or its config is damaged.
    """
    path = folder / CONFIG
    try:
        config = load_yaml(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise GoproError(f"{folder} is no run folder ({CONFIG} is missing)") from error
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise GoproError(f"{path} is damaged; train again into another --out") from error
    if not isinstance(config, dict) or not isinstance(config.get("method"), str):
        raise GoproError(f"{path} is damaged; train again into another --out")
    return config


def read_settings(folder: Path) -> tuple[TrainSettings, Any]:
    """The settings of a run and of its method.

    Raises:
        GoproError: When they can't be read, or this version doesn't have such settings.
    """
    from gopro.methods import find

    raw = read_config(folder)
    options = raw.pop(raw["method"], {})
    kind = find(raw["method"]).Settings
    try:
        return settings_from(TrainSettings, raw), settings_from(kind, options)
    except (TypeError, AttributeError) as error:
        raise GoproError(
            f"{folder / CONFIG} was written by another version of gopro ({error}); train again"
        ) from error


def finished(folders: Sequence[Path]) -> list[Path]:
    """The finished run folders among the given folders and at any depth inside them.

    What a run folder holds belongs to that run, such as its repetition: it is left out, unless it
    was given itself.

    Raises:
        GoproError: When a folder is missing or holds no finished run.
    """
    runs: list[Path] = []
    for folder in folders:
        marked = {path.parent for path in folder.rglob(DONE) if path.is_file()}
        inside = sorted(path for path in marked if marked.isdisjoint(path.parents))
        if not inside:
            raise GoproError(f"{folder} holds no finished run; wanted a folder of `gopro train`")
        runs += [path for path in inside if path not in runs]
    return runs


def to_dict(settings: TrainSettings, options: Any) -> dict[str, Any]:
    """Settings as plain data, those of the method under its name."""
    plain = dataclasses.asdict(settings)
    plain[settings.method] = dataclasses.asdict(options)
    return {key: _plain(value) for key, value in plain.items()}


def identity(settings: TrainSettings, options: Any) -> dict[str, Any]:
    """The settings that the results depend on, by dotted name; two runs differ if these differ."""
    rows = flat(to_dict(settings, options))
    return {key: value for key, value in rows.items() if key.partition(".")[0] not in FREE}


def _located(rows: dict[str, Any]) -> dict[str, Any]:
    """Recorded settings with whole paths, as resolved settings have; older runs have others."""
    whole: dict[str, Callable[[str], str]] = {
        "backbone": located,
        f"{rows['method']}.teacher": lambda path: str(expanded(path).absolute()),
    }
    paths = {name: rows[name] for name in whole if isinstance(rows.get(name), str)}
    return rows | {name: whole[name](path) for name, path in paths.items()}


def _plain(value: Any) -> Any:
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, dict):
        return {key: _plain(inner) for key, inner in value.items()}
    return list(value) if isinstance(value, tuple) else value


def _holds_anything(folder: Path) -> bool:
    try:
        if not folder.is_dir():
            return folder.exists()
        # temporary files and a lock are left by a killed run
        return not all(is_temporary(path) or path.name == LOCK for path in folder.iterdir())
    except OSError as error:
        raise GoproError(
            f"can't read {folder} ({error.strerror or error}); choose another --out"
        ) from error


def flat(tree: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Nested settings as one level, with dotted names."""
    rows: dict[str, Any] = {}
    for key, value in tree.items():
        if isinstance(value, Mapping):
            rows.update(flat(value, f"{prefix}{key}."))
        else:
            rows[f"{prefix}{key}"] = value
    return rows
