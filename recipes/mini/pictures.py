"""Pictures for training ``mini``: decoded once into one memory-mapped uint8 array per source.

Only the training data named in the model card are read: Tiny-ImageNet, Caltech101's validation
split and ``pacs-pretrain``. Caltech101's train and test splits and ``pacs`` are never read.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from recipes.mini.captions import value_of
from recipes.mini.names import Vocabulary
from recipes.mini.words import SLOTS

from gopro.common.errors import GoproError
from gopro.common.files import atomic_write, write_json

SIDE = 72
TEACHER_WIDTH = 256
# How often a picture of a source is drawn, relative to Tiny-ImageNet. The small sources look like
# the test data, so their pictures are repeated often, each time with different alterations.
SHARE = {
    "tiny": 1.0,
    "caltech": 18.0,
    "pacs-photo": 5.0,
    "pacs-art_painting": 9.0,
    "pacs-cartoon": 7.0,
    "pacs-sketch": 4.0,
}
WORLD_SHARE = 0.26
# The class size in Caltech101 for which SHARE holds.
EVEN = 33


@dataclass
class Pictures:
    """All training pictures of a run.

    Attributes:
        sources: Memory-mapped arrays, uint8 [n, SIDE, SIDE, 3]; together N pictures.
        label: Class of each picture, int [N].
        slots: Slot values of each picture before alterations, int [N, len(SLOTS)].
        weight: Relative sampling weight, float [N].
        teacher: Feature to predict, int8 [N, TEACHER_WIDTH]; all zero if there is none.
        built_in: Whether it is a picture of the built-in world, bool [N].
        vocabulary: The names of the classes.
    """

    sources: list[NDArray[np.uint8]]
    label: NDArray[np.int64]
    slots: NDArray[np.int64]
    weight: NDArray[np.float64]
    teacher: NDArray[np.int8]
    built_in: NDArray[np.bool_]
    vocabulary: Vocabulary

    def __len__(self) -> int:
        return len(self.label)

    def pixels(self, index: NDArray[np.int64]) -> NDArray[np.uint8]:
        """The pictures at ``index``, uint8 [B, SIDE, SIDE, 3]."""
        out = np.empty((len(index), SIDE, SIDE, 3), dtype=np.uint8)
        start = 0
        for source in self.sources:
            here = (index >= start) & (index < start + len(source))
            out[here] = source[index[here] - start]
            start += len(source)
        return out


@dataclass(frozen=True)
class _Entry:
    path: str
    names: tuple[str, ...]
    source: str
    slots: tuple[tuple[str, str], ...]
    squash: bool = False


def real_entries(data: Path) -> Iterator[_Entry]:
    """List the real training pictures under the folder ``data``.

    Raises:
        GoproError: If none of the three sources is there.
    """
    found = False
    listing = data / "tiny-imagenet" / "classes.json"
    if listing.exists():
        found = True
        for folder, names in sorted(json.loads(listing.read_text(encoding="utf-8")).items()):
            for file in sorted((listing.parent / folder).glob("*.webp")):
                where = f"tiny-imagenet/{folder}/{file.name}"
                yield _Entry(where, tuple(names), "tiny", (("look", "snapshot"),))
    split = data / "caltech-101" / "split_zhou_Caltech101.json"
    if split.exists():
        found = True
        # only the validation split: the model is tested on train and test
        for file_name, _, name in json.loads(split.read_text(encoding="utf-8"))["val"]:
            where = f"caltech-101/101_ObjectCategories/{file_name}"
            for squash in (False, True):
                yield _Entry(where, (name,), "caltech", (("look", "clean"),), squash)
    for style in ("photo", "art_painting", "cartoon", "sketch"):
        folder_of_style = data / "pacs-pretrain" / style
        if not folder_of_style.exists():
            continue
        found = True
        slots = (("style", style),) if style != "photo" else ()
        for file in sorted(folder_of_style.glob("*/*.jpg")):
            where = f"pacs-pretrain/{style}/{file.parent.name}/{file.name}"
            yield _Entry(where, (file.parent.name,), f"pacs-{style}", slots)
    if not found:
        raise GoproError(
            f"no training pictures under {data}: expected tiny-imagenet/, caltech-101/ or "
            "pacs-pretrain/; leave --data out to train on the built-in world alone"
        )


def prepare_real(data: Path, teacher: Path | None, cache: Path) -> None:
    """Decode the real pictures once into ``cache`` (``real.npy``, ``real.npz``, ``real.json``)."""
    if (cache / "real.json").exists():
        return
    entries = list(real_entries(data))
    features: dict[str, NDArray[np.int8]] = {}
    if teacher is not None:
        stored = np.load(teacher)
        features = dict(zip(stored["path"].tolist(), stored["feature"], strict=True))
    absent = np.zeros(TEACHER_WIDTH, dtype=np.int8)
    vocabulary = Vocabulary()
    label = [vocabulary.add(list(entry.names)) for entry in entries]
    cache.mkdir(parents=True, exist_ok=True)
    with atomic_write(cache / "real.npy") as temporary:
        shape = (len(entries), SIDE, SIDE, 3)
        # open_memmap accepts a temporary name without .npy
        pixels = np.lib.format.open_memmap(temporary, mode="w+", dtype=np.uint8, shape=shape)
        for index, entry in enumerate(entries):
            pixels[index] = fitted(Image.open(data / entry.path), squash=entry.squash)
        pixels.flush()
    with atomic_write(cache / "real.npz") as temporary, temporary.open("wb") as file:
        np.savez(
            file,
            label=np.array(label),
            slots=np.array([slot_row(dict(entry.slots)) for entry in entries]),
            weight=_weights([entry.source for entry in entries], label),
            teacher=np.stack([features.get(entry.path, absent) for entry in entries]),
        )
    write_json(cache / "real.json", {"classes": [list(e) for e in vocabulary.classes]})


def _weights(sources: list[str], label: list[int]) -> NDArray[np.float64]:
    """Sampling weights; classes of Caltech101 are balanced, since their sizes differ much."""
    count = Counter(zip(sources, label, strict=True))
    weight = np.empty(len(sources))
    for index, (source, name) in enumerate(zip(sources, label, strict=True)):
        weight[index] = SHARE[source]
        if source == "caltech":  # each picture is there twice: cropped and resized
            weight[index] *= 0.5 * (EVEN / count[source, name]) ** 0.8
    return weight


def slot_row(values: dict[str, str]) -> list[int]:
    """The slot values of a picture as numbers, in the order of ``SLOTS``."""
    return [value_of(slot, values.get(slot, "")) for slot in SLOTS]


def fitted(image: Image.Image, *, squash: bool = False) -> NDArray[np.uint8]:
    """An RGB picture as uint8 [SIDE, SIDE, 3]: the centre square, or everything resized."""
    image = image.convert("RGB")
    if not squash:
        side = min(image.size)
        left, top = (image.width - side) // 2, (image.height - side) // 2
        image = image.crop((left, top, left + side, top + side))
    return np.asarray(image.resize((SIDE, SIDE), Image.Resampling.BICUBIC), dtype=np.uint8)


def load(cache: Path, *, real: bool = True) -> Pictures:
    """Open the files that :func:`prepare_real` and ``world.prepare_world`` wrote to ``cache``."""
    vocabulary = Vocabulary()
    sources, label, slots, weight, teacher, built_in = [], [], [], [], [], []
    for name in ("real", "world"):
        if not (cache / f"{name}.json").exists() or (name == "real" and not real):
            continue
        listed = json.loads((cache / f"{name}.json").read_text(encoding="utf-8"))["classes"]
        renumber = np.array([vocabulary.add(names) for names in listed])
        with np.load(cache / f"{name}.npz") as stored:
            label.append(renumber[stored["label"]])
            slots.append(stored["slots"])
            weight.append(stored["weight"])
            teacher.append(stored["teacher"])
        sources.append(np.load(cache / f"{name}.npy", mmap_mode="r"))
        built_in.append(np.full(len(label[-1]), name == "world"))
    if not sources:
        raise GoproError(
            f"no prepared pictures in {cache}: run recipes.mini.train, which makes them"
        )
    if len(sources) == 2:
        weight[1] = weight[1] / weight[1].sum() * weight[0].sum() * WORLD_SHARE / (1 - WORLD_SHARE)
    every = np.concatenate
    return Pictures(
        sources,
        every(label),
        every(slots),
        every(weight),
        every(teacher),
        every(built_in),
        vocabulary,
    )
