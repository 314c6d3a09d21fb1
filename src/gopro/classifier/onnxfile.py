"""An ONNX file after tracing, with onnxruntime: folded, quantised, run."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

_CPU = "CPUExecutionProvider"


def fold(path: Path) -> None:
    """Compute what depends on weights alone, such as the transposed ones that tracing leaves, and
    keep what is equal once. Without it 8-bit weights would be found in few places.
    """
    import onnxruntime

    with _replaced(path) as whole:
        options = _silent()
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
        options.optimized_model_filepath = str(path)
        onnxruntime.InferenceSession(str(whole), options, providers=[_CPU])
    _share(path)


def _share(path: Path) -> None:
    """Store equal weights once: the text tower's serve the start of a prompt and its names."""
    import onnx

    model = onnx.load(str(path))
    first: dict[tuple[Any, ...], str] = {}
    same: dict[str, str] = {}
    for weight in list(model.graph.initializer):
        kept = first.setdefault((weight.data_type, *weight.dims, weight.raw_data), weight.name)
        if kept != weight.name and weight.raw_data:
            same[weight.name] = kept
            model.graph.initializer.remove(weight)
    for node in model.graph.node:
        for place, name in enumerate(node.input):
            node.input[place] = same.get(name, name)
    onnx.save(model, str(path))


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
