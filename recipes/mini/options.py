"""The options of a training, and its command line for the model card."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

# Placeholders for files and folders: a card must not contain the paths of a machine.
_STAND_INS = {
    "data": "--data DATA",
    "teacher": "--teacher teacher_mobilenetv2.npz",
    "text_vocab": "--text-vocab clip_vitb32_text_vocab.npz",
    "start": "--start WEIGHTS",
}
_UNSAID = ("out", "cache", "device", "threads", "processes")


@dataclass(frozen=True)
class Options:
    """The options of a training; ``--help`` explains each."""

    out: Path
    data: Path | None
    teacher: Path | None
    text_vocab: Path | None
    start: Path | None
    cache: Path
    steps: int
    minutes: float
    batch: int
    absent: int
    guide_names: int
    rate: float
    decay: float
    drop: float
    full_from: float
    save_every: float
    device: str
    threads: int
    processes: int
    seed: int
    world_pictures: int
    frozen_image: bool

    def command(self) -> str:
        """The command of this training, with placeholders for files."""
        words = ["python -m recipes.mini.train --out OUT"]
        words += [text for name, text in _STAND_INS.items() if getattr(self, name) is not None]
        usual = vars(parse(["--out", "OUT"]))
        for name, value in vars(self).items():
            if name not in (*_STAND_INS, *_UNSAID) and value != usual[name]:
                option = f"--{name.replace('_', '-')}"
                words.append(option if value is True else f"{option} {value:g}")
        return " ".join(words)


def parse(arguments: Sequence[str] | None = None, about: str | None = None) -> Options:
    """Read the command line.

    Args:
        arguments: By default those of the process.
        about: First text of ``--help``.
    """
    cuda = torch.cuda.is_available()
    parser = argparse.ArgumentParser(prog="python -m recipes.mini.train", description=about)
    add = parser.add_argument
    add("--out", type=Path, required=True, help="folder of the run; an unfinished one goes on")
    add("--data", type=Path, help="unpacked real pictures; without it the built-in world alone")
    add("--teacher", type=Path, help="features of a trained image network (npz: path, feature)")
    add("--text-vocab", type=Path, help="real CLIP text embeddings of names (npz: names, text)")
    add("--start", type=Path, help="begin with these weights (safetensors) instead of random ones")
    add("--cache", type=Path, help="where decoded pictures are kept (default: OUT/cache)")
    add("--steps", type=int, default=100_000, help="most steps")
    add("--minutes", type=float, default=90, help="most minutes of work; the rate follows it")
    add("--batch", type=int, default=256, help="pictures a step, over all processes")
    add("--absent", type=int, default=48, help="plain prompts of classes not in the batch")
    add("--guide-names", type=int, default=32, help="names of --text-vocab a step")
    add("--rate", type=float, default=1.3e-3, help="highest learning rate")
    add("--decay", type=float, default=0.1, help="weight decay")
    add("--drop", type=float, default=0.4, help="share of patches left out until --full-from")
    add("--full-from", type=float, default=0.6, help="share of the run after which none is")
    add("--save-every", type=float, default=3.0, help="minutes between checkpoints")
    add("--device", default="auto", help="cpu, cuda or auto")
    add("--threads", type=int, default=1, help="CPU threads a process")
    add("--processes", type=int, default=1 if cuda else 2, help="each with its part of the batch")
    add("--seed", type=int, default=0, help="start of all random choices")
    add("--world-pictures", type=int, default=120, help="built-in pictures per class and style")
    add("--frozen-image", action="store_true", help="train the text tower alone, after --start")
    given = vars(parser.parse_args(arguments))
    given["cache"] = given["cache"] or given["out"] / "cache"
    if given["device"] == "auto":
        given["device"] = "cuda" if cuda else "cpu"
    if given["batch"] % given["processes"]:
        parser.error(
            f"--batch {given['batch']} can't be shared among {given['processes']} processes; "
            "choose a multiple"
        )
    if given["frozen_image"] and given["start"] is None:
        parser.error(
            "--frozen-image would keep a random image tower; say with --start whose to keep"
        )
    return Options(**given)
