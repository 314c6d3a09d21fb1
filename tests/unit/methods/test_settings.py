"""Settings refuse invalid values before any work."""

from __future__ import annotations

import pytest

from gopro.common.errors import GoproError
from gopro.methods import find


@pytest.mark.parametrize(
    ("method", "setting", "value"),
    [
        (method, setting, value)
        for method, setting in (
            ("prograd", "temperature"),
            ("prograd", "strength"),
            ("kgcoop", "w_kg"),
            ("tcp", "w_kg"),
            ("coprompt", "w_con"),
            ("mmrl", "w_reg"),
            ("mma", "w_con"),
            ("slip", "w_con"),
            ("slip", "temperature"),
            ("gopro", "temperature"),
        )
        for value in (-1.0, float("nan"), float("inf"))
    ],
)
def test_refused(method: str, setting: str, value: float) -> None:
    with pytest.raises(GoproError, match=f"{setting}.*{value}"):
        find(method).Settings(**{setting: value})


@pytest.mark.parametrize("method", ["prograd", "slip", "gopro"])
def test_no_temperature_of_nothing(method: str) -> None:
    with pytest.raises(GoproError, match="above 0"):
        find(method).Settings(temperature=0.0)


@pytest.mark.parametrize("method", ["prograd", "kgcoop"])
def test_what_coop_refuses_is_refused(method: str) -> None:
    with pytest.raises(GoproError, match="end, middle or front"):
        find(method).Settings(position="elsewhere")
