"""The pictures lite learns from, as pooled features of the frozen network, computed once.

Each photograph is seen whole (the centre square), in random crops, and in altered copies. What is
held out is never listed here: of Caltech101 the validation split alone is read, without its labels,
and of Flickr8k neither the last 1,000 photographs nor the 500 before them that a run is watched on.
"""

from __future__ import annotations

import json
import multiprocessing as mp
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from recipes.lite.alter import NAMES, altered, crop, square
from safetensors.torch import load_file, save_file
from torch import Tensor

from gopro.backbones.lite.network import fused, network

SIZE = 224
TEST = 1000
ORDER = ("watch", "flickr", "look", "caltech", "tiny")
WATCH = 500
# every so manieth of Caltech101's training pictures is watched: does the model name it as the
# network does? No label is read, and nothing is learnt from them
LOOK = 5
SHARD = 200
CROPS = (0.25, 1.0)
# pictures a class of Tiny-ImageNet: 64 pixels a side teach less than photographs do
TINY = 40
# in each turn after the first, every photograph gives a random crop and an altered copy
TURNS = {"flickr": 4, "caltech": 4, "tiny": 2, "watch": 1, "look": 1}
Encode = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True)
class Pool:
    """Features [n, 1280] of all copies, with the photograph and the kind each is of."""

    features: Tensor
    picture: Tensor
    kind: Tensor
    names: list[str]

    def __len__(self) -> int:
        return len(self.features)


def flickr_parts(data: Path) -> dict[str, list[Path]]:
    """Flickr8k's photographs by part: train, watch (500) and test (the last 1,000 by name)."""
    files = sorted((data / "flickr8k" / "images").glob("*.jpg"))
    return {
        "train": files[: -TEST - WATCH],
        "watch": files[-TEST - WATCH : -TEST],
        "test": files[-TEST:],
    }


def sources(data: Path) -> dict[str, list[Path]]:
    """The photographs to learn from, by source, each source where it is there."""
    flickr = flickr_parts(data)
    found = {"flickr": flickr["train"], "watch": flickr["watch"]}
    root = data / "caltech-101"
    split = root / "split_zhou_Caltech101.json"
    if split.exists():
        parts = json.loads(split.read_text(encoding="utf-8"))
        folder = root / "101_ObjectCategories"
        found["caltech"] = [folder / path for path, *_ in parts["val"]]
        found["look"] = [folder / path for path, *_ in parts["train"][::LOOK]]
    found["tiny"] = [
        path
        for folder in sorted((data / "tiny-imagenet").glob("n*"))
        for path in sorted(folder.glob("*"))[:TINY]
    ]
    return {name: files for name, files in found.items() if files}


def copies(path: Path, number: int, turn: int) -> Iterator[tuple[int, Image.Image]]:
    """Copies of one photograph with the numbers of their kinds: first the whole, then others."""
    with Image.open(path) as opened:
        picture = opened.convert("RGB")
    if turn == 0:
        yield 0, square(picture, SIZE)
        return
    rng = np.random.default_rng((number, turn))
    yield 0, crop(picture, SIZE, CROPS, rng)
    kind = int(rng.integers(1, len(NAMES)))
    yield kind, altered(picture, NAMES[kind], SIZE, rng)


def encoder() -> Encode:
    """Pixels [n, 3, size, size] in -1..1 to pooled features [n, 1280], on one core.

    onnxruntime, where it is installed, is twice as fast as torch.
    """
    model = fused(network())
    model.classifier = torch.nn.Identity()
    try:
        import onnxruntime
    except ImportError:
        model = model.to(memory_format=torch.channels_last)
        return lambda pixels: _by_torch(model, pixels)
    return _by_onnx(model, onnxruntime)


def _by_torch(model: torch.nn.Module, pixels: np.ndarray) -> np.ndarray:
    with torch.inference_mode():
        given = torch.from_numpy(pixels).contiguous(memory_format=torch.channels_last)
        out: np.ndarray = model(given).numpy()
        return out


def _by_onnx(model: torch.nn.Module, onnxruntime: object) -> Encode:
    import io

    file = io.BytesIO()
    torch.onnx.export(
        model,
        (torch.zeros(1, 3, SIZE, SIZE),),
        file,
        dynamo=False,
        input_names=["pixels"],
        dynamic_axes={"pixels": {0: "n"}},
    )
    options = onnxruntime.SessionOptions()  # type: ignore[attr-defined]
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(file.getvalue(), options)  # type: ignore[attr-defined]
    return lambda pixels: session.run(None, {"pixels": pixels})[0]


def pixels(pictures: list[Image.Image]) -> np.ndarray:
    """Pictures as the network takes them."""
    stacked = np.stack([np.asarray(picture, dtype=np.float32) for picture in pictures])
    return np.ascontiguousarray(stacked.transpose(0, 3, 1, 2)) / 127.5 - 1


def prepare(data: Path, cache: Path, workers: int = 2) -> None:
    """Compute what the cache lacks, in shards, one process a core."""
    cache.mkdir(parents=True, exist_ok=True)
    jobs = []
    for source, files in sources(data).items():
        for turn in range(TURNS[source]):
            for start in range(0, len(files), SHARD):
                target = cache / f"{source}-{turn}-{start:06d}.safetensors"
                if not target.exists():
                    jobs.append((target, source, turn, start, files[start : start + SHARD]))
    # wholes before altered copies and small pictures last, so that training may begin meanwhile
    jobs.sort(key=lambda job: (job[2] + 1.5 * (job[1] == "tiny"), ORDER.index(job[1]), job[3]))
    if not jobs:
        return
    with mp.get_context("spawn").Pool(workers, initializer=_start) as team:
        for done in team.imap(_shard, jobs):
            print(done, flush=True)


def _start() -> None:
    global _ENCODE
    torch.set_num_threads(1)
    _ENCODE = encoder()


_ENCODE: Encode


def _shard(job: tuple[Path, str, int, int, list[Path]]) -> str:
    target, _, turn, start, files = job
    kinds: list[int] = []
    owners: list[int] = []
    features: list[np.ndarray] = []
    waiting: list[Image.Image] = []
    for number, path in enumerate(files, start):
        for kind, picture in copies(path, number, turn):
            kinds.append(kind)
            owners.append(number)
            waiting.append(picture)
        if len(waiting) >= 32 or path is files[-1]:
            features.append(_ENCODE(pixels(waiting)))
            waiting = []
    half = target.with_suffix(".half")
    save_file(
        {
            "features": torch.from_numpy(np.concatenate(features)).half(),
            "picture": torch.tensor(owners, dtype=torch.int32),
            "kind": torch.tensor(kinds, dtype=torch.int32),
        },
        half,
    )
    half.replace(target)
    return f"{target.name} {len(kinds)}"


def load(data: Path, cache: Path, source: str) -> Pool:
    """What the cache holds of one source."""
    files = sources(data)[source]
    parts = [load_file(path) for path in sorted(cache.glob(f"{source}-*.safetensors"))]
    joined = {key: torch.cat([part[key] for part in parts]) for key in parts[0]}
    return Pool(
        joined["features"].float(),
        joined["picture"].long(),
        joined["kind"].long(),
        [path.name for path in files],
    )


if __name__ == "__main__":
    import sys

    prepare(Path(sys.argv[1]), Path(sys.argv[2]))
