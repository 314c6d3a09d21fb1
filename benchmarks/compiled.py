"""``python -m benchmarks.compiled``: what ``torch.compile`` would gain, measured in turns.

It compiles the image encoder and, for a training step on cached views, those parts of the text
encoder's blocks that are products and sums of tensors. Attention is already a fused kernel.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from unittest import mock

import torch

from benchmarks.ours import Exact
from benchmarks.setup import load_backbone, make
from benchmarks.timing import in_turns
from gopro.backbones import text


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print seconds and ratios."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.compiled", description=__doc__)
    parser.add_argument("--backbone", default="mini")
    parser.add_argument("--precision", default="fp32", choices=("fp32", "bf16", "fp16"))
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--images", type=int, default=8)
    parser.add_argument("--rounds", type=int, default=7)
    options = parser.parse_args(arguments)
    backbone = load_backbone(options.backbone, None, options.device, options.precision)
    visual = backbone.image_encoder.visual
    side = backbone.image_size
    pixels = torch.rand(options.images, 3, side, side).to(backbone.device, backbone.dtype)
    compiled = torch.compile(visual)
    step = Exact(make(backbone, 16, 4), cached=True).step

    @torch.no_grad()
    def plain_images() -> None:
        visual(pixels)

    @torch.no_grad()
    def compiled_images() -> None:
        compiled(pixels)

    names = ("_project", "_finish")
    parts = {name: torch.compile(getattr(text, name), dynamic=True) for name in names}

    def compiled_step() -> None:
        with mock.patch.multiple(text, **parts):
            step()

    print(f"{options.backbone}, {options.precision}, {torch.get_num_threads()} threads")
    for what, plain, other in (
        (f"image encoder, {options.images} images", plain_images, compiled_images),
        ("step on cached views, 4 images, 16 classes", step, compiled_step),
    ):
        started = time.perf_counter()
        other()
        first = time.perf_counter() - started
        times = in_turns({"plain": plain, "compiled": other}, options.rounds, float("inf"))
        before, after = times["plain"].median, times["compiled"].median
        print(
            f"{what}: {before:.3f} s, compiled {after:.3f} s, {before / after:.2f} times as fast, "
            f"{first:.0f} s to compile"
        )


if __name__ == "__main__":
    main()
