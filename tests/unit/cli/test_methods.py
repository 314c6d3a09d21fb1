"""``gopro methods``: every method with its paper and its number of learned parameters."""

from __future__ import annotations

import pytest

from gopro.backbones.build import untrained
from gopro.cli.main import main
from gopro.common.errors import GoproError
from gopro.methods import TABLE, find
from gopro.methods.coop import CoOp


@pytest.fixture(autouse=True)
def _wide(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "200")


def rows(capsys: pytest.CaptureFixture[str]) -> dict[str, list[str]]:
    printed = [line.strip("│ ").split("│") for line in capsys.readouterr().out.splitlines()]
    return {row[0].strip(): [cell.strip() for cell in row[1:]] for row in printed}


def test_list(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["methods", "--classes", "3", "--shots", "2"]) == 0
    found = rows(capsys)
    parts = [name for name in TABLE if find(name).parts]
    assert "gopro" in parts
    assert f"Methods with parts for `gopro ablate`: {', '.join(parts)}." in found
    for name in TABLE:
        assert found[name][:2] == [find(name).paper, find(name).about]
    lite = untrained("lite")
    wanted = {
        "zeroshot": 0,
        "coop": 4 * lite.text_width,
        "linear_probe": 3 * (lite.embed_dim + 1),
        "tip_adapter": 6 * lite.embed_dim,
        "linear_adapter": lite.embed_dim**2,
        "prolip": lite.embed_dim * lite.pooled_width,
    }
    assert {name: found[name][2] for name in wanted} == {
        name: f"{count:,}" for name, count in wanted.items()
    }


def test_a_method_that_does_not_fit(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise GoproError("coop doesn't work here")

    monkeypatch.setattr(CoOp, "set_class_names", refuse)
    assert main(["methods", "--classes", "2", "--shots", "1"]) == 0
    found = rows(capsys)
    assert found["coop"][2] == "-"
    assert "coop doesn't work here" in found


@pytest.mark.parametrize(
    ("arguments", "message"),
    [(["--backbone", "ViT-B-99"], "did you mean"), (["--classes", "0"], "must be 1 or more")],
)
def test_what_is_refused(
    capsys: pytest.CaptureFixture[str], arguments: list[str], message: str
) -> None:
    assert main(["methods", *arguments]) == 2
    assert message in capsys.readouterr().err
