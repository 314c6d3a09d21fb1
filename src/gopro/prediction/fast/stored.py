"""Fast prediction as a file: the shifts of training images, and the map of one list of classes."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from safetensors import SafetensorError, safe_open
from torch import Tensor

from gopro.common.errors import GoproError
from gopro.common.tensors import write_tensors
from gopro.prediction.fast.fitted import FastMap
from gopro.prediction.fast.image_dependent import Conditioned, Reference
from gopro.prediction.fast.subspace import Subspace

_TENSORS = ("mean", "directions", "back")
_NUMBERS = ("inside", "outside")


def save_fast(temporary: Path, method: Conditioned, reference: Reference, fitted: FastMap) -> None:
    """Write the data of fast prediction into the temporary file that ``atomic_write`` gives.

    The learned weights are not part of it.
    """
    about = {name: getattr(fitted.subspace, name) for name in _NUMBERS}
    about |= {"reach": fitted.reach, "error": list(fitted.error)}
    about |= {"classes": _names(method), "learned": _learned(method)}
    tensors = {
        "shifts": reference.shifts,
        "images": reference.images,
        "weights": fitted.weights.half(),
        **{name: getattr(fitted.subspace, name) for name in _TENSORS},
    }
    write_tensors(temporary, tensors, {"gopro": json.dumps(about)})


def load_fast(path: Path, method: Conditioned) -> tuple[Reference, FastMap | None]:
    """Read what ``save_fast`` wrote.

    Args:
        path: The file.
        method: The method, with the learned weights that the file belongs to.

    Returns:
        The training images, and the map; None instead of the map if the method has other class
        names than the file.

    Raises:
        GoproError: If the file is missing, damaged, or belongs to another model.
    """
    device = str(method.backbone.device)
    try:
        with safe_open(path, "pt", device=device) as file:
            about = json.loads(file.metadata()["gopro"])
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        reference = Reference(tensors["shifts"], tensors["images"])
        parts = (tensors[name] for name in _TENSORS)
        subspace = Subspace(*parts, *(float(about[name]) for name in _NUMBERS))
        largest, mean = (float(error) for error in about["error"])
        weights = tensors["weights"].float()
        fitted = FastMap(subspace, weights, float(about["reach"]), (largest, mean))
        if about["learned"] != _learned(method):
            raise ValueError("it belongs to other learned weights")
        _check(reference, fitted, method)
    except (OSError, SafetensorError, KeyError, TypeError, ValueError) as error:
        reason = str(error).split("\n", 1)[0] or type(error).__name__
        raise GoproError(
            f"can't use the fast prediction in {path} ({reason}); remove it, or fit again"
        ) from error
    return reference, fitted if about.get("classes") == _names(method) else None


def _names(method: Conditioned) -> str:
    return hashlib.sha256("\n".join(method.class_names).encode()).hexdigest()


def _learned(method: Conditioned) -> str:
    digest = hashlib.sha256()
    for name, tensor in sorted(method.state_dict().items()):
        digest.update(f"{name} {tuple(tensor.shape)}".encode())
        digest.update(tensor.detach().float().cpu().contiguous().numpy().data)
    return digest.hexdigest()


def _check(reference: Reference, fitted: FastMap, method: Conditioned) -> None:
    def expect(name: str, tensor: Tensor, shape: tuple[int, ...]) -> None:
        if tuple(tensor.shape) != shape:
            raise ValueError(f"{name} has the shape {list(tensor.shape)}, wanted {list(shape)}")

    backbone, space = method.backbone, fitted.subspace
    count, tokens = reference.shifts.shape[0], reference.shifts.shape[1]
    expect("shifts", reference.shifts, (count, tokens, backbone.text_width))
    expect("images", reference.images, (count, backbone.embed_dim))
    width, components = tokens * backbone.text_width, space.back.shape[0]
    expect("mean", space.mean, (width,))
    expect("directions", space.directions, (width, components))
    expect("back", space.back, (components, width))
    rows = (1 + components) * backbone.embed_dim
    expect("weights", fitted.weights, (rows, fitted.weights.shape[1]))
