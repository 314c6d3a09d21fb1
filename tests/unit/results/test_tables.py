"""Tables of many runs: means, gains and published figures, against numbers by hand."""

from __future__ import annotations

import csv
import io

import pytest

from gopro.common.errors import GoproError
from gopro.results import published
from gopro.results.pages import formats
from gopro.results.statistics import paired, quantile
from gopro.results.tables import ZERO_SHOT, build
from many_runs import make


def test_student_by_hand() -> None:
    # the t-table: 12.706 with 1 degree of freedom, 4.303 with 2, 2.776 with 4
    assert [round(quantile(n), 3) for n in (1, 2, 4)] == [12.706, 4.303, 2.776]
    found = paired([1.0, 2.0, 3.0])
    assert found.mean == 2.0 and found.pairs == 3
    assert found.reach == pytest.approx(4.3027 / 3**0.5, abs=1e-3)
    assert not found.clear and paired([1.0, 1.1, 0.9]).clear
    assert paired([4.0]).reach is None and not paired([4.0]).clear


def test_gain_over_zero_shot_is_paired_by_seed() -> None:
    runs = [make(seed=s, ours={"base": 70.0 + s, "new": 70.0 + s}) for s in (1, 2, 3)]
    [table] = build(runs)
    zero, ours = table.lines
    assert (zero.method, zero.gain, zero.seeds) == (ZERO_SHOT, None, ())
    assert ours.scores["base"] == (72.0, 1.0) and ours.seeds == (1, 2, 3)
    assert ours.gain is not None and ours.gain.mean == pytest.approx(22.0)
    assert ours.gain.pairs == 3 and ours.gain.clear
    assert table.columns == ("base", "new", "harmonic_mean")
    assert table.best("base") == 72.0


def test_a_gain_of_zero_is_a_gain() -> None:
    same = [make(seed=seed, ours={"base": 50.0, "new": 50.0}) for seed in (1, 2)]
    [table] = build(same)
    zero, ours = table.lines
    assert zero.gain is None and ours.gain is not None
    assert (ours.gain.mean, ours.gain.reach) == (0.0, 0.0)
    assert formats.gain(ours) == "0.00 [0.00, 0.00]"
    sets = [{**run, "dataset": name} for run in same for name in ("one", "two")]
    assert build(sets)[0].lines[1].gain == ours.gain


def test_another_baseline_takes_the_seeds_both_have() -> None:
    runs = [make(seed=s) for s in (1, 2)]
    runs += [make("gopro", s, ours={"base": 80.0 + s, "new": 60.0}) for s in (2, 3)]
    for name in ("gopro", "gopro (paper)"):
        [table] = build(runs, name)
        lines = {line.method: line for line in table.lines}
        assert table.baseline == name
        assert lines["gopro (paper)"].gain is None
        assert lines["coop"].gain is not None and lines["coop"].gain.pairs == 1
    with pytest.raises(GoproError, match=r"baseline 'maple'; choose one of zeroshot, coop, gopro"):
        build(runs, "maple")


def test_zero_shot_as_a_method_is_the_first_line_unless_it_differs() -> None:
    same = make("zeroshot", ours={"base": 50.0, "new": 50.0})
    [table] = build([same, make()])
    assert [line.method for line in table.lines] == [ZERO_SHOT, "coop"]
    other = make("zeroshot", ours={"base": 55.0, "new": 50.0})
    [table] = build([other, make()])
    assert [line.method for line in table.lines] == [ZERO_SHOT, "zeroshot", "coop"]


def test_few_shot_numbers_are_columns() -> None:
    runs = [
        make(seed=seed, task="few-shot", shots=shots, ours={"all": value}, zero={"all": 40.0})
        for seed in (1, 2)
        for shots, value in ((16, 70.0), (1, 45.0), (4, 50.0 + seed))
    ]
    [table] = build(runs)
    assert table.shots is None and table.columns == ("1", "4", "16")
    zero, ours = table.lines
    assert ours.scores["4"] == (51.5, pytest.approx(0.7071, abs=1e-4))
    assert zero.scores["16"] == (40.0, None)
    assert ours.gain is not None and ours.gain.mean == 30.0
    assert "few-shot, mini" in table.title


