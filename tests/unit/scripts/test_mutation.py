"""Mutants: what is changed in a file, and whether its tests notice."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from scripts.mutation import mutants, survives

CODE = '''
"""A docstring is no place for mistakes."""
import os

LIMIT: int = 3


def clamp(value: int, most: int = LIMIT) -> str:
    """Neither is this one."""
    os.getpid()
    if value > most and True:
        raise ValueError(f"got {value + 1}; wanted at most {-most}")
    return "low" if not value else f"{value}"
'''


def test_each_mutant_has_one_thing_wrong(tmp_path: Path) -> None:
    path = tmp_path / "clamp.py"
    path.write_text(CODE)
    found = {(mutant.line, mutant.what): ast.unparse(mutant.tree) for mutant in mutants(path)}
    assert {what for _, what in found} == {
        *("3 -> 4", "call left out", "condition denied", "And -> Or", "Gt -> GtE"),
        *("True -> False", "error left out", "returns None", "'low' -> 'lowX'", "Not left out"),
    }
    assert "LIMIT: int = 4" in found[5, "3 -> 4"]
    assert "value >= most and True" in found[11, "Gt -> GtE"]
    assert "getpid" not in found[10, "call left out"]
    assert "raise" not in found[12, "error left out"]
    assert "not (value > most and True)" in found[11, "condition denied"]
    assert "'low' if not not value" in found[13, "condition denied"]
    assert "'low' if value else" in found[13, "Not left out"]
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
    for what, lives in (("3 -> 4", True), ("error left out", True), ("returns None", False)):
        assert survives(found[what], [str(tests)], 60) is lives, what
    assert survives(None, [str(tests)], 60)
    tests.write_text("import time\ntime.sleep(60)\n")
    assert not survives(None, [str(tests)], 0.5)
