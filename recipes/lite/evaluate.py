"""Measure lite zero-shot: ``python -m recipes.lite.evaluate --weights WEIGHTS --data DATA``.

Every figure is of pictures that no training saw. ``--json FILE`` keeps them.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from open_clip import SimpleTokenizer
from open_clip.zero_shot_metadata import IMAGENET_CLASSNAMES
from PIL import Image
from recipes.lite.alter import square
from recipes.lite.pictures import SIZE, encoder, flickr_parts, pixels
from recipes.lite.watch import SURE, recall
from recipes.lite.words import ANCHOR, captions
from torch import Tensor

from gopro.backbones.lite.load import load
from gopro.backbones.lite.network import network
from gopro.backbones.two_towers import TwoTowers
from gopro.common.allocator import keep_memory
from gopro.common.files import write_json

PACS = {"photo": "photo", "art_painting": "painting", "cartoon": "cartoon", "sketch": "sketch"}


class Judge:
    """A model, and the network's features of pictures, computed once where ``cache`` is given."""

    def __init__(self, model: TwoTowers, cache: Path | None = None) -> None:
        self.model, self.cache = model, cache
        self.tokenizer = SimpleTokenizer()
        self.encode = encoder()

    def features(self, name: str, files: Sequence[Path], batch: int = 32) -> Tensor:
        """Pooled features [n, 1280] of whole pictures."""
        kept = None if self.cache is None else self.cache / f"test-{name}.npy"
        if kept is not None and kept.exists():
            return torch.from_numpy(np.load(kept, allow_pickle=False))
        parts = []
        for start in range(0, len(files), batch):
            pictures = []
            for file in files[start : start + batch]:
                with Image.open(file) as opened:
                    pictures.append(square(opened.convert("RGB"), SIZE))
            parts.append(self.encode(pixels(pictures)))
        found = np.concatenate(parts)
        if kept is not None:
            kept.parent.mkdir(parents=True, exist_ok=True)
            np.save(kept, found, allow_pickle=False)
        return torch.from_numpy(found)

    @torch.inference_mode()
    def images(self, features: Tensor) -> Tensor:
        """Unit embeddings of pooled features."""
        visual = self.model.visual
        standard = (features - visual.feature_mean) / visual.feature_std
        return F.normalize(visual.projection(standard), dim=-1)

    @torch.inference_mode()
    def texts(self, sentences: Sequence[str], batch: int = 100) -> Tensor:
        """Unit embeddings of sentences, cut where the longest of a batch ends."""
        every = self.tokenizer(list(sentences))
        order = every.argmax(1).argsort()
        found = torch.empty(len(every), self.model.text_projection.shape[1])
        for rows in order.split(batch):
            length = int(every[rows].argmax(1).max()) + 1
            found[rows] = self.model.encode_text(every[rows, :length], normalize=True)
        return found

    def accuracy(
        self, images: Tensor, labels: Tensor, names: Sequence[str], template: str = ANCHOR
    ) -> float:
        """Top-1 in percent among ``names``."""
        texts = self.texts([template.format(name) for name in names])
        return _percent((images @ texts.T).argmax(1) == labels)


def caltech(judge: Judge, data: Path) -> dict[str, float]:
    """Caltech101's test split: its 100 classes, their halves, and agreement with the network."""
    root = data / "caltech-101"
    split = json.loads((root / "split_zhou_Caltech101.json").read_text(encoding="utf-8"))["test"]
    features = judge.features("caltech", [root / "101_ObjectCategories" / row[0] for row in split])
    labels = torch.tensor([row[1] for row in split])
    names = [name for _, name in sorted({(row[1], row[2].replace("_", " ")) for row in split})]
    images = judge.images(features)
    found = {"all": judge.accuracy(images, labels, names)}
    half = (len(names) + 1) // 2
    base = labels < half
    found["base"] = judge.accuracy(images[base], labels[base], names[:half])
    found["new"] = judge.accuracy(images[~base], labels[~base] - half, names[half:])
    classifier = network().classifier
    with torch.inference_mode():
        sure, theirs = classifier(features).softmax(1).max(1)
    texts = judge.texts([ANCHOR.format(name) for name in IMAGENET_CLASSNAMES])
    same = (images @ texts.T).argmax(1) == theirs
    found["same_as_network"] = _percent(same)
    found["same_where_sure"] = _percent(same[sure > SURE])
    return found


