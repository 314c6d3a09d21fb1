"""``python -m benchmarks.unknown FOLDER``: unknown pictures and calibration of ``gopro fit``.

For each draw, a seed chooses classes of the folder that are left out and, at random, photographs
of the others to learn from. The classifier is fitted as by ``gopro fit`` and measured on other
photographs of its classes and on photographs of the classes left out. Beside its own score for
known classes stand rules that need no training pictures, such as the largest share and the energy
of the scores.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from scipy.special import logsumexp
from torch import Tensor

from gopro import PromptClassifier
from gopro.classifier.confidence.parts import divided
from gopro.classifier.confidence.unknown import KnownClasses, inputs_from
from gopro.data import Item
from gopro.data.fewshot import rank
from gopro.data.folder import read_folder
from gopro.data.pixels import stack
from gopro.prediction.encode import encode
from gopro.results.confidence import Floats, auroc


@dataclass(frozen=True)
class Draw:
    """Photographs of one draw, each with its class name.

    Attributes:
        unknown: The classes left out.
        train: To learn from.
        test: Others of the same classes.
        others: Of the classes left out.
        examples: Others of these, for ``--others`` of ``gopro fit``.
    """

    unknown: tuple[str, ...]
    train: list[tuple[Path, str]]
    test: list[tuple[Path, str]]
    others: list[Path]
    examples: list[Path]


def draw(folder: Path, seed: int, unknown: int, shots: int, most: int) -> Draw:
    """Choose classes and photographs.

    Args:
        folder: One sub-folder per class.
        seed: Of the choice.
        unknown: Classes to leave out.
        shots: Photographs per class to learn from.
        most: Photographs per class to measure on, at most.
    """
    dataset = read_folder(folder, hold_out=False)
    names = sorted(dataset.class_names, key=lambda name: rank(f"classes{seed}", name))
    left_out = tuple(names[:unknown])
    chosen = Draw(left_out, [], [], [], [])
    for name in names:
        label = dataset.class_names.index(name)
        items: list[Item] = [item for item in dataset.train if item.label == label]
        items.sort(key=lambda item: rank(f"photographs{seed}", item.key))
        paths = [folder / item.key for item in items]
        if name in left_out:
            chosen.examples.extend(paths[:shots])
            chosen.others.extend(paths[shots : shots + most])
        else:
            chosen.train.extend((path, name) for path in paths[:shots])
            chosen.test.extend((path, name) for path in paths[shots : shots + most])
    chosen.train.sort(key=lambda pair: (pair[1], pair[0]))
    return chosen


def rules(classifier: PromptClassifier, pictures: Sequence[Path]) -> dict[str, Floats]:
    """For each rule its score of each picture, higher for known classes."""
    pixels = torch.cat([stack(group) for group in classifier.groups(pictures)])
    features = encode(classifier.method_, pixels)
    logits = torch.from_numpy(classifier._logits(features))
    assert classifier.calibration_ is not None
    return {
        "largest share": logits.softmax(dim=1).amax(dim=1).numpy(),
        "largest calibrated share": classifier._shares(features).max(axis=1),
        "largest score": logits.amax(dim=1).numpy(),
        "energy": logsumexp(logits.numpy(), axis=1),
        "ours": classifier.calibration_.classes.scores(inputs_from(features)).numpy(),
    }


def class_held_out(inputs: Tensor, truth: Tensor, layer_means: int) -> dict[str, float]:
    """AUROC of two rules on training pictures alone; each class in turn is the unknown one.

    Args:
        inputs: [N, F], see ``inputs_from``.
        truth: [N], class indices.
        layer_means: How many of the F numbers are layer means.
    """
    known: dict[str, list[Tensor]] = {"relative": [], "absolute": []}
    others: dict[str, list[Tensor]] = {"relative": [], "absolute": []}
    for index in sorted(set(truth.tolist())):
        for held, rest in divided(truth, 4, seed=1):
            rest = rest[truth[rest] != index]
            classes = KnownClasses.of(inputs[rest], truth[rest], layer_means)
            new, is_known = inputs[held], truth[held] != index
            absolute = -classes.distances(new)
            for rule, scores in (("relative", classes.scores(new)), ("absolute", absolute)):
                known[rule].append(scores[is_known])
                others[rule].append(scores[~is_known])
    return {
        f"AUROC, class held out, {rule}": auroc(
            torch.cat(known[rule]).numpy(), torch.cat(others[rule]).numpy()
        )
        for rule in known
    }


def measure(chosen: Draw, classifier: PromptClassifier, sets: float) -> dict[str, float]:
    """Fit, and measure everything.

    Args:
        chosen: The photographs.
        classifier: Not fitted yet.
        sets: Level of the conformal sets.
    """
    paths, labels = zip(*chosen.train, strict=True)
    with tempfile.TemporaryDirectory(prefix="gopro-unknown-") as name:
        folder = classifier.fit(list(paths), list(labels)).save(Path(name) / "model")
        classifier = PromptClassifier.load(folder, device=classifier.device)
    test, truth = zip(*chosen.test, strict=True)
    measured = classifier.compare(list(test), list(truth), sets=sets, others=chosen.others)
    confidence = measured.confidence
    assert confidence is not None and confidence.unknowns is not None
    assert confidence.sets is not None and confidence.uncalibrated_error is not None
    known, others = rules(classifier, test), rules(classifier, chosen.others)
    taught = classifier.with_others(chosen.examples).compare(
        list(test), list(truth), others=chosen.others
    )
    assert taught.confidence is not None and taught.confidence.unknowns is not None
    with_examples = taught.confidence.unknowns
    calibration = classifier.calibration_
    assert calibration is not None
    layer_means = calibration.classes.layer_means
    return {
        "accuracy in %": measured.accuracy,
        **class_held_out(calibration.inputs.float(), calibration.truth, layer_means),
        "calibration error, uncalibrated": confidence.uncalibrated_error,
        "calibration error": confidence.error,
        **{f"AUROC, {rule}": auroc(known[rule], others[rule]) for rule in known},
        "AUROC, with examples": with_examples.auroc,
        "caught at 95 % kept": confidence.unknowns.caught,
        "caught with the threshold": confidence.unknowns.named,
        "kept with the threshold": 1 - confidence.unknowns.named_known,
        "caught at 95 % kept, with examples": with_examples.caught,
        "caught with the threshold, with examples": with_examples.named,
        "kept with the threshold, with examples": 1 - with_examples.named_known,
        f"coverage of sets of {sets:g}": confidence.sets.coverage,
        "names in a set": confidence.sets.size,
    }


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure every draw and print a column for each, and their mean."""
    options = _parser().parse_args(arguments)
    columns = []
    for seed in options.draws:
        chosen = draw(options.folder, seed, options.unknown, options.shots, options.most)
        print(
            f"draw {seed}: learn {len(chosen.train)}, measure on {len(chosen.test)} of known "
            f"classes and {len(chosen.others)} of {', '.join(chosen.unknown)}",
            flush=True,
        )
        classifier = PromptClassifier(
            method=options.method,
            options=json.loads(options.options),
            backbone=options.backbone,
            device="cpu",
            seed=seed,
        )
        columns.append(measure(chosen, classifier, options.sets))
        for name, value in columns[-1].items():
            print(f"  {name:42}{value:8.3f}", flush=True)
    print("mean of all draws")
    for name in columns[0]:
        values = [column[name] for column in columns]
        print(f"  {name:42}{statistics.fmean(values):8.3f}  {np.round(values, 3).tolist()}")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.unknown", description=__doc__)
    parser.add_argument("folder", type=Path, help="one sub-folder per class")
    parser.add_argument("--draws", type=int, nargs="+", default=[1, 2, 3], help="seeds")
    parser.add_argument("--unknown", type=int, default=2, help="classes to leave out")
    parser.add_argument("--shots", type=int, default=16, help="per class, to learn from")
    parser.add_argument("--most", type=int, default=60, help="per class, to measure on")
    parser.add_argument("--sets", type=float, default=0.9, help="level of the sets")
    parser.add_argument("--method", default="gopro")
    parser.add_argument("--options", default="{}", help="the method's settings, as JSON")
    parser.add_argument("--backbone", default="lite")
    return parser


if __name__ == "__main__":
    main()
