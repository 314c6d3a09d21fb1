"""Export a classifier to ONNX: a picture in, the probabilities of a fixed list of classes out.

The graph computes exact probabilities. Text embeddings that do not depend on the picture are
computed once and stored as constants. If prompts depend on the picture, the text encoder is part
of the graph and the number of pictures per call is fixed.
"""

from __future__ import annotations

import contextlib
import copy
import json
import logging
import tempfile
import warnings
from collections.abc import Iterator
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
"""The largest difference of a probability that is accepted for a float32 file."""

LARGEST = 2**31
"""Bytes that an ONNX file has to stay below."""

Pixels = Literal["float", "uint8"]


@dataclass(frozen=True)
class Exported:
    """The written file, and its difference from the classifier, measured in onnxruntime.

    Attributes:
        path: The file.
        bytes: Its size.
        batch: Pictures per call; None for any number.
        pictures: Number of pictures that were compared.
        noise: How many of them are random noise, for lack of saved training pictures.
        difference: The largest difference of a probability.
        agreeing: Number of pictures with the same most likely class.
    """

    path: Path
    bytes: int
    batch: int | None
    pictures: int
    noise: int
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
    """Write a classifier to an ONNX file.

    Args:
        classifier: Fitted, on the cpu, in fp32.
        path: The file.
        int8: Store weights as 8-bit integers, see ``onnxfile.quantise``.
        batch: Pictures per call if prompts depend on the picture; otherwise any number is accepted.
        pixels: "float" for input in [0, 1], "uint8" for 0 to 255.

    Raises:
        GoproError: When the extra isn't installed, the file can't be written or would be too large,
            or a probability of the float32 file differs by more than ``TOLERANCE`` from the
            classifier's.
    """
    _need_extra()
    classifier.check_fitted()
    method = classifier.method_
    if method.backbone.device.type != "cpu" or method.backbone.dtype != torch.float32:
        raise GoproError(
            "the export needs the cpu and fp32; load with device='cpu', precision='fp32'"
        )
    graph = Graph(method, pixels, max(2, batch), classifier.temperature)
    _check_size(graph.weights(), classifier)
    fixed = batch if graph.conditioned else None
    sample, noise = _sample(classifier, pixels, batch)
    with atomic_write(path) as temporary:
        with tempfile.TemporaryDirectory(prefix=".onnx-", dir=temporary.parent) as folder:
            traced = Path(folder) / "traced.onnx"
            _write(graph, sample[:batch], traced, fixed)
            # tracing repeats weights; those of a graph that is too large get files of their own
            _check_size(sum(file.stat().st_size for file in traced.parent.iterdir()), classifier)
            onnxfile.fold(traced, temporary)
        _describe(temporary, classifier, pixels, fixed)
        if int8:
            onnxfile.quantise(temporary)
        exported, expected = _compare(temporary, graph, sample, batch)
        difference = float(np.abs(exported - expected).max())
        if not int8 and not difference <= TOLERANCE:
            raise GoproError(
                f"onnxruntime's probabilities differ by {difference:.2g} from the classifier's, "
                f"more than {TOLERANCE:g}; this combination of versions can't be exported"
            )
        agreeing = int((exported.argmax(axis=1) == expected.argmax(axis=1)).sum())
        size = temporary.stat().st_size
    return Exported(path, size, fixed, len(sample), noise, difference, agreeing)


class Graph(nn.Module):
    """From pixels to probabilities; text embeddings that are the same for all pictures are stored.

    Args:
        method: The trained method.
        pixels: See ``export``.
        probe: Number of random pictures, at least 2, to find out which text embeddings depend on
            the picture.
        temperature: What the logits are divided by.

    Attributes:
        conditioned: Whether the text encoder has to run for each picture.
    """

    def __init__(
        self, method: Method, pixels: Pixels, probe: int, temperature: float = 1.0
    ) -> None:
        super().__init__()
        self.pixels, self.temperature = pixels, temperature
        self.texts = _StoredTexts(method.backbone)
        # copies: the method and its shared backbone stay unchanged
        self.method = copy.copy(method)
        self.method.backbone = self.backbone = copy.copy(method.backbone)
        self.backbone.text_encoder = self.texts  # type: ignore[assignment]
        side = self.backbone.image_size
        with torch.no_grad():
            self.method.logits(self.method.encode_image(torch.rand(probe, 3, side, side)))
        self.texts.recording = False
        self.conditioned = any(text is None for text in self.texts.stored)

    def weights(self) -> int:
        """Bytes of the weights, each counted once."""
        model, visual = self.backbone.model, self.backbone.model.get_submodule("visual")
        tensors = [*self.method.state_dict().values(), *visual.parameters()]
        if self.conditioned:  # without the token embeddings, of which the prompts are stored
            others = {id(tensor) for tensor in (*tensors, self.texts.tower.weight)}
            tensors += [tensor for tensor in model.parameters() if id(tensor) not in others]
        return sum(tensor.nbytes for tensor in tensors)

    def forward(self, image: Tensor) -> Tensor:
        """Probabilities [B, C] of pictures [B, 3, S, S]."""
        self.texts.calls = 0
        unit = image.float() / 255 if self.pixels == "uint8" else image
        logits = self.method.logits(self.method.encode_image(unit))
        return (logits / self.temperature).softmax(dim=1)


