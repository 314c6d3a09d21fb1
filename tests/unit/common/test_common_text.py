"""Class names as they read in prompts, and which of them are the same."""

from __future__ import annotations

import unicodedata

import pytest

from gopro.common.text import name_key, readable

NFC, NFD = (unicodedata.normalize(form, "Käse") for form in ("NFC", "NFD"))


def test_readable() -> None:
    assert readable("sea_horse") == "sea horse"
    assert readable("  Été__猫 ") == "Été 猫"
    assert len(NFD) == 5 and readable(NFD) == readable(NFC) == NFC


@pytest.mark.parametrize(
    ("one", "other"),
    [("sea_horse", "Sea  horse"), ("Straße", "STRASSE"), (NFC.upper(), NFD)],
)
def test_names_of_the_same_class(one: str, other: str) -> None:
    assert name_key(one) == name_key(other)


def test_names_of_different_classes() -> None:
    names = ["sea horse", "seahorse", "sea horses", NFC, "Kase"]
    assert len({name_key(name) for name in names}) == len(names)
