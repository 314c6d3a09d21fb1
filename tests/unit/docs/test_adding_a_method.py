"""The method that the guide adds works as the guide says."""

from __future__ import annotations

import re
import shlex
import shutil
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from gopro import methods
from gopro.data import worldset
from gopro.methods import configs
from gopro.methods.base import Recipe
from gopro.results import results_json
from tiny_run import Cli

GUIDE = Path(__file__).parents[3] / "docs" / "adding-a-method.md"


def _block(kind: str) -> str:
    text = GUIDE.read_text(encoding="utf-8")
    (block,) = re.findall(rf"^```{kind}\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    return str(block)


@pytest.fixture
def tether(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The class of the guide in a module, its line in the table, and its recipe."""
    (tmp_path / "code").mkdir()
    (tmp_path / "code" / "tether.py").write_text(_block("python"), encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path / "code")
    found = re.fullmatch(r'\s*"(\w+)": "gopro\.methods\.(\w+:\w+)",\n', _block("text"))
    assert found, "the guide's line of the table"
    monkeypatch.setitem(methods.TABLE, found[1], found[2])
    recipes = tmp_path / "configs"
    shutil.copytree(Path(configs.__file__).parent, recipes)
    (recipes / "published" / "tether.yaml").write_text(_block("yaml"), encoding="utf-8")
    monkeypatch.setattr(configs, "_FOLDER", recipes)
    yield
    sys.modules.pop("tether", None)


def test_it_is_short() -> None:
    code = _block("python")
    lines = len(code.splitlines())
    assert lines < 60
    assert f"a whole method of {lines} lines" in GUIDE.read_text(encoding="utf-8")


@pytest.mark.usefixtures("tether")
def test_its_commands(
    cli: Cli, tiny: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setattr(worldset, "_TEST", (2, range(1)))  # a tenth of the test pictures
    monkeypatch.chdir(tmp_path)
    brief = [*tiny, "--epochs", 1, "--shots", 1, "--seeds", "1,2", "--validate", "false"]
    commands = [shlex.split(line) for line in _block("bash").splitlines()]
    assert [words[1] for words in commands] == ["train", "ablate"]
    for words in commands:
        answer = cli(*words[1:], *brief)
        assert answer.code == 0, answer.err
        assert "zero-shot CLIP" in answer.out
    folders = [path.parent for path in (tmp_path / "runs").rglob("done")]
    runs = [results_json.read(folder) for folder in folders]
    assert sorted(run["method"] for run in runs) == ["coop"] * 2 + ["tether"] * 6
    assert {run["dataset"] for run in runs} == {"world"}


@pytest.mark.usefixtures("tether")
def test_its_recipe() -> None:
    wanted = replace(Recipe(), **yaml.safe_load(_block("yaml")))
    assert methods.find("tether").recipe_for("ViT-B-16") == wanted != Recipe()


@pytest.mark.usefixtures("tether")
def test_it_is_in_the_lists(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    assert "context tokens shared by all images, on a leash" in cli("methods").out
    assert "--tether.w_leash" in cli("train", "--help-all").out
    assert "there is no option --tether.w_leach; did you mean --tether.w_leash" in (
        cli("train", "world", "--tether.w_leach", 1).line
    )
