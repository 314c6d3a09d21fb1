"""Results of a run: numbers by hand, damaged files, the table."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from gopro.common.errors import GoproError
from gopro.results import averages, results_json
from gopro.results.pages import printed


def _row(accuracy: float) -> dict[str, float]:
    return {"accuracy": accuracy, "n": 10, "classes": 2}


def _results(**changes: Any) -> dict[str, Any]:
    test = {"base": _row(80.0), "new": _row(60.0)}
    zero = {"base": _row(50.0), "new": _row(50.0)}
    found = {
        "schema": 1,
        "dataset": "world",
        "task": "base2new",
        "method": "gopro",
        "variant": "paper",
        "backbone": "mini",
        "shots": 16,
        "seed": 1,
        "test": test,
        **results_json.summary(test),
        "zeroshot": {"test": zero, **results_json.summary(zero)},
        "train_seconds": 3.0,
        "trainable_parameters": 5,
    }
    return {**found, **changes}


@pytest.mark.parametrize(
    ("base", "new", "mean"),
    [(80, 60, 68.571), (50, 50, 50), (100, 0, 0), (0, 0, 0), (82.69, 63.22, 71.656)],
)
def test_harmonic_mean_by_hand(base: float, new: float, mean: float) -> None:
    assert results_json.harmonic_mean(base, new) == pytest.approx(mean, abs=5e-4)


def test_summary_is_the_harmonic_mean_of_base_and_new_else_the_average() -> None:
    assert results_json.summary({"base": _row(80), "new": _row(60)}) == {
        "harmonic_mean": pytest.approx(68.5714285714)
    }
    assert results_json.summary({"all": _row(70)}) == {"average": 70}
    assert results_json.summary({"dtd": _row(40), "pacs": _row(70), "sun397": _row(10)}) == {
        "average": 40
    }


def test_a_folder_without_results(tmp_path: Path) -> None:
    with pytest.raises(GoproError, match=r"no finished run \(results.json is missing\)"):
        results_json.read(tmp_path)


@pytest.mark.parametrize(
    "text", ["", "{", "[1, 2]", "null", "{}", '{"schema": 1}', '{"schema": 1, "dataset": "x"}']
)
def test_damaged_results(tmp_path: Path, text: str) -> None:
    (tmp_path / "results.json").write_text(text)
    with pytest.raises(GoproError, match="damaged"):
        results_json.read(tmp_path)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"dataset": 3}, "got dataset 3; input should be a valid string"),
        ({"method": "a\ud800"}, "got method 'a\\ud800'; input should be valid Unicode"),
        (
            {"dataset": "a\x1b[2J"},
            "got dataset 'a\\x1b[2J'; input should hold no control characters",
        ),
        ({"backbone": "a\u2028b"}, "got backbone 'a\\u2028b'; input should hold no control"),
        ({"variant": []}, "got variant []; input should be a valid string"),
        ({"seed": True}, "got seed True; input should be a valid integer"),
        ({"shots": -1}, "got shots -1; input should be greater than or equal to 0"),
        ({"shots": 2**53}, "got shots 9007199254740992; input should be less than"),
        ({"train_seconds": float("nan")}, "got train_seconds nan; input should be a finite number"),
        ({"train_seconds": True}, "got train_seconds True; input should be a valid number"),
        ({"test": {}}, "got the tests []; wanted ['base', 'new']"),
        ({"test": {"base": _row(1), "all": _row(1)}}, "got the tests ['all', 'base']; wanted"),
        ({"task": "few-shot"}, "got the tests ['base', 'new']; wanted ['all']"),
        ({"test": {"base": _row(1), "new": _row(100.5)}}, "got test.new.accuracy 100.5; input"),
        ({"test": {"base": _row(1), "new": {**_row(1), "n": None}}}, "got test.new.n None; input"),
        ({"test": {"base": _row(1), "new": {**_row(1), "classes": 1.5}}}, "test.new.classes 1.5"),
        ({"test": {"base": _row(1), "new": {"accuracy": 1}}}, "test.new.n is missing"),
        ({"zeroshot": []}, "got zeroshot []; input should be a valid dictionary"),
        ({"zeroshot": {"test": 1}}, "got zeroshot.test 1; input should be a valid dictionary"),
        ({"notes": "a"}, "got notes 'a'; input should be a valid list"),
        ({"notes": [1]}, "got notes.0 1; input should be a valid string"),
        ({"environment": 1}, "got environment 1; input should be a valid dictionary"),
        ({"revision": 1}, "got revision 1; input should be a valid string"),
        ({"templates": []}, "got templates []; input should be a valid dictionary"),
        ({"templates": {"base": 1}}, "got templates.base 1; input should be a valid string"),
        ({"harmonic_mean": "x"}, "got harmonic_mean 'x'; input should be a valid number"),
        ({"zeroshot": {"test": {"base": _row(1), "new": _row(1)}}}, "zeroshot.harmonic_mean is"),
    ],
)
def test_entries_of_other_types(tmp_path: Path, changes: dict[str, Any], words: str) -> None:
    (tmp_path / "results.json").write_text(json.dumps(_results(**changes)))
    with pytest.raises(GoproError, match=r"results.json is damaged \(") as caught:
        results_json.read(tmp_path)
    assert words in str(caught.value)


def test_other_tests_than_zero_shot_was_measured_on(tmp_path: Path) -> None:
    test = {"pacs": _row(70.0)}
    zero = {"test": {"dtd": _row(60.0)}, "average": 60.0}
    row = _results(task="cross-dataset", test=test, average=70.0, zeroshot=zero)
    (tmp_path / "results.json").write_text(json.dumps(row))
    with pytest.raises(GoproError, match="was measured on other tests"):
        results_json.read(tmp_path)


def test_results_of_another_version(tmp_path: Path) -> None:
    (tmp_path / "results.json").write_text('{"schema": 2}')
    with pytest.raises(GoproError, match="has schema 2; this gopro reads 1"):
        results_json.read(tmp_path)


def test_what_was_written_is_read(tmp_path: Path) -> None:
    (tmp_path / "results.json").write_text(json.dumps(_results()))
    assert results_json.read(tmp_path) == _results()


def test_names_may_have_spaces_and_joiners_of_unicode(tmp_path: Path) -> None:
    named = _results(dataset="folder:9.41\u202fAM \xa0 \N{WOMAN}\u200d\N{PERSONAL COMPUTER}")
    (tmp_path / "results.json").write_text(json.dumps(named))
    assert results_json.read(tmp_path) == named


def test_the_table_has_zero_shot_above_the_method(capsys: pytest.CaptureFixture[str]) -> None:
    printed.print_run(_results())
    out = capsys.readouterr().out
    zero, ours = out.index("zero-shot CLIP"), out.index("gopro (paper)")
    assert zero < ours
    assert "50.00" in out[zero:ours]
    assert all(number in out[ours:] for number in ("80.00", "60.00", "68.57"))
    assert "harmonic mean" in out


def test_one_test_needs_no_average(capsys: pytest.CaptureFixture[str]) -> None:
    test = {"all": _row(70.0)}
    row = _results(test=test, zeroshot={"test": test, "average": 70.0}, average=70.0)
    del row["harmonic_mean"]
    printed.print_run(row)
    assert "average" not in capsys.readouterr().out


def test_zero_shot_alone_has_one_row(capsys: pytest.CaptureFixture[str]) -> None:
    printed.print_run(_results(method="zeroshot", variant=None))
    assert capsys.readouterr().out.count("zero") == 1


def test_names_are_no_markup(capsys: pytest.CaptureFixture[str]) -> None:
    printed.print_run(_results(dataset="folder:[/red]"))
    assert "folder:[/red]" in capsys.readouterr().out


def test_mean_and_sample_spread_over_seeds() -> None:
    runs = []
    for seed, base in ((3, 70.0), (1, 80.0), (2, 90.0)):
        test = {"base": _row(base), "new": _row(60.0)}
        runs.append(_results(seed=seed, test=test, **results_json.summary(test)))
    [row] = averages.over_seeds(runs)
    assert row["seeds"] == [1, 2, 3]
    assert row["scores"]["base"] == (pytest.approx(80.0), pytest.approx(10.0))
    assert row["scores"]["new"] == (60.0, 0.0)
    [alone] = averages.over_seeds(runs[:1])
    assert alone["scores"]["base"] == (70.0, None)


def test_one_seed_twice_is_no_second_run() -> None:
    with pytest.raises(GoproError, match="same seed"):
        averages.over_seeds([_results(), _results()])
    assert len(averages.over_seeds([_results(), _results(method="coop", variant=None)])) == 2


def test_zero_shot_clip_has_the_sentences_beside_all_methods() -> None:
    plain = _results(method="zeroshot")
    assert results_json.is_zero_shot(plain) and not results_json.is_zero_shot(_results())
    zero = {**plain["zeroshot"], "templates": {"base": "a {}."}}
    same, other = ({"zeroshot": zero, "templates": {"base": of}} for of in ("a {}.", "the {}."))
    assert results_json.is_zero_shot({**plain, **same})
    assert not results_json.is_zero_shot({**plain, **other})
