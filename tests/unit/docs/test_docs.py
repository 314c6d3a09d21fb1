"""Every command, option, Python block and link in README and docs is valid."""

from __future__ import annotations

import re

import pytest

from documented import PAGES, blocks, check, commands, shown
from gopro import GoproError

# the method of this page is in no table; the test of the page runs its commands
ADDED = "adding-a-method.md"
SHOWN = [
    (page.name, words, whole)
    for page in PAGES
    for words, whole in shown(page)
    if not (page.name == ADDED and "tether" in " ".join(words))
]
IDS = [f"{page}: {' '.join(words)}" for page, words, _ in SHOWN]


def test_there_are_commands_to_check() -> None:
    programs = {"gopro", "make", "bash", "pip", "python", "torchrun", "curl"}
    assert {words[0] for _, words, _ in SHOWN} == programs


@pytest.mark.parametrize(("page", "words", "whole"), SHOWN, ids=IDS)
def test_command_exists(page: str, words: list[str], whole: bool) -> None:
    check(words, whole=whole)


@pytest.mark.parametrize(
    "line",
    [
        "gopro pretict model a.jpg",
        "gopro predict model a.jpg --topp 3",
        "gopro predict --topp 3",
        "gopro fit photographs --out model --epochs many",
        "gopro train caltech101 base3new",
        "gopro data lisst --root DATA",
        "make demmo",
        "bash scripts/trein.sh",
        "pip install 'gopro-clip[ap]'",
        "python -m benchmarks.speet",
    ],
)
def test_an_invalid_command_is_found(line: str) -> None:
    (words,) = commands(line)
    with pytest.raises((AssertionError, GoproError)):
        check(words)


def test_python_can_be_read() -> None:
    for page in PAGES:
        for kind, text in blocks(page):
            if kind == "python":
                compile(text, str(page), "exec")


def test_links_have_a_target() -> None:
    for page in PAGES:
        for target in re.findall(r"\]\(([^)#]+)\)", page.read_text(encoding="utf-8")):
            if "://" not in target:
                assert (page.parent / target).exists(), f"{page.name} links to {target}"
