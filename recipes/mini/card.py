"""The model card, as JSON and as Markdown, made from the figures of a training.

``python -m recipes.mini.card --run DIR --figures FILE`` copies the weights of a finished training
and its card into the package. No figure on the card is written by hand.
"""

from __future__ import annotations

import argparse
import json
import shutil
import textwrap
from collections.abc import Sequence
from pathlib import Path
from statistics import mean, stdev
from typing import Any

from gopro.backbones.mini import load as mini
from gopro.common.files import atomic_write, write_json

PACKAGE = Path(mini.__file__).parent


def summary(
    figures: dict[str, Any], training: dict[str, Any], size: int, notes: Sequence[str] = ()
) -> dict[str, Any]:
    """The card as data.

    Args:
        figures: Written by ``recipes.mini.evaluate --json``.
        training: ``training.json`` of the run.
        size: Bytes of the weights file.
        notes: Further remarks on this training, one paragraph each.
    """
    zero_shot = {"world": figures["world"]["mean"]}
    if "pacs" in figures:
        zero_shot["pacs"] = figures["pacs"]["mean"]
    if "caltech101" in figures:
        known = figures["caltech101"]
        zero_shot["caltech101"] = known["all"]
        zero_shot["caltech101-base"] = known["base"]
        zero_shot["caltech101-new"] = known["new"]
    return {
        "name": "mini",
        "template": "a photo of a {}.",
        "megabytes": round(size / 1e6, 2),
        "parameters": training["parameters"],
        "zero_shot": zero_shot,
        "figures": figures,
        "training": training,
        "notes": list(notes),
    }


def page(card: dict[str, Any]) -> str:
    """The card as Markdown."""
    training, figures = card["training"], card["figures"]
    counts = card["parameters"]
    lines = [
        "# mini: the embedded CLIP",
        "",
        "A small image-text model of the `open_clip` kind that comes with the package and needs",
        "no network. It is there for the first minute, for tests, and for measuring prompt",
        "learning on real photographs where CLIP's own weights can't be had. It does not replace",
        "them.",
        "",
        "| | |",
        "|---|---|",
        f"| image tower | transformer, 64-pixel input, {counts['image']:,} weights |",
        f"| text tower | transformer, the ordinary CLIP tokenizer, {counts['text']:,} weights "
        f"and {counts['token_rows']:,} of 49,408 token rows |",
        f"| file | {card['megabytes']} MB, float16 safetensors |",
        "",
        "## How it was made",
        "",
        "```",
        training["command"],
        "```",
        "",
        f"{training['steps']:,} steps of {training['batch']} pictures ({training['pictures']:,} "
        f"in all) in {training['minutes']:.0f} minutes on {training['machine']}.",
        "The shipped weights are the average of the last steps'.",
        "",
        *(line for note in card["notes"] for line in (*textwrap.wrap(note, 95), "")),
        "Trained on: Tiny-ImageNet (200 classes, 300 pictures each), the validation split of",
        "Caltech101 (1,649 pictures), `pacs-pretrain` (one half of PACS), and the built-in world's",
        "pictures of seed 0. Guided by the features of an ImageNet-trained MobileNetV2 on the same",
        "pictures and by CLIP ViT-B/32 text embeddings of 2,068 names.",
        "",
        "Held out, never trained on: Caltech101's train and test splits, `pacs` (the other half of",
        "PACS), and the built-in world's pictures of seeds 1 and 2. The classes of Caltech101 and",
        "PACS themselves were seen, in other pictures.",
        "",
        "## Zero-shot accuracy",
        "",
        'Top-1 in percent with "a photo of a {}." on held-out pictures.',
        "",
        "| set | accuracy |",
        "|---|---|",
    ]
    if "caltech101" in figures:
        known = figures["caltech101"]
        lines += [
            f"| Caltech101 test, 100 classes ({known['images']} pictures) | {known['all']} |",
            f"| its first 50 classes among themselves (base) | {known['base']} |",
            f"| its other 50 classes among themselves (new) | {known['new']} |",
        ]
    if "pacs" in figures:
        known = figures["pacs"]
        lines += [f"| PACS {d.replace('_', ' ')} | {known[d]} |" for d in _styles(known)]
        lines += [f"| PACS, mean of its domains ({known['images']} pictures) | {known['mean']} |"]
    known = figures["world"]
    lines += [f"| world, {style} | {known[style]} |" for style in _styles(known)]
    lines += [f"| world, mean of its styles ({known['images']} pictures) | {known['mean']} |"]
    lines += ["", "## What learned context words add", ""]
    lines += [
        "A bare CoOp (four context vectors from 'a photo of a', 16 pictures a class, Adam, 100",
        "steps of 64, the last), mean and standard deviation over seeds, in percent.",
        "",
        "| trained and tested on | before | after | gain |",
        "|---|---|---|---|",
        *_gains(figures),
        "",
        *_free_head(figures),
        "## What it can't do",
        "",
        "It sees 64 pixels and knows some hundred things. Names it never met get an embedding that",
        "means little; fine-grained sets (aircraft, cars, flowers, pets), text in pictures,",
        "counting and relations are beyond it. Its figures say something about methods relative to",
        "each other, nothing about what CLIP would reach. Do not use it to judge people.",
        "",
    ]
    return "\n".join(lines)


