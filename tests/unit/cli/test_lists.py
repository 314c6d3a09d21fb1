"""The commands that list things."""

from __future__ import annotations

import pytest

from gopro.methods import TABLE
from tiny_run import Cli


@pytest.fixture(autouse=True)
def wide(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tables as on a wide terminal, so that no name is broken."""
    monkeypatch.setenv("COLUMNS", "250")


def test_methods(cli: Cli) -> None:
    answer = cli("methods")
    assert (answer.code, answer.err) == (0, "")
    assert all(f"│ {name} " in answer.out for name in TABLE)


def test_backbones_have_mini_first(cli: Cli) -> None:
    answer = cli("backbones")
    assert (answer.code, answer.err) == (0, "")
    assert answer.out.index("mini") < answer.out.index("ViT-B-16")
    for part in ("openai", "SigLIP 2", "MobileCLIP", "all but", "224 px"):
        assert part in answer.out


def test_backbones_show_the_licence_of_each_tag(cli: Cli) -> None:
    out = " ".join(cli("backbones", "RN101").out.split())
    assert "openai (MIT); yfcc15m" in out
    assert "(Apple ML research)" in cli("backbones", "MobileCLIP2").out
    assert "(Apache-2.0)" in cli("backbones", "SigLIP2").out


def test_backbones_are_not_cut_off_in_a_pipe(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    [row] = [
        line
        for line in cli("backbones", "ViT-H-14-378-quickgelu").out.splitlines()
        if "dfn5b" in line
    ]
    assert "│ ViT-H-14-378-quickgelu │" in row and " dfn5b (Apple ML research) " in row


def test_backbones_by_a_part_of_the_name_or_the_family(cli: Cli) -> None:
    out = cli("backbones", "rn50").out
    assert "RN50x4" in out and "ViT" not in out and "mini" not in out
    out = cli("backbones", "siglip 2").out
    assert "ViT-B-16-SigLIP2" in out and "RN50" not in out
    out = cli("backbones", "ViT-S/32").out
    assert "ViT-S-32" in out and "your file; none is published" in out and "ViT-B" not in out
    assert "no backbone's name contains 'zzz'" in cli("backbones", "zzz").line


@pytest.mark.parametrize("command", ["methods", "backbones"])
def test_unknown_options(cli: Cli, command: str) -> None:
    assert "no option --zzz" in cli(command, "--zzz").line
