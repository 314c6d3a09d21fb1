"""A simple CoOp and a linear head: what can be learned from a few cached image embeddings.

CoOp shows whether context words have an effect on the text encoder. The linear head shows the same
for the image embeddings: its class embeddings are free, so they can reach every point that prompts
can reach, though they may overfit more. For anything else use the package's own methods.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import open_clip
import torch
import torch.nn.functional as F
from recipes.mini.names import tidy
from torch import Tensor

from gopro.backbones.two_towers import TwoTowers

CONTEXT = "a photo of a"


def coop(
    model: TwoTowers,
    images: Tensor,
    labels: Tensor,
    names: Sequence[str],
    *,
    seed: int,
    steps: int = 100,
    rate: float = 2e-3,
    batch: int = 64,
) -> Callable[[Sequence[str]], Tensor]:
    """Learn a context from a few images: cross-entropy, Adam, cosine schedule.

    Args:
        model: Frozen.
        images: Unit embeddings, [N, e].
        labels: Indices into ``names``, [N].
        names: The classes.
        seed: Of the order of the images.
        steps: Number of batches, over several epochs.
        rate: Highest learning rate.
        batch: Images per step.

    Returns:
        A function from any class names to unit text embeddings [C, e].
    """
    tokenizer = open_clip.SimpleTokenizer()
    size = len(tokenizer.encode(CONTEXT))
    start = torch.tensor(tokenizer.encode(CONTEXT))
    model.requires_grad_(False)
    context = model.token_embedding(start).clone().requires_grad_(True)

    def texts(given: Sequence[str]) -> Tensor:
        tokens = tokenizer([f"{CONTEXT} {tidy(name)}." for name in given])
        length = int(tokens.argmax(-1).max()) + 1
        x = model.token_embedding(tokens[:, :length])
        shared = context.expand(len(given), -1, -1)
        x = torch.cat([x[:, :1], shared, x[:, 1 + size :]], 1) + model.positional_embedding[:length]
        x = model.transformer(x, attn_mask=model.attn_mask[:length, :length])
        x = model.ln_final(x[torch.arange(len(x)), tokens.argmax(-1)]) @ model.text_projection
        return F.normalize(x, dim=-1)

    generator = torch.Generator().manual_seed(seed)
    optimizer = torch.optim.Adam([context], lr=rate)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    scale = model.logit_scale.exp()
    left: list[Tensor] = []
    for _ in range(steps):
        if not left:
            left = list(torch.split(torch.randperm(len(images), generator=generator), batch))
        rows = left.pop()
        with torch.autocast("cpu", torch.bfloat16):  # twice as fast, and exact enough here
            classes = texts(names)
        loss = F.cross_entropy(scale * images[rows] @ classes.float().T, labels[rows])
        optimizer.zero_grad()
        torch.autograd.backward(loss)
        optimizer.step()
        schedule.step()

    def learned(given: Sequence[str]) -> Tensor:
        with torch.no_grad():
            return texts(given)

    return learned


def head(images: Tensor, labels: Tensor, classes: Tensor, *, scale: float, decay: float) -> Tensor:
    """Fit class embeddings to a few images until convergence, with a pull towards their start.

    Args:
        images: Unit embeddings, [N, e].
        labels: Indices into ``classes``, [N].
        classes: The class embeddings at the start, [C, e].
        scale: Logit scale.
        decay: Weight of the squared distance from the start.

    Returns:
        Class embeddings [C, e].
    """
    moved = torch.zeros_like(classes, requires_grad=True)
    optimizer = torch.optim.LBFGS([moved], max_iter=300, line_search_fn="strong_wolfe")

    def loss() -> Tensor:
        optimizer.zero_grad()
        value = F.cross_entropy(scale * images @ (classes + moved).T, labels)
        value = value + decay * moved.square().sum()
        torch.autograd.backward(value)
        return value

    optimizer.step(loss)  # type: ignore[arg-type]
    return (classes + moved).detach()
