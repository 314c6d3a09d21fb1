"""Weights of an ONNX file as 8-bit integers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

onnx = pytest.importorskip("onnx", reason="the extra `export` isn't installed")
pytest.importorskip("onnxruntime", reason="the extra `export` isn't installed")


def write(
    path: Path, kind: str, weight: np.ndarray, shape: tuple[int, ...], **options: int
) -> None:
    """A graph of one node: ``y = kind(x, weight)``."""
    from onnx import TensorProto, helper, numpy_helper

    graph = helper.make_graph(
        [helper.make_node(kind, ["x", "w"], ["y"], **options)],
        "one",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
        [numpy_helper.from_array(weight, "w")],
    )
    opset = [helper.make_opsetid("", 17)]
    onnx.save(helper.make_model(graph, opset_imports=opset, ir_version=8), str(path))


@pytest.mark.parametrize(
    ("kind", "weight", "shape", "options", "channels"),
    [
        ("MatMul", (40, 30), (2, 40), {}, 1),
        ("Gemm", (40, 30), (2, 40), {}, 1),
        ("Gemm", (30, 40), (2, 40), {"transB": 1}, 0),
        ("Conv", (32, 4, 3, 3), (1, 4, 8, 8), {}, 0),
    ],
)
def test_each_channel_has_its_scale(
    tmp_path: Path,
    kind: str,
    weight: tuple[int, ...],
    shape: tuple[int, ...],
    options: dict[str, int],
    channels: int,
) -> None:
    from gopro.classifier import onnxfile

    dice = np.random.default_rng(0)
    values = dice.normal(size=weight).astype(np.float32)
    # channels of very different size; the first one is empty
    rows = np.moveaxis(values, channels, 0)
    rows *= np.geomspace(1e-3, 1e3, len(rows), dtype=np.float32).reshape(-1, *(rows.ndim - 1) * [1])
    rows[0] = 0
    expected = np.zeros_like(rows)
    for row, rounded in zip(rows[1:], expected[1:], strict=True):
        step = np.abs(row).max() / 127
        rounded[:] = np.round(row / step) * step
    picture = dice.normal(size=shape).astype(np.float32)
    write(tmp_path / "a.onnx", kind, values, shape, **options)
    write(tmp_path / "b.onnx", kind, np.moveaxis(expected, 0, channels), shape, **options)
    size = (tmp_path / "a.onnx").stat().st_size
    onnxfile.quantise(tmp_path / "a.onnx")
    answers = [
        onnxfile.session(tmp_path / name).run(None, {"x": picture})[0]
        for name in ("a.onnx", "b.onnx")
    ]
    np.testing.assert_allclose(*answers, rtol=1e-4, atol=1e-5)
    assert (tmp_path / "a.onnx").stat().st_size < 0.6 * size


def test_depthwise_convolutions_stay(tmp_path: Path) -> None:
    from gopro.classifier import onnxfile

    weight = np.ones((128, 1, 3, 3), dtype=np.float32)
    write(tmp_path / "a.onnx", "Conv", weight, (1, 128, 8, 8), group=128)
    before = onnx.load(str(tmp_path / "a.onnx"))
    onnxfile.quantise(tmp_path / "a.onnx")
    assert onnx.load(str(tmp_path / "a.onnx")) == before
