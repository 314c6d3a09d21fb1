"""``python -m benchmarks.rules FOLDER...``: rules for ``none of these``, on frozen features.

A hash of the names halves the pictures of each class. For each draw, a seed leaves out three of ten
classes and takes pictures of the others in the first half to learn from. Each rule gives the other
pictures a score that should be higher for the known classes. A rule is chosen by its AUROC in the
first half; the second half, which no choice was made on, is measured with the same draws.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from open_clip import IMAGENET_CLASSNAMES

from benchmarks.unknown_rules import NAMES, RULES, Indices, Pictures, Rule
from gopro.backbones import ImageFeatures
from gopro.backbones.shared import backbone_key, shared_backbone
from gopro.data import Item
from gopro.data.fewshot import rank
from gopro.data.folder import read_folder
from gopro.methods.zeroshot import ZeroShot, ZeroShotSettings
from gopro.prediction.encode import features_for
from gopro.results.confidence import KEPT, Floats, auroc, keeping

_LEAST = 9
"""Pictures of a class and half to measure on, at least."""

_LEFT_OUT = 0.3
"""Share of the classes that is left out."""


def encode(folder: Path, backbone: str, classes: int, shots: int, most: int) -> Pictures:
    """Pictures of some classes of a folder, in the order of a hash of their names.

    Args:
        folder: One sub-folder per class.
        backbone: Its name.
        classes: Most classes; those with too few pictures for both halves are left out.
        shots: Pictures of a class to learn from.
        most: Most pictures of a class and half.
    """
    dataset = read_folder(folder, hold_out=False)
    chosen: list[Item] = []
    used: list[int] = []
    names = dataset.class_names
    for label in sorted(range(len(names)), key=lambda label: rank("class", names[label])):
        items = [item for item in dataset.train if item.label == label]
        if len(items) >= 2 * (shots + _LEAST) and len(used) < classes:
            used.append(label)
            items.sort(key=lambda item: rank("pool", item.key))
            middle = len(items) // 2
            chosen += [*items[:middle][:most], *items[middle:][:most]]
    model = shared_backbone(backbone_key(backbone, None, "auto", "fp32"), hashed=False).backbone
    texts = [[names[label] for label in used], list(IMAGENET_CLASSNAMES[:: 1000 // NAMES])]
    methods = [ZeroShot(model, some, ZeroShotSettings()) for some in texts]
    features: ImageFeatures = features_for(methods[0], dataset, chosen, title=folder.name)
    own, other = (method.logits(features).cpu().double().numpy() for method in methods)
    means, embedding, pooled = (
        part.cpu().double().numpy() for part in (features.mean, features.embedding, features.pooled)
    )
    embedding, pooled = (
        rows / np.linalg.norm(rows, axis=1, keepdims=True) for rows in (embedding, pooled)
    )
    truth = np.array([used.index(item.label) for item in chosen])
    return Pictures(means, embedding, pooled, own, other, truth)


def draws(pictures: Pictures, count: int, shots: int) -> Iterator[tuple[Indices, list[Indices]]]:
    """For each draw the pictures to learn from, and four lists to measure on.

    These are the known classes in the first half and in the second, and the classes left out in the
    first half and in the second. What is learned from is always of the first half.

    Args:
        pictures: Those of each class one after the other.
        count: Number of draws.
        shots: Pictures of a class to learn from.
    """
    of_class = [np.flatnonzero(pictures.truth == index) for index in np.unique(pictures.truth)]
    for seed in range(count):
        dice = np.random.default_rng(seed)
        order = dice.permutation(len(of_class)).tolist()
        left_out = round(_LEFT_OUT * len(order))
        learn: list[Indices] = []
        measured: list[list[Indices]] = [[], [], [], []]
        for place, index in enumerate(order):
            middle = len(of_class[index]) // 2
            first, second = dice.permutation(of_class[index][:middle]), of_class[index][middle:]
            unknown = place < left_out
            if not unknown:
                learn.append(first[:shots])
            measured[2 * unknown].append(first[shots:])
            measured[2 * unknown + 1].append(second)
        yield np.concatenate(learn), list(map(np.concatenate, measured))


def measure(pictures: Pictures, rules: dict[str, Rule], count: int, shots: int) -> Floats:
    """AUROC and the share of others caught where ``KEPT`` of the known are kept.

    Returns:
        [2, R, 2]: for each half and rule both figures, means of the draws.
    """
    figures = np.zeros((count, 2, len(rules), 2))
    for place, (learn, measured) in enumerate(draws(pictures, count, shots)):
        ends = np.cumsum([len(part) for part in measured])[:-1]
        new = pictures[np.concatenate(measured)]
        for number, rule in enumerate(rules.values()):
            parts = np.split(rule(pictures[learn], new), ends)
            for half in range(2):
                known, others = parts[half], parts[half + 2]
                caught = float((others < keeping(known, KEPT)).mean())
                figures[place, half, number] = auroc(known, others), caught
    mean: Floats = figures.mean(axis=0)
    return mean


def table(names: Sequence[str], rules: Sequence[str], figures: Floats) -> str:
    """A row for each rule, the best first.

    Args:
        names: Of S sets.
        rules: R names.
        figures: [S, R, 2], see ``measure``.
    """
    head = "| rule | " + " | ".join((*names, "mean", "caught at 95 % kept")) + " |"
    lines = [head, "|---" + (len(names) + 2) * "|---:" + "|"]
    for index in figures[:, :, 0].mean(axis=0).argsort()[::-1]:
        values = (*figures[:, index, 0], *figures[:, index].mean(axis=0))
        lines.append(f"| {rules[index]} |" + "".join(f" {value:.3f} |" for value in values))
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the table of the first half and that of the second."""
    options = _parser().parse_args(arguments)
    figures = []
    for path in options.folders:
        pictures = encode(path, options.backbone, options.classes, options.shots, options.most)
        figures.append(measure(pictures, RULES, options.draws, options.shots))
    names = [path.name for path in options.folders]
    for half, title in enumerate(("first half, to choose on", "second half")):
        chosen = np.stack([one[half] for one in figures])
        print(f"{title}\n\n{table(names, list(RULES), chosen)}\n", flush=True)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.rules", description=__doc__)
    parser.add_argument("folders", type=Path, nargs="+", help="each with a sub-folder per class")
    parser.add_argument("--draws", type=int, default=8)
    parser.add_argument("--classes", type=int, default=20, help="of a folder, at most")
    parser.add_argument("--shots", type=int, default=16, help="pictures per class to learn from")
    parser.add_argument("--most", type=int, default=30, help="pictures per class and half")
    parser.add_argument("--backbone", default="lite")
    return parser


if __name__ == "__main__":
    main()
