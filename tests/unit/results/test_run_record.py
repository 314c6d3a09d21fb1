"""What a run recorded, read: sound rows and answers, and everything else in one line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from gopro.common.errors import GoproError
from gopro.results import run_record

PART: dict[str, Any] = {
    "class_names": ["ant", "bee"],
    "keys": ["a", "b"],
    "labels": [0, 1],
    "predicted": [0, 0],
    "zeroshot": [1, 1],
}


def test_rows_come_as_written(tmp_path: Path) -> None:
    (tmp_path / "metrics.jsonl").write_text('{"epoch": 1, "ce": NaN}\n{"epoch": 2, "loss": 3}\n')
    first, second = run_record.metrics(tmp_path)
    assert first["epoch"] == 1 and first["ce"] != first["ce"]
    assert second == {"epoch": 2, "loss": 3}


@pytest.mark.parametrize(
    "text",
    [
        *("{", "[]", "1", '{"loss": 1.0}', '{"epoch": 1.0}', '{"epoch": true}', "[" * 100_000),
        *('{"epoch": 1, "loss": "x"}', '{"epoch": 1, "loss": null}', f'{{"epoch": {2**53}}}'),
    ],
)
def test_rows_of_other_things(tmp_path: Path, text: str) -> None:
    (tmp_path / "metrics.jsonl").write_text(text)
    with pytest.raises(GoproError, match=r"metrics\.jsonl, or it is damaged"):
        run_record.metrics(tmp_path)


def test_answers_come_as_written(tmp_path: Path) -> None:
    # a narrow no-break space, as in names of screenshots; a name that isn't UTF-8
    for part in (PART, {**PART, "keys": ["9.41\u202fAM.png", "caf\udce9.png"]}):
        (tmp_path / "predictions.json").write_text(json.dumps({"base": part}))
        assert run_record.predictions(tmp_path) == {"base": part}


@pytest.mark.parametrize(
    "content",
    [
        *([], {}, {"base": 1}, {"base": {}}, {"base": {**PART, "class_names": None}}),
        *({"base": {**PART, name: "ab"}} for name in PART),
        *({"base": {**PART, name: [0]}} for name in PART),
        *({"base": {**PART, "labels": [0, wrong]}} for wrong in (2, -1, True, "1", None)),
        {"base": {**PART, "class_names": ["ant", "b\ne"]}},
        {"base": {**PART, "keys": ["a", 1]}},
        *(
            {"base": {**PART, "keys": ["a", name]}}
            for name in ("b\n", "b\x1b[2J", "\u2028", "\x85")
        ),
        {"base": PART, "new": None},
    ],
)
def test_answers_of_other_kinds(tmp_path: Path, content: Any) -> None:
    (tmp_path / "predictions.json").write_text(json.dumps(content))
    with pytest.raises(GoproError, match=r"predictions\.json, or it is damaged"):
        run_record.predictions(tmp_path)


def test_nothing_recorded(tmp_path: Path) -> None:
    for read in (run_record.metrics, run_record.predictions):
        with pytest.raises(GoproError, match="can't read"):
            read(tmp_path)
