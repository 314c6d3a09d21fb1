"""A fit that was stopped: what its checkpoint belongs to."""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from torch import Tensor

from gopro.classifier.choice import Choice
from gopro.classifier.fitinputs import FitInputs
from gopro.classifier.modelfiles import ABOUT, FIT
from gopro.common.errors import GoproError
from gopro.common.files import remove_temporary, write_json
from gopro.methods.base import Recipe
from gopro.results.results_json import texts_of
from gopro.training.trainer import CHECKPOINT, METRICS

_CHOICE = "choice.json"
_RETURNED = "returned"


def check(folder: Path, inputs: FitInputs, recipe: Recipe | None, pixels: Tensor) -> None:
    """Check that a checkpoint folder belongs to this fit; a new folder is marked as this fit's.

    So is the folder of another fit that has returned, whose files are removed.

    Args:
        folder: The folder; created if needed.
        inputs: The fit's.
        recipe: The fit's; None where the method is not chosen yet.
        pixels: The training pictures, uint8 [N, 3, S, S].

    Raises:
        GoproError: When it belongs to a fit with other settings or pictures, or can't be written.
    """
    path, ours = folder / FIT, _identity(inputs, recipe, pixels)
    try:
        theirs: Any = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        theirs = None
    except (OSError, ValueError) as error:
        raise GoproError(f"{path} is damaged; remove {folder} to start again") from error
    if theirs not in (None, ours) and (folder / _RETURNED).exists():
        remove(folder)
        theirs = None
    (folder / _RETURNED).unlink(missing_ok=True)
    if theirs is None:
        write_json(path, ours)
    elif theirs != ours:
        changed = [
            name for name in ours if not isinstance(theirs, dict) or theirs.get(name) != ours[name]
        ]
        # beside a saved classifier, ``gopro fit`` doesn't start again
        again = "" if (folder.parent / ABOUT).exists() else "remove it to start again, or "
        raise GoproError(
            f"{folder} holds a fit that was stopped, with other {', '.join(changed)}; {again}"
            "choose another folder (--out)"
        )


@contextlib.contextmanager
def begun(folder: Path) -> Iterator[None]:
    """Around a command's fit: what it leaves before it has learned anything is in nobody's way.

    Args:
        folder: Of the checkpoint. No other process may be using it.

    Raises:
        KeyboardInterrupt: After Ctrl-C; it says whether anything was kept.
    """
    _remove_if_empty(folder)
    try:
        yield
    except KeyboardInterrupt as stop:
        kept = "nothing was kept" if _is_empty(folder) else "the same command continues"
        raise KeyboardInterrupt(str(stop) or f"stopped; {kept}") from stop
    finally:
        _remove_if_empty(folder)


def has_learned(folder: Path) -> bool:
    """Whether a checkpoint folder has something that a fit continues from."""
    return any((folder / name).exists() for name in (CHECKPOINT, _CHOICE))


def _is_empty(folder: Path) -> bool:
    """Whether a command's fit has learned nothing and saved no classifier yet."""
    return not has_learned(folder) and not (folder.parent / ABOUT).exists()


def _remove_if_empty(folder: Path) -> None:
    if _is_empty(folder):
        remove(folder)


def returned(folder: Path) -> None:
    """Mark a fit as returned: another one may have its folder."""
    with contextlib.suppress(OSError):  # without the mark it counts as stopped
        (folder / _RETURNED).touch()


def reopen(folder: Path) -> None:
    """Take the mark of ``returned`` back, where more than ``fit`` belongs to the work."""
    (folder / _RETURNED).unlink(missing_ok=True)


def remove(folder: Path) -> None:
    """Remove a fit's files, as far as that may be done, and the folder if it holds nothing else."""
    with contextlib.suppress(OSError):
        # a checkpoint that is left alone would be taken for that of the next fit
        for name in (CHECKPOINT, METRICS, _CHOICE, FIT, _RETURNED):
            (folder / name).unlink(missing_ok=True)
        remove_temporary(folder)
        folder.rmdir()


def choice(folder: Path) -> Choice | None:
    """The choice that a stopped fit has kept, if it got that far.

    Raises:
        GoproError: When the file is damaged.
    """
    path = folder / _CHOICE
    try:
        return Choice.of_dict(json.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise GoproError(f"{path} is damaged; remove {folder} to start again") from error


def keep(folder: Path, choice: Choice) -> None:
    """Keep a choice for ``choice``."""
    write_json(folder / _CHOICE, choice.as_dict())


def _identity(inputs: FitInputs, recipe: Recipe | None, pixels: Tensor) -> dict[str, str]:
    """What the weights depend on, each as text or as a SHA-256 (hex)."""
    settings = inputs.settings
    return {
        "method": settings.method,
        "settings": repr(
            (dataclasses.asdict(inputs.options), recipe and dataclasses.asdict(recipe))
        ),
        "texts": repr(texts_of(inputs.options)),
        "seed": repr((settings.seed, settings.select, settings.precision)),
        "backbone": inputs.shared.checksum,
        "class names": repr(inputs.class_names),
        "pictures": hashlib.sha256(pixels.numpy().tobytes()).hexdigest(),
        "labels": hashlib.sha256(repr(inputs.truth).encode()).hexdigest(),
    }
