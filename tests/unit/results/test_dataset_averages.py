"""Averages over data sets, few-shot curves, and gains in a table's last column, by hand."""

from __future__ import annotations

import pytest

from gopro.results.pages import formats
from gopro.results.tables import ZERO_SHOT, Table, build
from many_runs import Run, make

UNFINISHED = ("coop on pacs, seed 3", "gopro (paper) on pacs, seed 1")


def _few_shot(method: str, seed: int, accuracies: dict[int, float], *sets: str) -> list[Run]:
    """Runs with these accuracies by shots, on each of the data sets."""
    return [
        make(
            method,
            seed,
            task="few-shot",
            shots=shots,
            dataset=name,
            ours={"all": value},
            zero={"all": 50.0},
        )
        for name in sets
        for shots, value in accuracies.items()
    ]


def _gains(table: Table) -> dict[str, float | None]:
    return {line.method: line.gain and line.gain.mean for line in table.lines}


def test_average_over_data_sets_takes_the_harmonic_mean_of_averages() -> None:
    runs = [
        make(seed=seed, dataset=dataset, ours={"base": base, "new": new})
        for seed in (1, 2)
        for dataset, base, new in (("dtd", 80.0, 40.0), ("eurosat", 60.0, 60.0))
    ]
    runs.append(make("gopro", dataset="dtd"))  # not on eurosat: in no average
    average, *rest = build(runs)
    assert average.datasets == ("dtd", "eurosat") and len(rest) == 2
    assert [line.method for line in average.lines] == [ZERO_SHOT, "coop"]
    line = average.lines[1]
    assert line.scores["harmonic_mean"] == (pytest.approx(2 * 70 * 50 / 120), 0.0)
    # its pairs are the sets: 53.33 and 60 less 50
    assert line.gain is not None and line.gain.pairs == 2
    assert line.gain.mean == pytest.approx((160 / 3 + 60) / 2 - 50)
    assert not line.published  # two sets of eleven


def test_zero_shot_with_other_sentences_has_a_line_in_averages() -> None:
    sets = ("dtd", "eurosat")
    same = [make("zeroshot", dataset=name, ours={"base": 50.0, "new": 50.0}) for name in sets]
    assert [line.method for line in build([*same, make()])[0].lines] == [ZERO_SHOT]
    other = [make("zeroshot", dataset=sets[0], ours={"base": 54.0, "new": 50.0}), same[1]]
    average = build(other)[0]
    assert [line.method for line in average.lines] == [ZERO_SHOT, "zeroshot"]
    assert [line.scores["base"][0] for line in average.lines] == [50.0, 52.0]


def test_average_of_domains_has_a_column_for_each_set() -> None:
    task = "domain-generalization"
    runs = [
        make(seed=seed, task=task, dataset=name, ours={domain: value + seed}, zero={domain: 50.0})
        for seed in (1, 2)
        for name, domain, value in (
            ("pacs", "photo", 70.0),
            ("pacs", "sketch", 50.0),
            ("world", "line", 40.0),
            ("world", "night", 20.0),
        )
    ]
    average, *rest = build(runs)
    assert average.columns == ("pacs", "world", "average") and len(rest) == 2
    line = average.lines[1]
    assert [line.scores[name][0] for name in average.columns] == [61.5, 31.5, 46.5]
    assert line.gain is not None and line.gain.mean == pytest.approx((11.5 - 18.5) / 2)
    assert line.gain.pairs == 2


def test_an_unfinished_seed_is_left_out_of_the_average_of_domains() -> None:
    def run(method: str, seed: int, dataset: str, domain: str) -> Run:
        task, zero = "domain-generalization", {domain: 50.0}
        ours = {domain: 60.0 + seed}
        return make(method, seed, task=task, dataset=dataset, ours=ours, zero=zero)

    runs = [
        run("coop", seed, name, domain)
        for seed in (1, 2)
        for name, domain in (("pacs", "art"), ("pacs", "photo"), ("world", "line"))
    ]
    runs += [run("coop", 3, "world", "line"), run("coop", 3, "pacs", "art")]
    runs += [run("gopro", 1, "world", "line"), run("gopro", 1, "pacs", "photo")]
    average, *rest = build(runs)
    assert average.columns == ("pacs", "world", "average") and len(rest) == 4
    assert [line.method for line in average.lines] == [ZERO_SHOT, "coop"]
    assert average.lines[1].seeds == (1, 2) and average.lines[1].scores["average"][0] == 61.5
    left_out = (
        "coop on pacs, seed 3 (1 of 2 tests)",
        "gopro (paper) on pacs, seed 1 (1 of 2 tests)",
    )
    assert average.left_out == left_out
    assert f"left out of the average: {'; '.join(left_out)}" in formats.about(average)
    assert not any(table.left_out for table in rest)


