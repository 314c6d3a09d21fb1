"""The page of many runs: whole, self-contained, safe, and its charts."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from gopro.results.pages import history, plots
from gopro.results.pages.history import Run
from gopro.results.pages.plots import Forest, Interval, Points
from gopro.results.pages.sweep_page import gather
from many_runs import make
from tiny_run import Cli

EVIL = "<script>alert(1)</script>"


def _write_run(folder: Path, found: dict[str, Any]) -> Path:
    folder.mkdir(parents=True)
    found = {"schema": 1, "trainable_parameters": 3, **found}
    (folder / "results.json").write_text(json.dumps(found))
    rows = [
        {"epoch": e, "lr": 0.1, "loss": 2.0 / e, "ce": 1.0, "val_accuracy": 40.0 + e}
        for e in (1, 2, 3)
    ]
    if found["method"] == "zeroshot":
        rows = []
    (folder / "metrics.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    part = {"class_names": [EVIL, "dog_house"], "labels": [0, 0, 1, 1]}
    part |= {"keys": list("abcd"), "predicted": [0, 0, 0, 1], "zeroshot": [1, 0, 1, 1]}
    (folder / "predictions.json").write_text(json.dumps({"base": part}))
    (folder / "done").touch()
    return folder


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    number = 0
    for seed in (1, 2):
        for dataset in ("dtd", "folder:" + EVIL):
            for method in ("zeroshot", "coop", "gopro"):
                number += 1
                ours = {"base": 70.0 + number, "new": 60.0}
                found = make(method, seed, dataset=dataset, ours=ours, notes=[f"a note {EVIL}"])
                _write_run(tmp_path / "runs" / str(number), found)
    for shots in (1, 4):
        found = make(
            "coop", 1, task="few-shot", shots=shots, ours={"all": 40.0 + shots}, zero={"all": 39.0}
        )
        _write_run(tmp_path / "runs" / f"few{shots}", found)
    return tmp_path / "runs"


def test_the_page_is_whole_and_loads_nothing(cli: Cli, runs: Path, tmp_path: Path) -> None:
    out = tmp_path / "deep" / "report.html"
    answer = cli("report", runs, "--out", out)
    assert (answer.code, answer.out) == (0, f"written: {out}\n")
    text = out.read_text()
    assert "Average of 2 data sets" in text and "Accuracy over shots" in text
    assert "Validation accuracy" in text and "Largest gains" in text and "dog house" in text
    assert "published" in text and text.count("<svg") > 8
    assert EVIL not in text and "&lt;script&gt;" in text
    assert not re.findall(r'(?:src|href)="(?!data:)', text)
    assert "default-src 'none'" in text
    # every box that is opened is closed
    for tag in ("div", "section", "table", "details", "svg", "p", "main"):
        assert len(re.findall(rf"<{tag}[ >]", text)) == text.count(f"</{tag}>"), tag


def test_the_baseline_is_named(cli: Cli, runs: Path, tmp_path: Path) -> None:
    out = tmp_path / "report.html"
    assert cli("report", runs, "--out", out, "--baseline", "coop").code == 0
    assert "over coop" in out.read_text()
    assert "baseline 'maple'" in cli("report", runs, "--out", out, "--baseline", "maple").line


def test_what_is_missing_is_a_line(cli: Cli, runs: Path, tmp_path: Path) -> None:
    assert "no finished run" in cli("report", tmp_path / "none").line
    (runs / "2" / "predictions.json").write_text("{")
    assert "can't read" in cli("report", runs, "--out", tmp_path / "x.html").line
    assert not (tmp_path / "x.html").exists()


def test_colours_stay_with_the_method(runs: Path) -> None:
    folders = sorted(path.parent for path in runs.glob("*/done"))
    page = gather([Run(f, json.loads((f / "results.json").read_text())) for f in folders])
    assert page.colours["zero-shot CLIP"] == "plain"
    assert len({*page.colours.values()}) == len(page.colours) == 4
    assert page.sections[0].title == "Average of 2 data sets"


def test_few_shot_runs_on_several_data_sets(tmp_path: Path) -> None:
    runs = []
    for name in ("dtd", "eurosat"):
        ours, zero = {"all": 41.0}, {"all": 39.0}
        found = make(dataset=name, task="few-shot", ours=ours, zero=zero)
        runs.append(Run(_write_run(tmp_path / name, found), found))
    average, *each = gather(runs).sections
    assert average.title == "Average of 2 data sets" and average.forest is not None
    assert [section.title for section in each] == ["dtd", "eurosat"]
    assert all(section.curves for section in each) and not average.curves


def test_runs_of_a_model_in_a_folder_have_their_curves(tmp_path: Path) -> None:
    found = make(
        task="few-shot", backbone="local-dir:/here/model", ours={"all": 4.0}, zero={"all": 3.0}
    )
    folder = _write_run(tmp_path / "run", found)
    [section] = gather([Run(folder, found)]).sections
    assert section.table.backbone == "local-dir:model"
    assert "Validation accuracy in %" in [curve.title for curve in section.curves]
    assert section.classes["coop"][0]


def test_classes_over_seeds_by_hand(runs: Path) -> None:
    found = history.changes([Run(runs / "2", {}), Run(runs / "5", {})])
    assert [(c.name, c.test, c.zero_shot, c.ours, c.change) for c in found] == [
        (EVIL, "base", 50.0, 100.0, 50.0),
        ("dog house", "base", 100.0, 50.0, -50.0),
    ]
    up, down = history.best_and_worst(found, 5)
    assert [c.name for c in up] == [EVIL] and [c.name for c in down] == ["dog house"]


def test_curves_over_seeds_by_hand(runs: Path) -> None:
    (runs / "2" / "metrics.jsonl").write_text('{"epoch": 1, "ce": 2.0}\n{"epoch": 2, "ce": NaN}\n')
    (runs / "3" / "metrics.jsonl").write_text('{"epoch": 1, "ce": 4.0}\n{"epoch": 2, "ce": 1.0}\n')
    both = [Run(runs / "2", {}), Run(runs / "3", {})]
    assert history.over_epochs(both, "ce") == (
        (1.0, 3.0, pytest.approx(2**0.5)),
        (2.0, 1.0, None),
    )
    assert history.terms(both) == ["ce"]


def test_lines_place_points_between_the_ticks() -> None:
    series = [Points("a<b", "m0", ((1, 40.0, None), (2, 50.0, 1.0), (4, 45.0, None)))]
    svg = str(plots.lines(series, "name", "shots", doubling=True))
    xs = [float(x) for x in re.findall(r'<circle class="dot m0" cx="([\d.]+)"', svg)]
    assert xs[1] - xs[0] == pytest.approx(xs[2] - xs[1], abs=0.2)  # equal steps for doublings
    assert "a&lt;b" in svg and "shots 4" in svg and "polygon" in svg


def test_one_point_has_its_chart() -> None:
    assert "circle" in plots.lines([Points("a", "m0", ((16, 40.0, None),))], "n", "shots")


def test_intervals_lie_on_one_scale_with_zero() -> None:
    forest = Forest((Interval("a", "m0", -3.0, None), Interval("b", "m1", 1.0, 2.0)))
    assert forest.intervals[0].ends == (-3.0, -3.0) and forest.intervals[1].ends == (-1.0, 3.0)
    assert forest.ticks[0] <= -3 and forest.ticks[-1] >= 3 and 0 in forest.ticks
    assert forest.place(forest.ticks[0]) == 0 and forest.place(forest.ticks[-1]) == 100
    assert 0 < forest.place(0) < forest.place(1) < 100
