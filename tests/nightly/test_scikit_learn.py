"""All checks of ``sklearn.utils.estimator_checks``; those that don't apply are in the docs."""

from __future__ import annotations

import re
from typing import Any

import pytest
from sklearn.utils.estimator_checks import check_estimator

import documented
from gopro import PromptClassifier

pytestmark = pytest.mark.nightly

_PAGE = documented.ROOT / "docs" / "scikit-learn.md"


class AsIfOfTables(PromptClassifier):
    """Says that it takes numeric tables: otherwise scikit-learn leaves out nearly all checks."""

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array, tags.no_validation = True, False
        return tags


@pytest.mark.filterwarnings("ignore")
def test_every_check_passes_or_is_documented() -> None:
    rows = re.findall(r"^\| `(check_\w+)` \| (.+) \|$", _PAGE.read_text("utf-8"), re.MULTILINE)
    reasons = dict(rows)
    results = check_estimator(
        AsIfOfTables(), expected_failed_checks=reasons, on_skip=None, on_fail=None
    )
    status: dict[str, set[str]] = {}
    for row in results:
        status.setdefault(row["check_name"], set()).add(row["status"])
    assert [name for name, found in status.items() if "failed" in found] == []
    # no row of the page is out of date
    assert {name for name, found in status.items() if "xfail" in found} == set(reasons)
    assert sum(found == {"passed"} for found in status.values()) >= 10
