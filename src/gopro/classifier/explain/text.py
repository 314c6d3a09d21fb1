"""An explanation as lines of text."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import torch

from gopro.backbones.vocabulary import Near
from gopro.classifier.confidence.judgement import NONE
from gopro.classifier.explain.explanation import ContextToken, Explanation
from gopro.classifier.explain.regions import in_words


def lines(explanation: Explanation) -> list[str]:
    """Text for a terminal: answers, regions, similar pictures, then each context token.

    The first line of a picture of none of the classes says so.
    """
    best = explanation.answers[0]
    first = marked(explanation, f"{best.name} {100 * best.probability:.1f} %")
    text = [first, ""] if explanation.unknown else []
    text.append("answer                      learned  zero-shot CLIP")
    for answer in explanation.answers:
        text.append(
            f"  {cut(answer.name, 24):<24}  {100 * answer.probability:5.1f} %  "
            f"{100 * answer.zero_shot:5.1f} %"
        )
    regions = in_words(torch.from_numpy(explanation.regions))
    text += ["", f"{supporting(explanation)} (occlusion): {regions}"]
    if explanation.similar:
        similar = ", ".join(f"{one.name} {one.cosine:.2f}" for one in explanation.similar)
        text.append(f"most similar training pictures (cosine): {similar}")
    if explanation.tokens:
        text += ["", "context tokens: initial word, and nearest words with their cosines"]
        text += [line for token in explanation.tokens for line in _token(token)]
    return text


def marked(explanation: Explanation, answer: str) -> str:
    """The first answer as ``gopro predict`` gives it: behind "none of these" if it is unknown."""
    return f"{NONE} ({answer})" if explanation.unknown else answer


def supporting(explanation: Explanation) -> str:
    """What the regions are, in words."""
    answer = cut(explanation.answers[0].name, 24) if explanation.unknown else "the answer"
    return f"regions that support {answer}"


def _token(token: ContextToken) -> Iterable[str]:
    yield f"  {token.position}  {cut(token.initial, 12):<12}  learned  {words(token.learned)}"
    if token.shift is not None:
        yield f"  {'':<3}{'':<12}  here     {words(token.here)}"
        yield f"  {'':<3}{'':<12}  shifted  {shifted(token)}"


def shifted(token: ContextToken) -> str:
    """The size of this picture's shift of a token, in percent of the token's norm."""
    parts = [
        f"{name} {100 * share:.1f} %"
        for name, share in (("content", token.content), ("style", token.style))
        if share is not None
    ]
    total = f"{100 * (token.shift or 0):.1f} % of its norm"
    return f"{total} ({', '.join(parts)})" if parts else total


def words(nearest: Sequence[Near], most: int = 4) -> str:
    """The nearest words with their cosines."""
    return ", ".join(f"{near.word} {near.cosine:.2f}" for near in nearest[:most])


def cut(text: str, length: int) -> str:
    """The text, shortened to ``length`` characters if it is longer."""
    return text if len(text) <= length else text[: length - 1].rstrip() + "…"
