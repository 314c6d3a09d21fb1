"""Optimise, quantise and open an exported ONNX file, with onnxruntime."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

_CPU = "CPUExecutionProvider"
_LEAST = 32  # values per channel; weights with fewer (depthwise convolutions) save little


def fold(source: Path, path: Path) -> None:
    """Fold constants, such as the transposed weights that tracing leaves, and merge equal weights.

    Reads ``source`` and writes ``path``. Quantisation finds most weights only after this step.
    """
    import onnxruntime

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
    """Store weights as 8-bit integers, with a scale per output channel, or row of an embedding.

    These are the weights of convolutions, matrix products and embeddings with at least ``_LEAST``
    values per channel. onnxruntime computes the float32 weights once, when it opens the file, so
    that a call takes as long as before.
    """
    import onnx
    from onnx import helper, numpy_helper

    model = onnx.load(str(path))
    graph = model.graph
    axes = {name: axis for node in graph.node for name, axis in _channel_axes(node)}
    restoring = []
    for weight in list(graph.initializer):
        name = weight.name
        if name not in axes or weight.data_type != onnx.TensorProto.FLOAT or len(weight.dims) < 2:
            continue
        values = numpy_helper.to_array(weight)
        channels = axes[name] % values.ndim
        if values.size < _LEAST * max(values.shape[channels], 1) or not np.isfinite(values).all():
            continue
        others = tuple(axis for axis in range(values.ndim) if axis != channels)
        largest = np.abs(values).max(axis=others, keepdims=True)
        scale = np.maximum(largest / 127, np.finfo(np.float32).tiny)
        integers = np.rint(values / scale).astype(np.int8)
        graph.initializer.remove(weight)
        graph.initializer.append(numpy_helper.from_array(integers, f"{name}_int8"))
        graph.initializer.append(numpy_helper.from_array(scale, f"{name}_scale"))
        restoring += [
            helper.make_node("Cast", [f"{name}_int8"], [f"{name}_cast"], to=onnx.TensorProto.FLOAT),
            helper.make_node("Mul", [f"{name}_cast", f"{name}_scale"], [name]),
        ]
    for node in reversed(restoring):
        graph.node.insert(0, node)
    onnx.save(model, str(path))


def _channel_axes(node: Any) -> Iterator[tuple[str, int]]:
    """The inputs of a node that may be weights, with the axis of their output channels."""
    if node.op_type in ("Conv", "Gather"):
        yield node.input[1 if node.op_type == "Conv" else 0], 0
    elif node.op_type == "MatMul":
        yield node.input[0], -2
        yield node.input[1], -1
    elif node.op_type == "Gemm":
        transposed = any(a.name == "transB" and a.i == 1 for a in node.attribute)
        yield node.input[1], 0 if transposed else 1


def session(path: Path) -> Any:
    """An onnxruntime session for the file, on the cpu."""
    import onnxruntime

    return onnxruntime.InferenceSession(str(path), _silent(), providers=[_CPU])


def _silent() -> Any:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    return options
