"""A bare CoOp, and a linear head: what can be learned from a few cached image embeddings.

The first asks one question of the text tower, whether its context words have any pull. The second
asks the same of the image embeddings: class embeddings free to go anywhere can be wherever prompts
could take them, though they may overfit more. The package's own methods are the ones to use for
anything more.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import open_clip
import torch
import torch.nn.functional as F
from recipes.mini.names import tidy
from torch import Tensor

CONTEXT = "a photo of a"


def coop(
    model: open_clip.CLIP,
    images: Tensor,
    labels: Tensor,
    names: Sequence[str],
    *,
    seed: int,
    steps: int = 100,
    rate: float = 2e-3,
    batch: int = 64,
) -> Callable[[Sequence[str]], Tensor]:
    """Learn the context from few images; cross-entropy, Adam, cosine.

    Args:
        model: Frozen.
        images: Unit embeddings, [N, e].
        labels: Indices into ``names``, [N].
        names: The classes.
        seed: Order of the images.
        steps: Batches to learn from, pass after pass over the images.
        rate: Highest learning rate.
        batch: Images a step.

    Returns:
        A function from class names, these or others, to unit text embeddings [C, e].
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
        with torch.autocast("cpu", torch.bfloat16):  # twice as fast, and a probe can bear it
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
    """Fit class embeddings to few images: cross-entropy, held near where they start, to the end.

    Args:
        images: Unit embeddings, [N, e].
        labels: Indices into ``classes``, [N].
        classes: Where the class embeddings start, [C, e].
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
