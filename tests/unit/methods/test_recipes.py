"""The recipe files: one for each method, keys are settings, and the first lines are true."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path

import pytest
import yaml

from gopro.cli.train import options_of, parser, read
from gopro.common.errors import GoproError
from gopro.methods import TABLE, configs, find
from gopro.methods.base import Recipe
from gopro.methods.coop import CoOp
from gopro.results import published
from gopro.results.results_json import harmonic_mean
from tiny_run import Cli

FOLDER = Path(configs.__file__).parent / "published"
FIELDS = {field.name for field in fields(Recipe)}


def text_of(name: str) -> str:
    return (FOLDER / f"{name}.yaml").read_text(encoding="utf-8")


def test_one_for_each_method() -> None:
    stems = [file.stem for file in configs.files()]
    assert [stem for stem in stems if "-" not in stem] == sorted(TABLE)
    assert [stem for stem in stems if "-" in stem] == ["mma-plus"]  # a variant's


@pytest.mark.parametrize("name", TABLE)
def test_a_published_recipe_is_complete(name: str) -> None:
    values = configs.values(name)
    recipe = find(name).recipe_for("ViT-B-16")
    run = {"method": name, "backbone": "ViT-B-16", "pretrained": "openai"}
    assert values.items() >= run.items()
    assert values["shots"] == (4 if name == "prograd" else 16)
    trained = {key: value for key, value in values.items() if key in FIELDS}
    assert all(getattr(recipe, key) == value for key, value in trained.items())
    assert values.keys() - FIELDS - {name} == run.keys() | {"shots"}
    missing = FIELDS - values.keys()
    if recipe.epochs == 0:
        assert trained == {"epochs": 0}
    else:
        computed = {"epochs"} if name in ("clip_lora", "two_stage") else set()
        stored = name in ("linear_adapter", "prolip")  # their codes store augmented copies
        assert missing == computed | (set() if stored else {"view_cache"})
    options = values.get(name, {})
    usual = find(name).Settings()
    assert all(getattr(usual, key) != value for key, value in options.items())


FOR_BACKBONES = sorted(file for file in FOLDER.parent.glob("*/*.yaml") if file.parent != FOLDER)


@pytest.mark.parametrize("file", FOR_BACKBONES, ids=lambda file: f"{file.parent.name} {file.stem}")
def test_a_backbones_recipe_says_what_differs(file: Path) -> None:
    backbone, name = file.parent.name, file.stem
    text = file.read_text(encoding="utf-8")
    changed = yaml.safe_load(text)
    before, after = configs.values(name), configs.values(name, backbone)
    assert name in TABLE
    assert changed.keys() <= FIELDS
    assert after == {**before, **changed}
    assert all(before.get(key) != value for key, value in changed.items())
    recipe = find(name).recipe_for(backbone, 1000)
    assert all(getattr(recipe, key) == value for key, value in changed.items())
    assert f"published/{name}.yaml" in text
    # the command that chose the values tried them
    assert f"--method {name}" in text or f"--methods {name}\n" in text
    assert f"lr={after['lr']} epochs={after['epochs']}" in text


def test_a_method_without_a_file() -> None:
    class Other(CoOp):
        pass

    assert Other.recipe_for("mini") == Recipe()
    assert configs.values("test_recipes", "mini") == {}
    assert configs.values("coop", "no such backbone") == configs.values("coop")


@pytest.mark.parametrize("name", TABLE)
def test_the_command_of_the_first_line_reads_them(name: str) -> None:
    first = text_of(name).splitlines()[0]
    command = re.fullmatch(r"# gopro train (caltech101 (?:base2new|few-shot) .+)", first)
    assert command is not None, first
    values, settings = read(parser, command[1].split())
    options = options_of(name, values)
    assert (settings.dataset, settings.method) == ("caltech101", name)
    assert options == find(name).Settings()
    for field in FIELDS:
        assert getattr(settings, field) == configs.values(name).get(field)


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


def test_the_recipe_of_a_variant() -> None:
    values, settings = read(parser, ["caltech101", "--config", "mma-plus"])
    assert (settings.method, settings.epochs, settings.lr) == ("mma", 50, 0.3)
    assert options_of("mma", values).variant == "plus"


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
