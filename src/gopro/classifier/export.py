"""A classifier as an ONNX file: picture in, probabilities out, for a fixed list of classes.

The graph is the exact way from pixels to probabilities. What doesn't depend on the picture (the
text embeddings of most methods) is computed once and stored; where prompts depend on the picture,
the text tower is in the graph, for a fixed number of pictures per call.
"""

from __future__ import annotations

import contextlib
import copy
import json
import logging
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from gopro.backbones import Backbone, Prompts
from gopro.classifier import onnxfile
from gopro.classifier.predictor import Predictor
from gopro.common.errors import GoproError
from gopro.common.files import atomic_write
from gopro.common.version import __version__
from gopro.data.images import to_array
from gopro.methods.base import Method

OPSET = 17
TOLERANCE = 1e-4
"""Largest difference of a probability that a float32 file may show."""

Pixels = Literal["float", "uint8"]


@dataclass(frozen=True)
class Exported:
    """What was written, and how near it is to the classifier, measured in onnxruntime.

    Attributes:
        path: The file.
        bytes: Its size.
        batch: Pictures per call; None for any number.
        pictures: How many it was measured on.
        difference: The largest difference of a probability.
        agreeing: On how many of them the most likely class is the same.
    """

    path: Path
    bytes: int
    batch: int | None
    pictures: int
    difference: float
    agreeing: int


def export(
    classifier: Predictor,
    path: Path,
    *,
    int8: bool = False,
    batch: int = 1,
    pixels: Pixels = "float",
) -> Exported:
    """Write a classifier as ONNX.

    Args:
        classifier: Fitted, on the cpu, in fp32.
        path: The file.
        int8: Store the weights of matrix products as 8-bit integers (dynamic quantisation).
        batch: Pictures per call, where prompts depend on the picture; else it is any number.
        pixels: "float" for input in [0, 1], "uint8" for 0 to 255.

    Raises:
        GoproError: When the extra isn't installed, the file can't be written, or the file's answers
            differ from the classifier's by more than ``TOLERANCE`` in float32.
    """
    _need_extra()
    classifier.check_fitted()
    method = classifier.method_
    if method.backbone.device.type != "cpu" or method.backbone.dtype != torch.float32:
        raise GoproError("an export is made on the cpu in fp32; load with device='cpu' and so")
    graph = Graph(method, pixels, max(2, batch))
    fixed = batch if graph.conditioned else None
    sample = _sample(classifier, pixels, batch)
    with atomic_write(path) as temporary:
        _write(graph, sample[:batch], temporary, fixed)
        onnxfile.fold(temporary)
        _describe(temporary, classifier, pixels, fixed)
        if int8:
            with _quiet():
                onnxfile.quantise(temporary)
        found = _compare(temporary, graph, sample, batch)
        difference = float(np.abs(found[0] - found[1]).max())
        if not int8 and not difference <= TOLERANCE:
            raise GoproError(
                f"onnxruntime's probabilities differ by {difference:.2g} from the classifier's, "
                f"more than {TOLERANCE:g}; this combination of versions can't be exported"
            )
        same = int((found[0].argmax(axis=1) == found[1].argmax(axis=1)).sum())
        size = temporary.stat().st_size
    return Exported(path, size, fixed, len(sample), difference, same)


class Graph(nn.Module):
    """From pixels to probabilities, with everything that can be known before stored.

    Args:
        method: Answers.
        pixels: See ``export``.
        probe: Pictures to find out with what depends on them; at least 2.

    Attributes:
        conditioned: Whether the text tower has to run for each picture.
    """

    def __init__(self, method: Method, pixels: Pixels, probe: int) -> None:
        super().__init__()
        self.pixels = pixels
        self.texts = _Remembered(method.backbone)
        # neither the method nor its backbone, which others share, is changed
        self.method = copy.copy(method)
        self.method.backbone = self.backbone = copy.copy(method.backbone)
        self.backbone.text_encoder = self.texts  # type: ignore[assignment]
        side = self.backbone.image_size
        with torch.no_grad():
            self.method.logits(self.method.encode_image(torch.rand(probe, 3, side, side)))
        self.texts.recording = False
        self.conditioned = any(known is None for known in self.texts.known)

    def forward(self, image: Tensor) -> Tensor:
        """Probabilities [B, C] of pictures [B, 3, S, S]."""
        self.texts.place = 0
        unit = image.float() / 255 if self.pixels == "uint8" else image
        return self.method.logits(self.method.encode_image(unit)).softmax(dim=1)


