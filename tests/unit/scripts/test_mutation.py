"""Mutants: what is changed in a file, and whether its tests fail."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from scripts.mutation import ROOT, TESTS, mutants, survives

CODE = '''
"""Docstrings are not changed."""
import os

LIMIT: int = 3


def clamp(value: int, most: int = LIMIT) -> str:
    """This one neither."""
    os.getpid()
    if value > most and True:
        raise ValueError(f"got {value + 1}; wanted at most {-most}")
    return "low" if not value else f"{value}"
'''


def test_every_file_and_its_tests_exist() -> None:
    for file, tests in TESTS.items():
        assert (ROOT / "src" / "gopro" / file).is_file()
        assert all((ROOT / "tests" / "unit" / test).is_file() for test in tests)


def test_each_mutant_has_one_thing_wrong(tmp_path: Path) -> None:
    path = tmp_path / "clamp.py"
    path.write_text(CODE)
    found = {(mutant.line, mutant.what): ast.unparse(mutant.tree) for mutant in mutants(path)}
    assert {what for _, what in found} == {
        *("3 -> 4", "call removed", "condition negated", "And -> Or", "Gt -> GtE"),
        *("True -> False", "error removed", "returns None", "'low' -> 'lowX'", "Not removed"),
    }
    assert "LIMIT: int = 4" in found[5, "3 -> 4"]
    assert "value >= most and True" in found[11, "Gt -> GtE"]
    assert "getpid" not in found[10, "call removed"]
    assert "raise" not in found[12, "error removed"]
    assert "not (value > most and True)" in found[11, "condition negated"]
    assert "'low' if not not value" in found[13, "condition negated"]
    assert "'low' if value else" in found[13, "Not removed"]
    whole = ast.unparse(ast.parse(CODE))
    assert all(text != whole for text in found.values()) and len(set(found.values())) == len(found)


def test_a_mutant_survives_where_no_test_notices(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "clamp_to_be_tried.py"
    path.write_text(CODE)
    monkeypatch.syspath_prepend(tmp_path)
    tests = tmp_path / "test_tried.py"
    tests.write_text(
        "from clamp_to_be_tried import clamp\n\n"
        "def test_clamp():\n    assert clamp(0) == 'low' and clamp(2) == '2'\n"
    )
    found = {mutant.what: mutant for mutant in mutants(path)}
    for what, lives in (("3 -> 4", True), ("error removed", True), ("returns None", False)):
        assert survives(found[what], [str(tests)], 60) is lives, what
    assert survives(None, [str(tests)], 60)
    tests.write_text("import time\ntime.sleep(60)\n")
    assert not survives(None, [str(tests)], 0.5)
