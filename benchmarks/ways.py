"""The compared implementations ("ways"), by name."""

from __future__ import annotations

from collections.abc import Callable

from benchmarks import floor
from benchmarks.ours import Exact, Fast, ZeroShotClip
from benchmarks.published import Published
from benchmarks.setup import Setup

STEPS = ("published", "exact", "cached views")
PREDICTIONS = ("published", "exact", "fast", "zero-shot")

_PROMPT_BYTES = 53e6  # activations per 77-token prompt, ViT-B/16, float32, forward and backward


def training_step(way: str, setup: Setup, *, image_by_image: bool = False) -> Callable[[], object]:
    """A training step: loss terms and their gradient."""
    if way == "published":
        return Published(setup, image_by_image=image_by_image).step
    return Exact(setup, cached=way == "cached views").step


def prediction(way: str, setup: Setup) -> Callable[[], object]:
    """Class scores of a batch."""
    kinds = {"published": Published, "exact": Exact, "fast": Fast, "zero-shot": ZeroShotClip}
    predict: Callable[[], object] = kinds[way](setup).predict
    return predict


def needed(way: str, setup: Setup) -> floor.Work:
    """The minimum work of a training step in one of our ways, without making the views."""
    method, images = setup.method, len(setup.labels)
    augmented = [name for name in method.views if name != "x"]
    text = floor.text_step(
        setup.backbone,
        images * len(method.prompted),
        method.settings.n_ctx,
        method.classes.lengths,
    )
    if way == "cached views":
        return text
    return text + floor.image_pass(setup.backbone, images * len(augmented))


def published_fits(setup: Setup, free: float) -> bool:
    """Whether the published step's activations fit into ``free`` bytes of memory."""
    texts = setup.backbone.text_encoder
    share = texts.width * len(texts.blocks) * texts.context_length / (512 * 12 * 77)
    prompts = len(setup.labels) * len(setup.method.prompted) * len(setup.method.class_names)
    return prompts * share * _PROMPT_BYTES < free
