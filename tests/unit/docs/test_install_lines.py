"""Every install line names the distribution ``gopro-clip``: ``gopro`` is another project."""

from __future__ import annotations

from importlib.metadata import distribution

import pytest

from documented import ROOT, foreign_installs
from gopro.common.version import DISTRIBUTION

FILES = [
    path
    for folder in ("docs", "src", "notebooks", "scripts", "benchmarks", "recipes", ".ci")
    for path in sorted((ROOT / folder).rglob("*"))
    if path.suffix in (".md", ".py", ".ipynb", ".sh", ".html", ".yaml", "") and path.is_file()
] + [
    ROOT / name
    for name in ("README.md", "CHANGELOG.md", "CONTRIBUTING.md", "Makefile", "mkdocs.yml")
]


def test_the_distribution_has_a_name_of_its_own() -> None:
    assert DISTRIBUTION == "gopro-clip"
    assert f'name = "{DISTRIBUTION}"' in (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    programs = {point.name for point in distribution(DISTRIBUTION).entry_points}
    assert programs == {"gopro"}


def test_every_install_line_names_it() -> None:
    assert len(FILES) > 200
    found = {str(path): foreign_installs(path.read_text(encoding="utf-8")) for path in FILES}
    assert {name: lines for name, lines in found.items() if lines} == {}


def test_there_are_such_lines() -> None:
    text = "".join(path.read_text(encoding="utf-8") for path in FILES)
    for extra in ("app", "export", "hub", "cluster", "log", "text"):
        assert f"pip install 'gopro-clip[{extra}]'" in text


@pytest.mark.parametrize(
    ("line", "foreign"),
    [
        ("pip install gopro", True),
        ("python -m pip install --upgrade gopro", True),
        ("pip install 'gopro[app]'", True),
        ("f\"pip install 'gopro[{extra}]'\"", True),
        ("uv add gopro==1.0", True),
        ("the file is missing: reinstall gopro, or make it anew", True),
        ("the file is missing: reinstall gopro-clip, or run gopro doctor", False),
        ("pip install gopro-clip", False),
        ("pip install 'gopro-clip[app]'", False),
        ("pip install . && gopro demo", False),
        ("pip install .", False),
        ("pip install src/gopro", False),
        ("run `pip install .`, then `gopro demo`", False),
    ],
)
def test_what_counts_as_one(line: str, foreign: bool) -> None:
    assert bool(foreign_installs(line)) == foreign
