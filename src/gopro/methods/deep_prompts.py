"""What methods with prompts inside the towers share."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from gopro.backbones import Backbone, ClassTokens
from gopro.common.errors import GoproError
from gopro.methods.base import initial_context


def drawn_prompts(blocks: int, tokens: int, width: int) -> nn.ParameterList:
    """``blocks`` times P learned tokens [P, width], normal with standard deviation 0.02.

    Raises:
        GoproError: When no tokens are asked for.
    """
    if tokens < 1:
        raise GoproError(f"got {tokens} prompt tokens; wanted at least 1")
    made = nn.ParameterList()
    for _ in range(blocks):
        made.append(nn.Parameter(nn.init.normal_(torch.empty(tokens, width), std=0.02)))
    return made


def three_quarters(blocks: int) -> int:
    """How many blocks have prompts by default: 9 of 12."""
    return max(1, round(blocks * 3 / 4))


def check_text_depth(backbone: Backbone, depth: int) -> None:
    """See whether so many blocks of the text tower can have prompts of their own.

    Raises:
        GoproError: When there are fewer.
    """
    blocks = len(backbone.text_encoder.blocks)
    if not 1 <= depth <= blocks:
        raise GoproError(
            f"got prompts for {depth} blocks of the text tower; {backbone.name} has {blocks}: "
            f"choose from 1 to {blocks}"
        )


def opening(backbone: Backbone, words: str, tokens: int) -> Tensor:
    """Context [tokens, d_t] that starts from the first tokens of the words.

    Where there are more tokens than words, random ones stand before them.

    Raises:
        GoproError: When no tokens are asked for.
    """
    known = backbone.words(words)
    if 1 <= tokens <= len(known):
        return known[:tokens].clone()
    return initial_context(backbone, words, tokens)


def behind_opening(
    backbone: Backbone, names: Sequence[str], words: str, tokens: int
) -> ClassTokens:
    """What stands behind ``opening``: the words that are left, as they are, and "NAME.".

    With "a photo of a" and 2 tokens that is "of a NAME.", as in the code of MaPLe and PromptSRC.

    Raises:
        GoproError: For names that are empty, equal, or too long for the text tower.
    """
    if len(backbone.words(words)) <= tokens:
        return backbone.class_tokens(names, tokens)
    whole = backbone.class_tokens(names, 0, f"{words} {{}}.")
    lengths = tuple(length - tokens for length in whole.lengths)
    return ClassTokens(whole.embedding[:, tokens:], lengths, whole.start)
