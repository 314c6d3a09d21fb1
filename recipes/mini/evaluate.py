"""Accuracy of mini on unseen pictures, and the gain from learned context words.

``python -m recipes.mini.evaluate --weights FILE --data DATA [--quick] [--card FILE --out CARD.md]``
prints the figures and, with the options, writes them as JSON and as the model card.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import open_clip
import torch
import torch.nn.functional as F
from PIL import Image
from recipes.mini.names import tidy
from recipes.mini.probe import coop, head
from torch import Tensor

from gopro.backbones.mini import load as mini
from gopro.backbones.two_towers import TwoTowers
from gopro.common.files import write_json

DOMAINS = ("photo", "art_painting", "cartoon", "sketch")
WORLD_TEST_SEED = 2
SHOTS = 16
DECAYS = (1.0, 0.1, 0.01)


class Judge:
    """A model and what is needed to classify pictures with it.

    Args:
        model: In evaluation mode.
    """

    def __init__(self, model: TwoTowers) -> None:
        self.model = model
        self.tokenizer = open_clip.SimpleTokenizer()
        preprocess = mini.config()["preprocess_cfg"]
        self.side = preprocess["size"][0]
        self.mean = torch.tensor(preprocess["mean"]).view(1, 3, 1, 1)
        self.std = torch.tensor(preprocess["std"]).view(1, 3, 1, 1)

    def pixels(self, image: Image.Image) -> Tensor:
        """The centre crop at the input size of the model, uint8 [3, side, side]."""
        image = image.convert("RGB")
        scale = self.side / min(image.size)
        size = (
            max(self.side, round(image.width * scale)),
            max(self.side, round(image.height * scale)),
        )
        image = image.resize(size, Image.Resampling.BICUBIC)
        left, top = (size[0] - self.side) // 2, (size[1] - self.side) // 2
        cut = image.crop((left, top, left + self.side, top + self.side))
        return torch.from_numpy(np.array(cut)).permute(2, 0, 1)

    @torch.no_grad()
    def images(
        self, pictures: Iterable[Image.Image], change: Callable[[Tensor], Tensor] | None = None
    ) -> Tensor:
        """Unit embeddings [N, e]; ``change`` alters the pictures, [B, 3, s, s] in [0, 1]."""
        stacked = torch.stack([self.pixels(picture) for picture in pictures])
        out = []
        for part in torch.split(stacked, 256):
            x = part.float() / 255
            if change is not None:
                x = change(x)
            out.append(self.model.encode_image((x - self.mean) / self.std, normalize=True))
        return torch.cat(out)

    @torch.no_grad()
    def zero_shot(self, names: Sequence[str], template: str = "a photo of a {}.") -> Tensor:
        """Unit text embeddings of the classes, [C, e]."""
        texts = self.tokenizer([template.format(tidy(name)) for name in names])
        embedding: Tensor = self.model.encode_text(texts, normalize=True)
        return embedding


def accuracy(images: Tensor, classes: Tensor, labels: Tensor) -> float:
    """Percent of unit image embeddings whose nearest class embedding has their label."""
    return round(100 * float(((images @ classes.T).argmax(-1) == labels).float().mean()), 2)


def accuracy_by_class(images: Tensor, classes: Tensor, labels: Tensor) -> float:
    """Mean of the per-class accuracies in percent, as in CLIP's paper for Caltech101."""
    right = ((images @ classes.T).argmax(-1) == labels).float()
    each = [right[labels == label].mean() for label in labels.unique()]
    return round(100 * float(torch.stack(each).mean()), 2)


def darkened_and_blurred(images: Tensor) -> Tensor:
    """Degrade photographs: a quarter of the brightness, and a blur over five pixels."""
    return F.avg_pool2d(images, 5, 1, 2, count_include_pad=False) * 0.25


def caltech(judge: Judge, data: Path, *, seeds: int, every: int) -> dict[str, Any]:
    """Caltech101: all classes, and each half of the classes with its own names only."""
    root = data / "caltech-101"
    split = json.loads((root / "split_zhou_Caltech101.json").read_text(encoding="utf-8"))
    names = {label: name for _, label, name in split["test"]}
    ordered = [names[label] for label in sorted(names)]
    half = (len(ordered) + 1) // 2

    def embedded(
        rows: list[list[Any]], change: Callable[[Tensor], Tensor] | None = None
    ) -> tuple[Tensor, Tensor]:
        files = (Image.open(root / "101_ObjectCategories" / row[0]) for row in rows)
        return judge.images(files, change), torch.tensor([row[1] for row in rows])

    test, labels = embedded(split["test"][::every])
    classes = judge.zero_shot(ordered)
    first = labels < half
    out: dict[str, Any] = {
        "images": len(labels),
        "all": accuracy(test, classes, labels),
        "base": accuracy(test[first], classes[:half], labels[first]),
        "new": accuracy(test[~first], classes[half:], labels[~first] - half),
    }
    for key, change in (("coop", None), ("coop_dark_blurred", darkened_and_blurred)):
        shots = {seed: _few(split["train"], seed, range(half)) for seed in range(1, seeds + 1)}
        rows = [row for few in shots.values() for row in few]
        train, train_labels = embedded(rows, change) if rows else (test[:0], labels[:0])
        if change is not None:
            test, labels = embedded(split["test"][::every], change)
        out[key] = []
        start = 0
        for seed, few in shots.items():
            part = slice(start, start + len(few))
            start += len(few)
            shots_of = train[part], train_labels[part]
            run = _learned(judge, shots_of, (test, labels), ordered, half, seed)
            out[key].append({"seed": seed, **run})
    return out


