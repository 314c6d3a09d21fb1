"""Results of a run: numbers by hand, damaged files, the table."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from gopro.common.errors import GoproError
from gopro.results import averages, schema
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
        **schema.summary(test),
        "zeroshot": {"test": zero, **schema.summary(zero)},
        "train_seconds": 3.0,
        "trainable_parameters": 5,
    }
    return {**found, **changes}


@pytest.mark.parametrize(
    ("base", "new", "mean"),
    [(80, 60, 68.571), (50, 50, 50), (100, 0, 0), (0, 0, 0), (82.69, 63.22, 71.656)],
)
def test_harmonic_mean_by_hand(base: float, new: float, mean: float) -> None:
    assert schema.harmonic_mean(base, new) == pytest.approx(mean, abs=5e-4)


def test_summary_is_the_harmonic_mean_of_base_and_new_else_the_average() -> None:
    assert schema.summary({"base": _row(80), "new": _row(60)}) == {
        "harmonic_mean": pytest.approx(68.5714285714)
    }
    assert schema.summary({"all": _row(70)}) == {"average": 70}
    assert schema.summary({"dtd": _row(40), "pacs": _row(70), "sun397": _row(10)}) == {
        "average": 40
    }


def test_a_folder_without_results(tmp_path: Path) -> None:
    with pytest.raises(GoproError, match=r"no finished run \(results.json is missing\)"):
        schema.read(tmp_path)


@pytest.mark.parametrize(
    "text", ["", "{", "[1, 2]", "null", "{}", '{"schema": 1}', '{"schema": 1, "dataset": "x"}']
)
def test_damaged_results(tmp_path: Path, text: str) -> None:
    (tmp_path / "results.json").write_text(text)
    with pytest.raises(GoproError, match="damaged"):
        schema.read(tmp_path)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"dataset": 3}, "'dataset' is of another kind"),
        ({"method": "a\ud800"}, "'method' is of another kind"),
        ({"variant": []}, "'variant' is of another kind"),
        ({"seed": True}, "'seed' is of another kind"),
        ({"shots": -1}, "'shots' is of another kind"),
        ({"shots": 2**53}, "'shots' is of another kind"),
        ({"train_seconds": float("nan")}, "'train_seconds' is of another kind"),
        ({"train_seconds": True}, "'train_seconds' is of another kind"),
        ({"test": {}}, "'test' is of another kind"),
        ({"test": {"base": _row(1), "all": _row(1)}}, "'test' is of another kind"),
        ({"task": "few-shot"}, "'test' is of another kind"),
        ({"test": {"base": _row(1), "new": _row(100.5)}}, "'test' is of another kind"),
        ({"test": {"base": _row(1), "new": {**_row(1), "n": None}}}, "'test' is of another kind"),
        ({"test": {"base": _row(1), "new": {**_row(1), "classes": 1.5}}}, "'test' is of another"),
        ({"zeroshot": []}, "'zeroshot' is of another kind"),
        ({"zeroshot": {"test": 1}}, "'zeroshot' is of another kind"),
        ({"notes": "a"}, "'notes' is of another kind"),
        ({"notes": [1]}, "'notes' is of another kind"),
        ({"environment": 1}, "'environment' is of another kind"),
        ({"revision": 1}, "'revision' is of another kind"),
        ({"templates": []}, "templates of 'test'"),
        ({"templates": {"base": 1}}, "templates of 'test'"),
        ({"harmonic_mean": "x"}, "summary of 'test' is missing"),
        ({"zeroshot": {"test": {"base": _row(1), "new": _row(1)}}}, "summary of 'zeroshot'"),
    ],
)
def test_entries_of_other_kinds(tmp_path: Path, changes: dict[str, Any], words: str) -> None:
    (tmp_path / "results.json").write_text(json.dumps(_results(**changes)))
    with pytest.raises(GoproError, match=words):
        schema.read(tmp_path)


def test_other_tests_than_zero_shot_was_measured_on(tmp_path: Path) -> None:
    test = {"pacs": _row(70.0)}
    zero = {"test": {"dtd": _row(60.0)}, "average": 60.0}
    row = _results(task="cross-dataset", test=test, average=70.0, zeroshot=zero)
    (tmp_path / "results.json").write_text(json.dumps(row))
    with pytest.raises(GoproError, match="was measured on other tests"):
        schema.read(tmp_path)


def test_results_of_another_version(tmp_path: Path) -> None:
    (tmp_path / "results.json").write_text('{"schema": 2}')
    with pytest.raises(GoproError, match="has schema 2; this gopro reads 1"):
        schema.read(tmp_path)


def test_what_was_written_is_read(tmp_path: Path) -> None:
    (tmp_path / "results.json").write_text(json.dumps(_results()))
    assert schema.read(tmp_path) == _results()


def test_the_table_has_zero_shot_above_the_method(capsys: pytest.CaptureFixture[str]) -> None:
    printed.print_table(_results())
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
    printed.print_table(row)
    assert "average" not in capsys.readouterr().out


def test_zero_shot_alone_has_one_row(capsys: pytest.CaptureFixture[str]) -> None:
    printed.print_table(_results(method="zeroshot", variant=None))
    assert capsys.readouterr().out.count("zero") == 1


def test_names_are_no_markup(capsys: pytest.CaptureFixture[str]) -> None:
    printed.print_table(_results(dataset="folder:[/red]"))
    assert "folder:[/red]" in capsys.readouterr().out


def test_mean_and_sample_spread_over_seeds() -> None:
    runs = []
    for seed, base in ((3, 70.0), (1, 80.0), (2, 90.0)):
        test = {"base": _row(base), "new": _row(60.0)}
        runs.append(_results(seed=seed, test=test, **schema.summary(test)))
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
