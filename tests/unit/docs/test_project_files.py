"""Citation, workflow and site configuration agree with the package and with the README."""

from __future__ import annotations

import re
import sys
from typing import Any

import yaml

from documented import ROOT, blocks
from gopro.common.version import DISTRIBUTION

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

SETTINGS = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
PROJECT = SETTINGS["project"]
EXTRAS = PROJECT["optional-dependencies"]


def _yaml(name: str) -> Any:
    return yaml.safe_load((ROOT / name).read_text(encoding="utf-8"))


def _bibtex() -> list[dict[str, str]]:
    """The fields of the README's entries, without the braces that keep capitals."""
    entries = [text for kind, text in blocks(ROOT / "README.md") if kind == "bibtex"]
    fields = [re.findall(r"^  (\w+) += \{(.*)\},?$", text, re.MULTILINE) for text in entries]
    return [{key: re.sub("[{}]", "", value) for key, value in found} for found in fields]


def test_the_citation_is_that_of_the_readme() -> None:
    cited = _yaml("CITATION.cff")
    (reference,) = cited["references"]
    paper, software = _bibtex()
    names = [f"{one['family-names']}, {one['given-names']}" for one in reference["authors"]]
    assert paper == {
        "title": reference["title"],
        "author": " and ".join(names),
        "booktitle": reference["conference"]["name"],
        "year": str(reference["year"]),
        "note": reference["identifiers"][0]["value"],
    }
    assert (software["title"], software["version"]) == (cited["title"], cited["version"])
    assert [software["author"]] == [one["name"] for one in cited["authors"]]


def test_the_citation_is_that_of_the_package() -> None:
    cited = _yaml("CITATION.cff")
    assert cited["title"].startswith(f"{DISTRIBUTION}: ")
    assert (cited["version"], cited["license"]) == (PROJECT["version"], PROJECT["license"])
    assert cited["authors"] == PROJECT["authors"]
    assert cited["keywords"] == PROJECT["keywords"]


def test_the_workflow_tests_what_the_package_promises() -> None:
    jobs = _yaml(".github/workflows/tests.yml")["jobs"]
    assert jobs["lint"]["steps"][-1]["run"] == "make lint"
    tests = jobs["tests"]
    matrix = tests["strategy"]["matrix"]
    assert {name.partition("-")[0] for name in matrix["os"]} == {"ubuntu", "macos", "windows"}
    assert f">={matrix['python'][0]}" == PROJECT["requires-python"]
    install, run = (step["run"] for step in tests["steps"] if "run" in step)
    (extras,) = re.findall(r"\[([\w,]+)\]", install)
    assert set(extras.split(",")) <= EXTRAS.keys()
    assert run == "python -m pytest -n auto --dist worksteal"
    assert jobs["oldest"]["steps"][-1]["run"] == "make oldest"


def test_the_oldest_environment_has_all_that_users_install() -> None:
    """The other extras are tools of the developers."""
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    (extras,) = re.findall(r"lowest-direct \\\n.*\[([\w,]+)\]", makefile)
    assert set(extras.split(",")) == EXTRAS.keys() - {"dev", "docs", "nightly"}
    unbounded = [line for line in PROJECT["dependencies"] if ">=" not in line]
    assert unbounded == []


def test_the_hosted_site_is_that_of_make_docs() -> None:
    hosted = _yaml(".readthedocs.yaml")
    assert hosted["mkdocs"] == {"configuration": "mkdocs.yml", "fail_on_warning": True}
    (install,) = hosted["python"]["install"]
    assert set(install["extra_requirements"]) <= EXTRAS.keys()
