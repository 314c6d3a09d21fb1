"""The recipe files say what the code says, and their first lines what can be checked."""

from __future__ import annotations

import re
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
import yaml

from gopro.cli.train import options_of, parser, read
from gopro.common.errors import GoproError
from gopro.methods import TABLE, configs, find
from gopro.results import published
from gopro.results.schema import harmonic_mean
from tiny_run import Cli

FOLDER = Path(configs.__file__).parent


def text_of(name: str) -> str:
    return (FOLDER / f"{name}.yaml").read_text(encoding="utf-8")


def plain(settings: Any) -> dict[str, Any]:
    return {k: list(v) if isinstance(v, tuple) else v for k, v in asdict(settings).items()}


def test_one_for_each_method() -> None:
    assert configs.names() == sorted(TABLE)


@pytest.mark.parametrize("name", TABLE)
def test_values_are_the_codes(name: str) -> None:
    kind = find(name)
    recipe = plain(kind.recipes["published"])
    options = {name: plain(kind.Settings())} if plain(kind.Settings()) else {}
    found = yaml.safe_load(text_of(name))
    shots = found.pop("shots")
    assert shots == (4 if name == "prograd" else 16)
    trained = recipe if recipe["epochs"] else {"epochs": 0}
    if kind.recipe_for("ViT-B-16", 2) != kind.recipe_for("ViT-B-16", 3):
        del trained["epochs"]  # by the number of classes
    published = {"method": name, "backbone": "ViT-B-16", "pretrained": "openai"}
    wanted = {**published, **trained, **options}
    assert found == wanted, f"{name}.yaml should say\n{yaml.safe_dump(wanted, sort_keys=False)}"
    assert list(found) == list(wanted)


@pytest.mark.parametrize("name", TABLE)
def test_the_command_of_the_first_line_reads_them(name: str) -> None:
    first = text_of(name).splitlines()[0]
    command = re.fullmatch(r"# gopro train (caltech101 (?:base2new|few-shot) .+)", first)
    assert command is not None, first
    values, settings = read(parser(), command[1].split())
    options = options_of(name, values)
    assert (settings.dataset, settings.method) == ("caltech101", name)
    assert options == find(name).Settings()
    assert settings.epochs in (find(name).recipes["published"].epochs, None)


@pytest.mark.parametrize("name", TABLE)
def test_the_head_names_the_source(name: str) -> None:
    head = " ".join(line[2:] for line in text_of(name).splitlines() if line.startswith("# "))
    author, year = find(name).paper.split()[0], find(name).paper.split()[-1]
    assert author in head and year in head
    for row in re.findall(r"base ([\d.]+), new ([\d.]+), harmonic mean ([\d.]+)", head):
        base, new, mean = map(float, row)
        assert abs(harmonic_mean(base, new) - mean) < 0.016, (name, row)
    assert all(len(line) <= 100 for line in text_of(name).splitlines())


@pytest.mark.parametrize("name", TABLE)
def test_the_published_result_is_the_tables(name: str) -> None:
    head = text_of(name)
    for title, dataset in (("Caltech101", "caltech101"), ("mean of 11 data sets", "average")):
        row = published.figures("base2new", dataset, name)
        if row:
            words = "base {base:.2f}, new {new:.2f}, harmonic mean {harmonic_mean:.2f}"
            assert f"# Published, {title}: {words.format(**row)}\n" in head
        elif dataset == "caltech101":
            assert "Published, Caltech101" not in head


def test_names_and_paths(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    coop = str(FOLDER / "coop.yaml")
    given = ["world", "--config", "coop", "--lr", "1"]
    assert configs.located(given) == [f"--config={coop}", "world", "--lr", "1"]
    assert configs.located(["--config=coop"]) == [f"--config={coop}"]
    for path in ("./coop", "coop.yaml", "some/coop"):
        assert configs.located(["--config", path]) == [f"--config={path}"]
    assert configs.located(["--config"]) == ["--config"]
    (tmp_path / "coop").write_text("method: kgcoop\n")
    assert configs.located(["--config", "coop"]) == ["--config=coop"]  # one's own file first
    with pytest.raises(GoproError, match="no recipe of that name; did you mean cocoop"):
        configs.located(["--config", "cocop"])
    with pytest.raises(GoproError, match="recipes: clip_adapter, "):
        configs.located(["--config", "xyz"])


def test_a_run_from_one(train: Cli, tmp_path: Path) -> None:
    answer = train(tmp_path / "run", "--config", "kgcoop", "--method", "kgcoop")
    assert answer.code == 0, answer.err
    written = yaml.safe_load((tmp_path / "run" / "config.yaml").read_text())
    assert (written["method"], written["batch"], written["lr"]) == ("kgcoop", 2, 0.002)
    assert written["kgcoop"]["w_kg"] == 8.0
    assert "did you mean coop?" in train(tmp_path / "no", "--config", "cop").line