class _Remembered:
    """A text encoder that gives again what it gave before, where that holds for any picture."""

    def __init__(self, backbone: Backbone) -> None:
        self.encoder = backbone.text_encoder
        self.known: list[Tensor | None] = []
        self.recording, self.place = True, 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self.encoder, name)

    def __call__(self, prompts: Prompts) -> Tensor:
        if self.recording:
            found = self.encoder(prompts)
            self.known.append(found.detach() if len(found) == 1 else None)
            return found
        known = self.known[self.place]
        self.place += 1
        return self.encoder(prompts) if known is None else known


def _need_extra() -> None:
    try:
        import onnx  # noqa: F401
        import onnxruntime  # noqa: F401
    except ImportError as error:
        raise GoproError(
            f"the export needs a package that isn't here ({error.name}); install it with "
            "pip install 'gopro-clip[export]'"
        ) from error


def _write(graph: Graph, sample: Tensor, path: Path, fixed: int | None) -> None:
    free = None if fixed else {"image": {0: "pictures"}, "probabilities": {0: "pictures"}}
    with torch.no_grad(), _quiet():
        torch.onnx.export(
            graph.eval(),
            (sample,),
            str(path),
            input_names=["image"],
            output_names=["probabilities"],
            dynamic_axes=free,
            opset_version=OPSET,
            dynamo=False,  # the other exporter needs one more package and gains nothing here
        )


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Without warnings of every shape that tracing keeps, which is what is wanted, and without
    fused attention, which ONNX doesn't have."""
    fast, level = torch.backends.mha.get_fastpath_enabled(), logging.root.manager.disable
    logging.disable(logging.WARNING)
    torch.backends.mha.set_fastpath_enabled(False)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(level)
        torch.backends.mha.set_fastpath_enabled(fast)


def _describe(path: Path, classifier: Predictor, pixels: Pixels, fixed: int | None) -> None:
    """Put class names and preprocessing into the file."""
    import onnx

    side = classifier.method_.backbone.image_size
    about = {
        "gopro": __version__,
        "class_names": list(classifier.class_names_),
        "labels": classifier.classes_.tolist(),
        "input": {"layout": "NCHW", "pixels": "0 to 1" if pixels == "float" else "0 to 255"},
        "pictures_per_call": fixed,
        "preprocessing": {
            "size": side,
            "resize": "shorter side to size, bicubic with antialiasing",
            "crop": "centre",
            "normalisation": "inside",
        },
        "backbone": {
            "name": classifier.method_.backbone.name,
            "sha256": classifier.backbone_checksum_,
        },
    }
    model = onnx.load(str(path))
    onnx.helper.set_model_props(model, {"gopro": json.dumps(about, ensure_ascii=True)})
    onnx.save(model, str(path))


def _sample(classifier: Predictor, pixels: Pixels, batch: int) -> Tensor:
    """Pictures to measure on: those that the model keeps, else noise; a multiple of ``batch``."""
    side, most = classifier.method_.backbone.image_size, max(2, -(-16 // batch)) * batch
    kept = classifier.examples_
    draw = torch.Generator().manual_seed(0)
    found = torch.randint(0, 256, (most, 3, side, side), generator=draw, dtype=torch.uint8)
    for place in range(min(most, len(kept.pictures) if kept else 0)):
        assert kept is not None
        step = max(1, len(kept.pictures) // most)
        array = to_array(kept.open(place * step), side)
        found[place] = torch.from_numpy(array.transpose(2, 0, 1).copy())
    return found if pixels == "uint8" else found.float() / 255


def _compare(
    path: Path, graph: Graph, sample: Tensor, batch: int
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """The probabilities by onnxruntime and by the classifier."""
    session = onnxfile.session(path)
    theirs: list[Any] = []
    ours: Sequence[Any] = []
    with torch.no_grad():
        for part in torch.split(sample, batch):
            theirs.append(session.run(None, {"image": part.numpy()})[0])
            ours = [*ours, graph(part).numpy()]
    return np.concatenate(theirs), np.concatenate(list(ours))
