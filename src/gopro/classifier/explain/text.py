"""An explanation as lines of text."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import torch

from gopro.backbones.vocabulary import Near
from gopro.classifier.explain.explanation import Explanation, TokenStory
from gopro.classifier.explain.regions import in_words


def lines(found: Explanation) -> list[str]:
    """For a terminal: answers, regions, similar pictures, then the context token by token."""
    told = ["answer                      learned  zero-shot CLIP"]
    for answer in found.answers:
        told.append(
            f"  {_cut(answer.name, 24):<24}  {100 * answer.probability:5.1f} %  "
            f"{100 * answer.zero_shot:5.1f} %"
        )
    told += ["", f"regions it rests on (occlusion): {in_words(torch.from_numpy(found.regions))}"]
    if found.similar:
        near = ", ".join(f"{one.name} {one.cosine:.2f}" for one in found.similar)
        told.append(f"most similar training pictures (cosine): {near}")
    if found.tokens:
        told += ["", "context, token by token: what it started as, and the words it is near"]
        told += [line for token in found.tokens for line in _token(token)]
    return told


def _token(token: TokenStory) -> Iterable[str]:
    yield f"  {token.place}  {_cut(token.started, 12):<12}  learned  {words(token.learned)}"
    if token.shift is not None:
        yield f"  {'':<3}{'':<12}  here     {words(token.here)}"
        yield f"  {'':<3}{'':<12}  shifted  {shifted(token)}"


def shifted(token: TokenStory) -> str:
    """How far the picture moved a token, in percent of its length."""
    parts = [
        f"{name} {100 * share:.1f} %"
        for name, share in (("content", token.content), ("style", token.style))
        if share is not None
    ]
    whole = f"{100 * (token.shift or 0):.1f} % of its length"
    return f"{whole} ({', '.join(parts)})" if parts else whole


def words(near: Sequence[Near], most: int = 4) -> str:
    """Words with their cosines."""
    return ", ".join(f"{one.word} {one.cosine:.2f}" for one in near[:most])


def _cut(text: str, length: int) -> str:
    return text if len(text) <= length else text[: length - 1].rstrip() + "…"
