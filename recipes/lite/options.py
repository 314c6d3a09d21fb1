"""The settings of a run, and its command line."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path

TASKS = ("names", "captions", "words", "kinds")


@dataclass(frozen=True)
class Options:
    """What one run does."""

    data: Path
    out: Path
    cache: Path | None = None
    """Features and teachers' embeddings; by default a folder in ``out``."""
    prepare: int = 1
    """1 first computes what the cache lacks, 0 learns from what it holds."""
    text_vocab: Path | None = None
    """clip_vitb32_text_vocab.npz; by default the one in ``data``."""
    minutes: float = 66.0
    steps: int = 20_000
    order: str = "names,captions,words,captions,names,captions,words,kinds"
    """The tasks of the steps in turn."""
    translator: int = 1200
    """Steps that fit the translator, the text tower's teacher; 0 goes without."""
    told: float = 20.0
    """Weight of what the translator says of each text."""
    rate: float = 2e-3
    decay: float = 0.1
    optimizer: str = "adamw"
    """adamw, or muon for the matrices of the blocks: slow where the processor has no bfloat16."""
    width: int = 256
    heads: int = 4
    layers: int = 4
    embed_dim: int = 512
    dropout: float = 0.1
    word_start: int = 1
    """1 begins the token rows of whole words with MiniLM's embeddings, 0 with random ones."""
    absent: int = 0
    """How many ImageNet names are left unread, to compare runs by what they make of new names."""
    seed: int = 0
    threads: int = 2
    save_every: float = 8.0
    """Minutes between checkpoints, each with the watched figures."""

    @property
    def cache_folder(self) -> Path:
        """Where features and teachers' embeddings are kept."""
        return self.cache or self.out / "cache"

    @property
    def vocabulary(self) -> Path:
        """CLIP's embeddings of 2,068 names."""
        return self.text_vocab or self.data / "clip_vitb32_text_vocab.npz"

    @property
    def tasks(self) -> tuple[str, ...]:
        """The tasks in turn."""
        return tuple(self.order.split(","))

    def command(self) -> str:
        """The command that makes this run, without this machine's paths."""
        plain = {"data": "DATA", "out": "OUT", "cache": "CACHE", "text_vocab": "NPZ"}
        words = ["python -m recipes.lite.train"]
        for field in fields(self):
            value = getattr(self, field.name)
            if field.name in ("data", "out") or value != field.default:
                words += [f"--{field.name.replace('_', '-')}", plain.get(field.name, str(value))]
        return " ".join(words)


def parse(arguments: Sequence[str] | None, description: str | None) -> Options:
    """Read a command line."""
    parser = argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    kinds = {"str": str, "int": int, "float": float}
    for field in fields(Options):
        kind = kinds.get(str(field.type), Path)
        needed = field.name in ("data", "out")
        name = f"--{field.name.replace('_', '-')}"
        if needed:
            parser.add_argument(name, type=kind, required=True)
        else:
            parser.add_argument(name, type=kind, default=field.default, help=f"[{field.default}]")
    options = Options(**vars(parser.parse_args(arguments)))
    unknown = set(options.tasks) - set(TASKS)
    if unknown:
        parser.error(
            f"got the task {sorted(unknown)[0]!r} in --order; choose from {', '.join(TASKS)}"
        )
    return options