def _learned(
    judge: Judge,
    shots: tuple[Tensor, Tensor],
    test: tuple[Tensor, Tensor],
    names: Sequence[str],
    half: int,
    seed: int,
) -> dict[str, float]:
    """CoOp trained on base, tested before and after on both halves; and a linear head on base."""
    images, labels = test
    before = judge.zero_shot(names)
    after = coop(judge.model, *shots, names[:half], seed=seed)(names)
    out = {}
    first = labels < half
    base, base_labels = images[first], labels[first]
    for when, classes in (("before", before), ("after", after)):
        new = images[~first], classes[half:], labels[~first] - half
        out[f"base_{when}"] = accuracy(base, classes[:half], base_labels)
        out[f"base_by_class_{when}"] = accuracy_by_class(base, classes[:half], base_labels)
        out[f"new_{when}"] = accuracy(*new)
        out[f"new_by_class_{when}"] = accuracy_by_class(*new)
    scale = float(judge.model.logit_scale.detach().exp())
    for decay in DECAYS:
        free = head(*shots, before[:half], scale=scale, decay=decay)
        out[f"head_{decay:g}"] = accuracy(base, free, base_labels)
        out[f"head_{decay:g}_by_class"] = accuracy_by_class(base, free, base_labels)
    return out


def _few(rows: list[list[Any]], seed: int, labels: Iterable[int]) -> list[list[Any]]:
    rng = np.random.default_rng(seed)
    out = []
    for label in labels:
        of_class = [row for row in rows if row[1] == label]
        out += [of_class[i] for i in rng.permutation(len(of_class))[:SHOTS]]
    return out


def pacs(judge: Judge, data: Path, *, seeds: int) -> dict[str, Any]:
    """PACS by domain; for the drawn domains also with 16 shots per class of the same domain."""
    out: dict[str, Any] = {"images": 0, "coop": {}}
    for domain in DOMAINS:
        folders = sorted(path for path in (data / "pacs" / domain).iterdir() if path.is_dir())
        names = [folder.name for folder in folders]
        files = [
            (f, label) for label, folder in enumerate(folders) for f in sorted(folder.iterdir())
        ]
        images = judge.images(Image.open(file) for file, _ in files)
        labels = torch.tensor([label for _, label in files])
        out[domain] = accuracy(images, judge.zero_shot(names), labels)
        out["images"] += len(files)
        if domain == "photo":
            continue
        out["coop"][domain] = []
        for seed in range(1, seeds + 1):
            few = _few([[i, label] for i, (_, label) in enumerate(files)], seed, range(len(names)))
            taken = torch.tensor([row[0] for row in few])
            rest = torch.ones(len(files), dtype=torch.bool)
            rest[taken] = False
            learned = coop(judge.model, images[taken], labels[taken], names, seed=seed)
            out["coop"][domain].append(
                {
                    "seed": seed,
                    "before": accuracy(images[rest], judge.zero_shot(names), labels[rest]),
                    "after": accuracy(images[rest], learned(names), labels[rest]),
                }
            )
    out["mean"] = round(sum(out[domain] for domain in DOMAINS) / len(DOMAINS), 2)
    return out


def world(judge: Judge, *, count: int) -> dict[str, Any]:
    """The test pictures of the built-in world, by style."""
    from gopro.data.world import CLASS_NAMES, STYLES, draw, scene

    classes = judge.zero_shot(CLASS_NAMES)
    labels = torch.arange(len(CLASS_NAMES)).repeat_interleave(count)
    out: dict[str, Any] = {"images": len(labels) * len(STYLES)}
    for style in STYLES:
        scenes = (
            scene(label, style, seed=WORLD_TEST_SEED, index=index)
            for label in range(len(CLASS_NAMES))
            for index in range(count)
        )
        out[style] = accuracy(judge.images(draw(each, 96) for each in scenes), classes, labels)
    out["mean"] = round(sum(out[style] for style in STYLES) / len(STYLES), 2)
    return out


def main(arguments: Sequence[str] | None = None) -> dict[str, Any]:
    """Measure and print the figures, and write them if asked."""
    parser = argparse.ArgumentParser(prog="python -m recipes.mini.evaluate", description=__doc__)
    parser.add_argument("--weights", type=Path, help="default: the installed ones")
    parser.add_argument("--data", type=Path, help="unpacked real pictures")
    parser.add_argument("--seeds", type=int, default=3, help="prompt trainings a set")
    parser.add_argument("--quick", action="store_true", help="fewer pictures, one seed")
    parser.add_argument("--json", type=Path, help="write here; sets already there are kept")
    parser.add_argument("--threads", type=int, default=2)
    given = parser.parse_args(arguments)
    torch.set_num_threads(given.threads)
    judge = Judge(mini.load(given.weights))
    seeds = 1 if given.quick else given.seeds
    sets: dict[str, Callable[[], dict[str, Any]]] = {
        "world": lambda: world(judge, count=2 if given.quick else 10)
    }
    if given.data is not None:
        sets["pacs"] = lambda: pacs(judge, given.data, seeds=seeds)
        every = 2 if given.quick else 1
        sets["caltech101"] = lambda: caltech(judge, given.data, seeds=seeds, every=every)
    figures: dict[str, Any] = {}
    if given.json is not None and given.json.exists():
        figures = json.loads(given.json.read_text(encoding="utf-8"))
    for name, measure in sets.items():
        if name in figures:
            continue
        figures[name] = measure()
        print(name, json.dumps(figures[name]), flush=True)
        if given.json is not None:
            write_json(given.json, figures)
    return figures


if __name__ == "__main__":
    main()
