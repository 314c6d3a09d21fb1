"""The table of tried settings: averages over data sets, the best first."""

from __future__ import annotations

from pathlib import Path

from scripts import results_page
from scripts.choices_table import table

LOG = """method,dataset,lr,epochs,batch,base,new,harmonic mean
zeroshot,a,,,,10.00,20.00,13.33
zeroshot,b,,,,30.00,40.00,34.29
coop,a,0.1,50,32,40.00,40.00,40.00
coop,b,0.1,50,32,60.00,60.00,60.00
coop,a,0.1,15,32,30.00,30.00,30.00
coop,b,0.1,15,32,40.00,40.00,40.00
coop,a,0.2,50,32,44.00,44.00,44.00
coop,b,0.2,50,32,20.00,20.00,20.00
"""


def test_averages_and_what_differs(tmp_path: Path) -> None:
    file = tmp_path / "log.csv"
    file.write_text(LOG, encoding="utf-8")
    assert table(file).splitlines() == [
        "| method | chosen | base | new | harmonic mean | the others |",
        "| --- | --- | ---: | ---: | ---: | --- |",
        "| coop | 0.1, 50 epochs | 50.00 | 50.00 | 50.00 | 35.00 (15 epochs), 32.00 (0.2) |",
        "| zeroshot |  | 20.00 | 30.00 | 23.81 |  |",
    ]


def test_the_results_page_takes_it(tmp_path: Path) -> None:
    (tmp_path / "log.csv").write_text(LOG, encoding="utf-8")
    page = "<!-- choices: log.csv -->\nold\n<!-- end -->\n"
    assert "| coop | 0.1, 50 epochs |" in results_page.filled(page, tmp_path)
