"""``gopro ablate``: a method with each of its parts switched off."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tiny_run import Cli


@pytest.fixture
def ablate(
    cli: Cli, tiny: list[str], photos: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Cli:
    """``gopro ablate`` with runs of one epoch, into ``tmp_path/ablation``."""
    monkeypatch.setenv("COLUMNS", "200")
    usual = ["--shots", 2, "--epochs", 1, "--batch", 2, "--workers", 1, "--out"]

    def run(*arguments: object):  # type: ignore[no-untyped-def]
        place = [f"folder:{photos}", "base2new", *tiny, *usual, tmp_path / "ablation"]
        return cli("ablate", *place, *arguments)

    return run


def test_table(ablate: Cli, tmp_path: Path) -> None:
    chosen = ["--method", "gopro", "--parts", "no-con,1-token", "--seeds", "1,2"]
    answer = ablate(*chosen, "--markdown")
    assert answer.code == 0
    assert "1/6 gopro" in answer.err and "all runs are in" in answer.err
    assert all(line.startswith("|") for line in answer.out.splitlines()[2:])
    rows = [line.split("|")[1:-1] for line in answer.out.splitlines() if line.startswith("|")]
    names = [row[0].strip() for row in rows]
    assert names == ["", "---", "full", "no-con", "1-token", "zero-shot CLIP"]
    assert all(len(row) == len(rows[0]) for row in rows)
    assert all("±" in cell for row in rows[2:] for cell in row[1:4])
    folders = sorted(path.parent for path in (tmp_path / "ablation").rglob("done"))
    assert [str(path.relative_to(tmp_path / "ablation")) for path in folders] == [
        f"{name}/seed{seed}" for name in ("1-token", "full", "no-con") for seed in (1, 2)
    ]
    made = json.loads((tmp_path / "ablation" / "1-token" / "seed2" / "results.json").read_bytes())
    assert (made["seed"], made["settings"]["gopro"]["n_ctx"]) == (2, 1)
    again = ablate(*chosen)
    assert "6 of 6 runs were finished before" in again.out
    assert "seeds 1, 2" in again.out and "no-con" in again.out and "│" in again.out


def test_estimate(ablate: Cli, tmp_path: Path) -> None:
    answer = ablate("--method", "gopro", "--parts", "no-con", "--estimate")
    assert answer.code == 0, answer.err
    assert answer.out.count("expected: about") == 2
    assert not (tmp_path / "ablation").exists()


def test_a_part_that_is_off_already(ablate: Cli) -> None:
    answer = ablate("--method", "slip", "--slip.w_con", 0)
    assert answer.code == 0
    assert "no-con is left out: these settings are without it already" in answer.out


def test_what_is_refused(ablate: Cli, tmp_path: Path) -> None:
    assert "coop has no parts to switch off" in ablate("--method", "coop").line
    assert "did you mean no-sem" in ablate("--parts", "no-sen").line
    assert "did you mean gopro" in ablate("--method", "gropro").line
    assert "did you mean --parts" in ablate("--part", "no-sem").line
    assert not (tmp_path / "ablation").exists()
