"""Ablations as numbers: differences on the same seeds, and their spread."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from gopro.common.errors import GoproError
from gopro.methods.coop import CoOpSettings
from gopro.methods.gopro import GOPro, GOProSettings
from gopro.methods.slip import SLIPSettings
from gopro.results.results_json import summary
from gopro.runs import ablation


def run(seed: int, base: float, new: float, seconds: float = 2.0, count: int = 10) -> Any:
    ours = {name: {"accuracy": value} for name, value in (("base", base), ("new", new))}
    zero = {name: {"accuracy": 50.0} for name in ("base", "new")}
    return {
        "seed": seed,
        "test": ours,
        **summary(ours),
        "zeroshot": {"test": zero, **summary(zero)},
        "train_seconds": seconds,
        "trainable_parameters": count,
    }


RUNS = {
    "full": [run(1, 60, 60), run(2, 80, 80, 4.0)],
    "no-con": [run(1, 58, 60, 1.0, 8), run(2, 72, 80, 2.0, 8)],
}


def test_differences_are_on_the_same_seeds() -> None:
    full, part, nothing = ablation.rows(RUNS)
    assert (full.name, part.name, nothing.name) == ("full", "no-con", "zero-shot CLIP")
    assert full.scores["base"] == (70.0, pytest.approx(200**0.5))
    assert part.scores["base"] == (-5.0, pytest.approx(18**0.5))  # of -2 and -8
    assert part.scores["new"] == (0.0, 0.0)
    assert list(part.scores) == ["base", "new", "harmonic_mean"]
    assert nothing.scores["new"] == (-20.0, pytest.approx(200**0.5))
    assert (part.parameters, part.seconds) == (8, 1.5)


def test_the_table_in_words() -> None:
    words = ablation.table(ablation.rows(RUNS))
    assert words[0] == ["", "base", "new", "harmonic mean", "learned", "training s"]
    assert words[1][:3] == ["full", "70.00 ± 14.14", "70.00 ± 14.14"]
    assert words[2][:3] == ["no-con", "-5.00 ± 4.24", "0.00 ± 0.00"]
    assert words[2][-2:] == ["8", "2"]
    one = ablation.table(ablation.rows({name: runs[:1] for name, runs in RUNS.items()}))
    assert one[2][1:3] == ["-2.00", "0.00"]
    better = {"full": RUNS["full"][:1], "part": [run(1, 60.004, 61)]}
    assert ablation.table(ablation.rows(better))[2][1:3] == ["0.00", "+1.00"]


def test_other_seeds_are_refused() -> None:
    with pytest.raises(GoproError, match="no-con was run on other seeds"):
        ablation.rows({**RUNS, "no-con": RUNS["no-con"][:1]})


def test_all_parts_after_the_whole_method() -> None:
    found, left_out = ablation.choose("gopro", GOProSettings())
    assert list(found) == ["full", *GOPro.parts]
    assert found["full"] == GOProSettings()
    assert found["no-style"] == GOProSettings(style=False)
    assert left_out == []


def test_what_the_user_set_stays() -> None:
    given = GOProSettings(n_ctx=2, w_sem=0.5)
    found, left_out = ablation.choose("gopro", given, ["no-sem", "2-tokens", "8-tokens"])
    assert found == {
        "full": given,
        "no-sem": replace(given, w_sem=0.0),
        "8-tokens": replace(given, n_ctx=8),
    }
    assert left_out == ["2-tokens is left out: these settings are without it already"]


def test_parts_that_a_variant_does_not_have() -> None:
    found, left_out = ablation.choose("gopro", GOProSettings(variant="released"))
    assert set(found) == {
        *("full", "no-sem", "no-con", "no-moco", "no-augmix", "1-token", "2-tokens", "8-tokens")
    }
    assert any("no-style is left out: the released variant has" in line for line in left_out)


@pytest.mark.parametrize(
    ("method", "options", "names", "message"),
    [
        ("coop", CoOpSettings(), None, "coop has no parts to switch off; .* slip.* gopro"),
        ("slip", SLIPSettings(), ["no-com"], "no part 'no-com'; did you mean no-con"),
        ("slip", SLIPSettings(), ["xyz"], "no part 'xyz'; it has no-con"),
    ],
)
def test_what_there_is_not(method: str, options: Any, names: Any, message: str) -> None:
    with pytest.raises(GoproError, match=message):
        ablation.choose(method, options, names)