def test_average_of_few_shot_curves_takes_the_shots_of_all_sets() -> None:
    runs = [
        make(task="few-shot", shots=shots, dataset=dataset, ours={"all": value}, zero={"all": 40.0})
        for shots, dataset, value in (
            (1, "dtd", 50.0),
            (4, "dtd", 60.0),
            (16, "dtd", 70.0),
            (4, "eurosat", 50.0),
            (1, "eurosat", 44.0),
        )
    ]
    average, *_ = build(runs)
    assert average.columns == ("1", "4") and average.datasets == ("dtd", "eurosat")
    line = average.lines[1]
    assert [line.scores[shots][0] for shots in average.columns] == [47.0, 55.0]
    assert line.gain is not None and line.gain.mean == 15.0
    assert [one.dataset for one in build(runs[2:4])] == ["dtd", "eurosat"]  # no shots in common


@pytest.mark.parametrize("unfinished", [["dtd"], ["dtd", "eurosat"]])
def test_few_shot_gains_are_of_the_last_column_where_a_seed_is_unfinished(
    unfinished: list[str],
) -> None:
    whole = _few_shot("coop", 1, {1: 51.0, 4: 60.0, 16: 80.0}, "dtd", "eurosat")
    average, dtd, _ = build([*whole, *_few_shot("coop", 2, {1: 53.0}, *unfinished)])
    assert average.columns == dtd.columns == ("1", "4", "16")
    assert average.lines[1].scores["16"] == (80.0, None)
    assert _gains(average)["coop"] == _gains(dtd)["coop"] == 30.0
    both = len(unfinished) == 2
    assert average.lines[1].seeds == ((1, 2) if both else (1,))
    assert average.lines[1].scores["1"][0] == (52.0 if both else 51.0)


def test_few_shot_gains_where_a_method_lacks_the_last_column() -> None:
    sets = ("dtd", "eurosat")
    runs = _few_shot("coop", 1, {1: 51.0, 4: 60.0}, *sets)
    runs += _few_shot("gopro", 1, {1: 51.0, 4: 65.0, 16: 80.0}, *sets)
    for table in build(runs):
        assert _gains(table) == {ZERO_SHOT: None, "coop": None, "gopro (paper)": 30.0}
    for table in build(runs, "coop"):
        assert _gains(table) == {ZERO_SHOT: None, "coop": None, "gopro (paper)": None}
    for table in build(runs, "gopro"):
        assert _gains(table) == {ZERO_SHOT: -30.0, "coop": None, "gopro (paper)": None}


def test_few_shot_gains_where_the_first_seed_lacks_a_number() -> None:
    runs = _few_shot("coop", 1, {1: 51.0, 16: 80.0}, "dtd")
    [table] = build([*runs, *_few_shot("coop", 2, {1: 51.0, 8: 60.0, 16: 84.0}, "dtd")])
    assert table.columns == ("1", "8", "16") and _gains(table)["coop"] == 32.0


def test_gains_of_an_average_are_over_zero_shot_on_the_same_seeds() -> None:
    # randomly split sets: zero-shot CLIP depends on the seed
    runs = [
        make(
            method,
            seed,
            dataset=name,
            ours={"base": value, "new": value},
            zero={"base": 50.0 + 5 * seed, "new": 50.0 + 5 * seed},
        )
        for name in ("dtd", "eurosat")
        for method, seed, value in (
            ("zeroshot", 1, 55.0),
            ("coop", 1, 57.0),
            ("coop", 2, 64.0),
            ("gopro", 2, 66.0),
        )
    ]
    average, dtd, _ = build(runs)
    gains = {ZERO_SHOT: None, "coop": 3.0, "gopro (paper)": 6.0}
    assert _gains(average) == _gains(dtd) == gains
    assert average.lines[0].scores == dtd.lines[0].scores
    average, dtd, _ = build(runs, "gopro")
    assert _gains(average)["coop"] == _gains(dtd)["coop"] == -2.0  # of seed 2