def flickr(judge: Judge, data: Path) -> dict[str, float]:
    """Retrieval among Flickr8k's last 1,000 photographs and their captions."""
    files = flickr_parts(data)["test"]
    known = captions(data / "flickr8k" / "captions.csv")
    rows = [(owner, text) for owner, file in enumerate(files) for text in known[file.name]]
    owner = torch.tensor([row[0] for row in rows])
    texts = judge.texts([f"{text}." for _, text in rows])
    images = judge.images(judge.features("flickr", files))
    found = {}
    for top in (1, 5):
        forth, back = recall(images, texts, owner, top)
        found[f"image_to_text_{top}"], found[f"text_to_image_{top}"] = forth, back
    first = torch.tensor([(owner == number).nonzero()[0, 0] for number in range(len(files))])
    found["one_caption_image_to_text_5"] = recall(images, texts[first], owner[first])[0]
    return found


def folder(judge: Judge, name: str, root: Path, template: str = ANCHOR) -> float:
    """Accuracy on a folder of class folders."""
    classes = sorted(path.name for path in root.iterdir() if path.is_dir())
    files = [
        (file, label)
        for label, each in enumerate(classes)
        for file in sorted((root / each).iterdir())
    ]
    images = judge.images(judge.features(name, [file for file, _ in files]))
    labels = torch.tensor([label for _, label in files])
    return judge.accuracy(images, labels, [c.replace("_", " ") for c in classes], template)


def speed(model: TwoTowers, batch: int = 16, seconds: float = 6.0) -> float:
    """Pictures a second of processor time through the image tower on one thread, pixels ready."""
    keep_memory()  # as gopro does on a CPU
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    given = torch.rand(batch, 3, SIZE, SIZE)
    rates = []
    with torch.inference_mode():
        model.visual(given)
        until = time.monotonic() + seconds
        while time.monotonic() < until or not rates:
            started = time.thread_time()
            model.visual(given)
            rates.append(batch / (time.thread_time() - started))
    torch.set_num_threads(threads)
    return max(rates)


def measure(weights: Path | None, data: Path, cache: Path | None = None) -> dict[str, Any]:
    """All figures whose pictures are there, in percent."""
    settings = None
    if weights is not None:
        beside = weights.with_name("config.json")
        settings = json.loads(beside.read_text(encoding="utf-8")) if beside.exists() else None
    model = load(weights, settings)
    judge = Judge(model, cache)
    found: dict[str, Any] = {"pictures_a_second_and_core": speed(model)}
    if (data / "caltech-101").is_dir():
        found["caltech101"] = caltech(judge, data)
    if (data / "flickr8k").is_dir():
        found["flickr8k"] = flickr(judge, data)
    for name in ("rsscn7", "dtd10"):
        if (data / name).is_dir():
            found[name] = folder(judge, name, data / name)
    if (data / "pacs").is_dir():
        parts = {}
        for domain, word in PACS.items():
            place = data / "pacs" / domain
            parts[domain] = folder(judge, f"pacs-{domain}", place)
            parts[f"{domain} in its own words"] = folder(
                judge, f"pacs-{domain}", place, f"a {word} of a {{}}."
            )
        found["pacs"] = parts
    return _rounded(found)


def _percent(hits: Tensor) -> float:
    return 100 * hits.float().mean().item()


def _rounded(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _rounded(part) for key, part in value.items()}
    return round(value, 2)


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure as the command line says."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--weights", type=Path, help="lite.safetensors [the package's]")
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--cache", type=Path, help="keep the pictures' features here")
    parser.add_argument("--json", type=Path, help="write the figures there")
    given = parser.parse_args(arguments)
    found = measure(given.weights, given.data, given.cache)
    print(json.dumps(found, indent=2))
    if given.json is not None:
        write_json(given.json, found)


if __name__ == "__main__":
    main()
