"""docs/architecture.md: rooms, files and answers exist, and the layers are those checked."""

from __future__ import annotations

import ast
import re
import sys
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

import gopro

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
PACKAGE = Path(gopro.__path__[0])
ROOMS = sorted(path.name for path in PACKAGE.iterdir() if (path / "__init__.py").is_file())


def _rows(heading: str) -> list[list[str]]:
    """The cells of the table under a heading, without its first two lines."""
    section = PAGE.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    lines = [line for line in section.splitlines() if line.startswith("| ")]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines[1:]]


def _code(cell: str) -> list[str]:
    return re.findall(r"`([^`]+)`", cell)


QUESTIONS = [
    (question, *_code(file), *_code(name)) for question, file, name in _rows("Ten questions")
]


def test_nothing_else_lies_at_the_top_of_the_package() -> None:
    files = {path.name for path in PACKAGE.iterdir() if path.is_file()}
    assert files == {"__init__.py", "__main__.py", "py.typed"}


def test_every_room_is_described() -> None:
    assert sorted(_code(room)[0] for room, *_ in _rows("Rooms")) == ROOMS
    assert len(ROOMS) == 10


@pytest.mark.parametrize(("room", "files"), [(row[0], row[-1]) for row in _rows("Rooms")])
def test_the_files_of_a_room_exist(room: str, files: str) -> None:
    paths = [name for name in _code(files) if re.search(r"^\w+(\.py|/)$", name)]
    assert len(paths) > 2
    missing = [name for name in paths if not (PACKAGE / _code(room)[0] / name).exists()]
    assert missing == []


def test_there_are_ten_questions() -> None:
    assert len({question for question, *_ in QUESTIONS}) == 10


@pytest.mark.parametrize(("question", "file", "name"), QUESTIONS)
def test_a_question_has_an_answer(question: str, file: str, name: str) -> None:
    tree = ast.parse((PACKAGE / file).read_text(encoding="utf-8"))
    defined = {getattr(node, "name", None) for node in tree.body} | {
        target.id
        for node in tree.body
        for target in getattr(node, "targets", [getattr(node, "target", None)])
        if isinstance(target, ast.Name)
    }
    assert name in defined, question


def test_the_layers_shown_are_those_checked() -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    layers, _ = settings["tool"]["importlinter"]["contracts"]
    shown = re.search(r"^## Layers\n.*?^```\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    assert shown and shown[1].splitlines() == layers["layers"]
    assert len(layers["layers"]) <= 10
    assert sorted(word for line in layers["layers"] for word in re.findall(r"\w+", line)) == ROOMS


def test_no_module_is_in_an_import_circle() -> None:
    """Imports under ``TYPE_CHECKING`` and inside functions count too."""
    source = ROOT / "src"
    paths = {
        ".".join(path.relative_to(source).with_suffix("").parts).removesuffix(".__init__"): path
        for path in (source / "gopro").rglob("*.py")
    }
    imports: dict[str, set[str]] = {}
    for module, path in paths.items():
        names: set[str] = set()
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom):
                assert node.level == 0, f"{module} has a relative import"
                inside = [f"{node.module}.{alias.name}" for alias in node.names]
                names.update(name if name in paths else str(node.module) for name in inside)
            elif isinstance(node, ast.Import):
                names.update(alias.name for alias in node.names)
        imports[module] = names & paths.keys()
    TopologicalSorter(imports).prepare()  # raises CycleError, which names the modules