class _StoredTexts:
    """A text encoder that replays its recorded outputs, except those that depend on the picture.

    An output of batch size 1 is shared by all pictures; others are computed again at each call.
    """

    def __init__(self, backbone: Backbone) -> None:
        self.encoder = backbone.text_encoder
        self.stored: list[Tensor | None] = []
        self.recording, self.calls = True, 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self.encoder, name)

    def __call__(self, prompts: Prompts) -> Tensor:
        if self.recording:
            output = self.encoder(prompts)
            self.stored.append(output.detach() if len(output) == 1 else None)
            return output
        stored = self.stored[self.calls]
        self.calls += 1
        return self.encoder(prompts) if stored is None else stored


def _need_extra() -> None:
    try:
        import onnx  # noqa: F401
        import onnxruntime  # noqa: F401
    except ImportError as error:
        raise GoproError(
            f"the export needs the missing package {error.name}; install it with "
            "pip install 'gopro-clip[export]'"
        ) from error


def _check_size(size: int, classifier: Predictor) -> None:
    """Refuse a file of ``size`` bytes.

    Raises:
        GoproError: When it is too large.
    """
    if size >= LARGEST:
        name = classifier.method_.backbone.name
        raise GoproError(
            f"{name} is too large for one ONNX file ({size / 2**30:.1f} GiB, wanted less than "
            f"{LARGEST / 2**30:.1f}); fit on a smaller backbone"
        )


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
            dynamo=False,  # the newer exporter needs one more package and has no advantage here
        )


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Silence the warnings about constant shapes, which are intended, and turn off fused
    attention, which ONNX doesn't have."""
    fused, level = torch.backends.mha.get_fastpath_enabled(), logging.root.manager.disable
    logging.disable(logging.WARNING)
    torch.backends.mha.set_fastpath_enabled(False)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(level)
        torch.backends.mha.set_fastpath_enabled(fused)


def _describe(path: Path, classifier: Predictor, pixels: Pixels, fixed: int | None) -> None:
    """Write class names and preprocessing into the file's metadata."""
    import onnx

    about = {
        "gopro": __version__,
        "class_names": list(classifier.class_names_),
        "labels": classifier.classes_.tolist(),
        "input": {"layout": "NCHW", "pixels": "0 to 1" if pixels == "float" else "0 to 255"},
        "pictures_per_call": fixed,
        "preprocessing": {
            **classifier.method_.backbone.preprocessing.in_words(),
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


def _sample(classifier: Predictor, pixels: Pixels, batch: int) -> tuple[Tensor, int]:
    """Saved training pictures, filled up with random noise to a multiple of ``batch``; how much."""
    side, count = classifier.method_.backbone.image_size, max(2, -(-16 // batch)) * batch
    generator = torch.Generator().manual_seed(0)
    sample = torch.randint(0, 256, (count, 3, side, side), generator=generator, dtype=torch.uint8)
    examples = classifier.examples_
    saved = 0 if examples is None else min(count, len(examples.pictures))
    if examples is not None:
        step = max(1, len(examples.pictures) // count)
        for index in range(saved):
            array = to_array(examples.open(index * step), side)
            sample[index] = torch.from_numpy(array.transpose(2, 0, 1).copy())
    return sample if pixels == "uint8" else sample.float() / 255, count - saved


def _compare(
    path: Path, graph: Graph, sample: Tensor, batch: int
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """The probabilities by onnxruntime and by the classifier."""
    session = onnxfile.session(path)
    parts = torch.split(sample, batch)
    with torch.no_grad():
        expected = [graph(part).numpy() for part in parts]
    exported = [session.run(None, {"image": part.numpy()})[0] for part in parts]
    return np.concatenate(exported), np.concatenate(expected)
