"""Optimise, quantise and open an exported ONNX file, with onnxruntime."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

_CPU = "CPUExecutionProvider"


def fold(path: Path) -> None:
    """Fold constants, such as the transposed weights that tracing leaves, and merge equal weights.

    Quantisation finds most weights only after this step.
    """
    import onnxruntime

    with _moved_aside(path) as source:
        options = _silent()
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
        options.optimized_model_filepath = str(path)
        onnxruntime.InferenceSession(str(source), options, providers=[_CPU])
    _merge_equal_weights(path)


def _merge_equal_weights(path: Path) -> None:
    """Store equal weights once: the text encoder's appear for several parts of a prompt."""
    import onnx

    model = onnx.load(str(path))
    first: dict[tuple[Any, ...], str] = {}
    renamed: dict[str, str] = {}
    for weight in list(model.graph.initializer):
        name = first.setdefault((weight.data_type, *weight.dims, weight.raw_data), weight.name)
        if name != weight.name and weight.raw_data:
            renamed[weight.name] = name
            model.graph.initializer.remove(weight)
    for node in model.graph.node:
        for index, name in enumerate(node.input):
            node.input[index] = renamed.get(name, name)
    onnx.save(model, str(path))


def quantise(path: Path) -> None:
    """Store the weights of matrix products as 8-bit integers (dynamic quantisation)."""
    from onnxruntime.quantization import QuantType, quantize_dynamic

    with _moved_aside(path) as source:
        quantize_dynamic(source, path, weight_type=QuantType.QInt8)


@contextlib.contextmanager
def _moved_aside(path: Path) -> Iterator[Path]:
    """Move a file aside while a new version is written under its name; then delete the old one."""
    aside = path.with_name(f"{path.name}.before")
    path.rename(aside)
    try:
        yield aside
    finally:
        aside.unlink(missing_ok=True)


def session(path: Path) -> Any:
    """An onnxruntime session for the file, on the cpu."""
    import onnxruntime

    return onnxruntime.InferenceSession(str(path), _silent(), providers=[_CPU])


def _silent() -> Any:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    return options
