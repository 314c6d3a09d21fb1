"""The audit: which advisories it reports, and that it works without a network."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from scripts import audit

REPORT: dict[str, Any] = {
    "dependencies": [
        {"name": "numpy", "version": "1.0", "vulns": []},
        {"name": "odd", "skip_reason": "not on the index"},
        {
            "name": "pillow",
            "version": "9.0",
            "vulns": [
                {"id": "PYSEC-1", "aliases": ["CVE-1"], "fix_versions": ["9.1", "10.0"]},
                {"id": "PYSEC-2", "fix_versions": []},
            ],
        },
    ]
}
LINES = [
    "pillow 9.0: PYSEC-1, fixed in 9.1, 10.0",
    "pillow 9.0: PYSEC-2, fixed in no version yet",
]


def test_advisories_are_reported_unless_accepted_today() -> None:
    today = date(2026, 5, 1)
    assert list(audit.open_advisories(REPORT, {}, today)) == LINES
    accepted = {"CVE-1": today, "PYSEC-2": date(2026, 4, 30)}
    assert list(audit.open_advisories(REPORT, accepted, today)) == LINES[1:]


def test_own_requirements_are_audited_and_extras_are_not() -> None:
    found = audit.own_requirements()
    assert {"torch", "pillow", "jinja2"} <= set(found)
    assert not {"gradio", "pytest", "gopro"} & set(found)
    assert "+" not in found["torch"]


@pytest.mark.parametrize(
    ("report", "code", "words"),
    [
        (None, 0, "not audited"),
        (REPORT, 1, LINES[1]),
        ({"dependencies": []}, 0, "no known vulnerabilities"),
    ],
)
def test_outcomes(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    report: dict[str, Any] | None,
    code: int,
    words: str,
) -> None:
    monkeypatch.setattr(audit, "ask", lambda packages: report)
    assert audit.main() == code
    assert words in capsys.readouterr().out


def test_there_is_no_report_if_the_tool_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audit.sys, "executable", "false")
    assert audit.ask({"pillow": "10.1"}) is None