def _styles(figures: dict[str, Any]) -> list[str]:
    return [key for key in figures if key not in ("images", "mean", "coop")]


def _free_head(figures: dict[str, Any]) -> list[str]:
    heads = _heads(figures)
    if not heads:
        return []
    return [
        "What 16 pictures of each of Caltech101's base classes can say at all: class embeddings",
        "that start at the plain prompts' and are then free to go anywhere (a linear head). The",
        "shots are balanced and the test pictures are not: four of the fifty classes have 43 % of",
        "them, and are the ones that the plain prompt knows best. It is no proof of what a prompt",
        "can reach, which may overfit less, or move the image embeddings as well.",
        "",
        "| tested on | before | after | gain |",
        "|---|---|---|---|",
        *heads,
        "",
    ]


_Rows = list[tuple[str, list[float], list[float]]]


def _counted(part: str) -> str:
    return part.replace("_by_class", ", each class counting the same")


def _heads(figures: dict[str, Any]) -> list[str]:
    """Gains of a linear head on the base classes of Caltech101, for each weight decay."""
    runs = figures.get("caltech101", {}).get("coop", [])
    rows: _Rows = []
    for key in runs[0] if runs else ():
        if key.startswith("head_"):
            part = "base_by_class" if key.endswith("_by_class") else "base"
            decay = key.removeprefix("head_").removesuffix("_by_class")
            before = [run[f"{part}_before"] for run in runs]
            rows.append((f"{_counted(part)}, decay {decay}", before, [run[key] for run in runs]))
    return _table(rows)


def _gains(figures: dict[str, Any]) -> list[str]:
    rows: _Rows = []
    if "caltech101" in figures:
        for key, what in (("coop", ""), ("coop_dark_blurred", ", darkened and blurred")):
            runs = figures["caltech101"].get(key, [])
            for part in ("base", "base_by_class", "new", "new_by_class"):
                rows.append(
                    (
                        f"Caltech101 base, tested on {_counted(part)}{what}",
                        [run[f"{part}_before"] for run in runs],
                        [run[f"{part}_after"] for run in runs],
                    )
                )
    for domain, runs in figures.get("pacs", {}).get("coop", {}).items():
        name = domain.replace("_", " ")
        rows.append(
            (f"PACS {name}", [run["before"] for run in runs], [run["after"] for run in runs])
        )
    return _table(rows)


def _table(rows: _Rows) -> list[str]:
    return [
        f"| {name} | {mean(before):.1f} | {_spread(after)} | "
        f"{_spread([b - a for a, b in zip(before, after, strict=True)])} |"
        for name, before, after in rows
        if before
    ]


def _spread(values: list[float]) -> str:
    return f"{mean(values):.1f} ± {stdev(values) if len(values) > 1 else 0:.1f}"


def main(arguments: Sequence[str] | None = None) -> None:
    """Copy the weights and write ``card.json`` and ``CARD.md`` next to them."""
    parser = argparse.ArgumentParser(prog="python -m recipes.mini.card", description=__doc__)
    parser.add_argument("--run", type=Path, required=True, help="folder of the training")
    parser.add_argument("--figures", type=Path, required=True, help="from evaluate --json")
    parser.add_argument("--into", type=Path, default=PACKAGE)
    parser.add_argument("--note", action="append", default=[], help="a paragraph for the card")
    given = parser.parse_args(arguments)
    weights = given.run / "mini.safetensors"
    figures = json.loads(given.figures.read_text(encoding="utf-8"))
    training = json.loads((given.run / "training.json").read_text(encoding="utf-8"))
    card = summary(figures, training, weights.stat().st_size, given.note)
    with atomic_write(given.into / "mini.safetensors") as temporary:
        shutil.copyfile(weights, temporary)
    write_json(given.into / "card.json", card)
    with atomic_write(given.into / "CARD.md") as temporary:
        temporary.write_text(page(card), encoding="utf-8")


if __name__ == "__main__":
    main()