def test_published_figures() -> None:
    assert published.figures("base2new", "average", "gopro") == {
        "base": 84.21,
        "new": 77.32,
        "harmonic_mean": 80.62,
    }
    assert published.figures("base2new", "dtd", "zeroshot")["new"] == 59.9
    cross = published.figures("cross-dataset", "imagenet", "gopro")
    assert cross["average"] == 67.86 and "imagenet" not in cross
    domains = published.figures("domain-generalization", "imagenet", "coop")
    assert domains["imagenet_a"] == 49.71
    assert domains["average"] == round((64.2 + 47.99 + 49.71 + 75.21) / 4, 2)
    for task, dataset, method in (
        ("base2new", "world", "gopro"),
        ("base2new", "dtd", "kgcoop"),
        ("cross-dataset", "caltech101", "gopro"),
        ("few-shot", "dtd", "gopro"),
    ):
        assert published.figures(task, dataset, method) == {}
    assert "arXiv 2308.11605" in published.source()
    assert published.methods()[0] == "zeroshot" and len(published.datasets()) == 11


def test_every_published_harmonic_mean_is_one() -> None:
    for dataset in (*published.datasets(), "average"):
        for method in published.methods():
            row = published.figures("base2new", dataset, method)
            mean = 2 * row["base"] * row["new"] / (row["base"] + row["new"])
            # as printed: one cell (CoCoOp on flowers) is 0.4 off, the others by rounding
            assert row["harmonic_mean"] == pytest.approx(mean, abs=0.4), (dataset, method)


def test_as_text() -> None:
    [table] = build([make(seed=s, ours={"base": 70.0 + s, "new": 60.0}) for s in (1, 2, 3)])
    head, zero, ours = formats.cells(table)
    assert head == [
        *("method", "base", "new", "harmonic mean", "over zero-shot", "published"),
        *("seeds", "training s", "learned"),
    ]
    assert zero == [ZERO_SHOT, "50.00", "50.00", "50.00", "", "56.37", "", "", ""]
    assert ours[1:3] == ["72.00 ± 1.00", "60.00"]
    assert ours[4].startswith("+15.45 [+") and ours[6:] == ["1, 2, 3", "10", "2,048"]
    text = formats.markdown([table])
    assert "| --- | ---: |" in text and "published: GOPro, BMVC 2023" in text


def test_latex_is_escaped_and_the_best_is_bold() -> None:
    tables = build([make("my_method"), make("other")])
    text = formats.latex(tables)
    assert r"my\_method" in text and r"\textbf{80.00}" in text and r"\toprule" in text
    assert text.count(r"\begin{tabular}{lrrrrrrrr}") == text.count(r"\end{tabular}") == 1
    assert formats._latex("a\\b~50 % & {x}^2") == (
        r"a\textbackslash{}b\textasciitilde{}50 \% \& \{x\}\textasciicircum{}2"
    )


def test_csv_has_a_row_a_number_and_no_formula() -> None:
    runs = [make(dataset='=HYPERLINK("x")', seed=seed) for seed in (1, 2)]
    rows = list(csv.DictReader(io.StringIO(formats.to_csv(build(runs)))))
    assert len(rows) == 6 and {row["test"] for row in rows} == {"base", "new", "harmonic_mean"}
    assert all(row["dataset"] == '\'=HYPERLINK("x")' for row in rows)
    ours = next(r for r in rows if r["method"] == "coop" and r["test"] == "harmonic_mean")
    assert float(ours["gain"]) == pytest.approx(68.5714 - 50, abs=1e-3)
    assert (ours["std"], ours["seeds"]) == ("0.0000", "1 2")


@pytest.mark.parametrize(
    ("cell", "kept"),
    [
        *(("-1.5", "-1.5"), ("plain", "plain"), ("", ""), ("+3", "+3"), ("-1+2", "'-1+2")),
        *(("@SUM", "'@SUM"), ("\tx", "'\tx"), ("=1", "'=1"), ("-x", "'-x"), ("1-2", "1-2")),
    ],
)
def test_cells_are_no_formulas(cell: str, kept: str) -> None:
    assert formats.neutral(cell) == kept
