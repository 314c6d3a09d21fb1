"""The optional files of a saved classifier: how each is written, read and checked."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gopro.classifier.confidence.calibration import Calibration
from gopro.classifier.examples import Examples
from gopro.classifier.modelfiles import CALIBRATION, EXAMPLES, FITTED, TEXTS
from gopro.common.errors import GoproError
from gopro.common.files import file_sha256
from gopro.common.tensors import load_tensors, save_tensors
from gopro.data.fingerprint import Fingerprints
from gopro.data.texts import load_texts, save_texts


@dataclass(frozen=True)
class Part:
    """A file that a model may have."""

    file: str
    use: str
    save: Callable[[Any, Path], None]
    load: Callable[[Path], Any]


def _save_prints(prints: Fingerprints, path: Path) -> None:
    save_tensors(path, vars(prints), {"what": "fingerprints of the training pictures"})


def _load_prints(path: Path) -> Fingerprints:
    return Fingerprints(**load_tensors(path)[0])


PARTS = {
    "examples": Part(EXAMPLES, "explanations", Examples.save, Examples.load),
    "fitted": Part(FITTED, "recognising pictures", _save_prints, _load_prints),
    "calibration": Part(CALIBRATION, "calibrated shares", Calibration.save, Calibration.load),
    "texts": Part(TEXTS, "sentences about classes", save_texts, load_texts),
}
"""The optional files by the name of their field."""


def unchanged(path: Path, sha256: str | None, use: str) -> Path | None:
    """The path of an optional file; None if it is missing.

    Raises:
        GoproError: When the file isn't the saved one.
    """
    if sha256 is None or not path.exists():
        return None
    if file_sha256(path) != sha256:
        raise GoproError(
            f"{path} isn't the file that was saved (its checksum differs); remove it (it is "
            f"only for {use}), or copy the whole folder again"
        )
    return path
