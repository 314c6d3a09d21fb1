"""An ONNX file after tracing, with onnxruntime: folded, quantised, run."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

_CPU = "CPUExecutionProvider"


def fold(path: Path) -> None:
    """Compute what depends on weights alone, such as the transposed ones that tracing leaves.

    Without it 8-bit weights would be found in few places, and some weights be there twice.
    """
    import onnxruntime

    with _replaced(path) as whole:
        options = _silent()
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
        options.optimized_model_filepath = str(path)
        onnxruntime.InferenceSession(str(whole), options, providers=[_CPU])


def quantise(path: Path) -> None:
    """Store the weights of matrix products as 8-bit integers (dynamic quantisation)."""
    from onnxruntime.quantization import QuantType, quantize_dynamic

    with _replaced(path) as whole:
        quantize_dynamic(whole, path, weight_type=QuantType.QInt8)


@contextlib.contextmanager
def _replaced(path: Path) -> Iterator[Path]:
    """Move a file aside for a while, for another of its name to be made from it."""
    aside = path.with_name(f"{path.name}.before")
    path.rename(aside)
    try:
        yield aside
    finally:
        aside.unlink(missing_ok=True)


def session(path: Path) -> Any:
    """Open for running, on the cpu."""
    import onnxruntime

    return onnxruntime.InferenceSession(str(path), _silent(), providers=[_CPU])


def _silent() -> Any:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    return options
