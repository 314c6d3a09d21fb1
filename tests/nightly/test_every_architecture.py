"""All architectures of open_clip are built and run, and the shipped table says the same."""

from __future__ import annotations

import open_clip
import pytest
from scripts.architectures import look

from gopro.backbones.architectures import known

pytestmark = [pytest.mark.nightly, pytest.mark.timeout(600)]


@pytest.mark.parametrize("name", open_clip.list_models())
def test_is_as_the_table_says(name: str) -> None:
    row = look(name)
    if name in known():  # the table is of one version, the installed one may have more
        assert row == known()[name]
    assert not row.refused or "choose another" in row.refused
