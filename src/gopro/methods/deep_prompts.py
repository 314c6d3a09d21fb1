"""Shared by the methods that learn prompts inside the encoders."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import Tensor, nn

from gopro.backbones import Backbone, ClassTokens
from gopro.common.errors import GoproError
from gopro.methods.base import initial_context


def random_prompts(blocks: int, n_ctx: int, width: int) -> nn.ParameterList:
    """Learned tokens [n_ctx, width] for each block, normal with standard deviation 0.02.

    Raises:
        GoproError: For less than one token.
    """
    if n_ctx < 1:
        raise GoproError(f"got {n_ctx} prompt tokens; wanted at least 1")
    return nn.ParameterList(
        nn.Parameter(nn.init.normal_(torch.empty(n_ctx, width), std=0.02)) for _ in range(blocks)
    )


def three_quarters(blocks: int) -> int:
    """The default number of blocks with prompts: 9 of 12."""
    return max(1, round(blocks * 3 / 4))


def check_text_depth(backbone: Backbone, depth: int) -> None:
    """Check that the text encoder has ``depth`` blocks.

    Raises:
        GoproError: If it has fewer.
    """
    blocks = len(backbone.text_encoder.blocks)
    if not 1 <= depth <= blocks:
        raise GoproError(
            f"got prompts for {depth} blocks of the text tower; {backbone.name} has {blocks}: "
            f"choose from 1 to {blocks}"
        )


def upper_blocks(backbone: Backbone, blocks: int | None, share: float, below: int = 0) -> int:
    """Number of blocks that a method changes in both encoders, the last ones.

    Args:
        backbone: With transformer blocks in both encoders.
        blocks: The user's choice.
        share: The default, as a share of the blocks of the encoder with fewer.
        below: Number of blocks that have to stay unchanged below them.

    Raises:
        GoproError: If an encoder has fewer.
    """
    fewest = min(len(backbone.image_encoder.prompts.blocks), len(backbone.text_encoder.blocks))
    most = fewest - below
    count = min(most, max(1, round(fewest * share))) if blocks is None else blocks
    if not 1 <= count <= most:
        raise GoproError(
            f"got {count} upper blocks; {backbone.name} has {fewest} in its encoder with fewer: "
            f"choose from 1 to {most}"
        )
    return count


def check_upper_text(backbone: Backbone, method: str) -> None:
    """Check that a method can change the upper blocks of the text encoder.

    Raises:
        GoproError: If it can't.
    """
    if not backbone.text_encoder.tower.extensible:
        raise GoproError(
            f"{method} changes the upper blocks of the text tower, and those of {backbone.name} "
            "can't be changed; choose a backbone such as ViT-B-16, or another --method"
        )


def leading_context(backbone: Backbone, ctx_init: str, n_ctx: int) -> Tensor:
    """Initial context tokens [n_ctx, d_t]: the first tokens of ``ctx_init``.

    With more tokens than words, random ones come before the words.

    Raises:
        GoproError: For less than one token.
    """
    words = backbone.token_embeddings(ctx_init)
    if 1 <= n_ctx <= len(words):
        return words[:n_ctx].clone()
    return initial_context(backbone, ctx_init, n_ctx)


def tokens_after_context(
    backbone: Backbone, names: Sequence[str], ctx_init: str, n_ctx: int
) -> ClassTokens:
    """The fixed tokens after ``leading_context``: the rest of ``ctx_init``, and "NAME.".

    With "a photo of a" and 2 tokens this is "of a NAME.", as in the code of MaPLe and PromptSRC.

    Raises:
        GoproError: For names that are empty, equal, or too long for the text encoder.
    """
    if len(backbone.token_embeddings(ctx_init)) <= n_ctx:
        return backbone.class_tokens(names, n_ctx)
    sentence = backbone.class_tokens(names, 0, f"{ctx_init} {{}}.")
    lengths = tuple(length - n_ctx for length in sentence.lengths)
    return replace(sentence, embedding=sentence.embedding[:, n_ctx:], lengths=lengths)
