"""Every command that README and docs show exists and takes the options shown."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from gopro.cli import COMMANDS
from gopro.commands import ablate
from gopro.commands.train import read, runs_from

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


def _commands() -> list[tuple[str, list[str]]]:
    """Command lines in code blocks, and in text between backticks, with their page."""
    found = []
    for page in PAGES:
        text = page.read_text(encoding="utf-8").replace("\\\n", " ")
        blocks = re.findall(r"^```(?:bash|console|sh)?\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
        lines = [line for block in blocks for line in block.splitlines()]
        lines += re.findall(r"`((?:gopro|make|bash scripts/)[^`]*)`", text)
        for line in lines:
            line = line.removeprefix("$ ").removeprefix(".venv/bin/")
            if line.partition(" ")[0] in ("gopro", "make", "bash"):
                found.append((page.name, shlex.split(line, comments=True)))
    return found


SHOWN = _commands()


def test_there_are_commands_to_check() -> None:
    assert {words[0] for _, words in SHOWN} == {"gopro", "make", "bash"}


@pytest.mark.parametrize(("page", "words"), SHOWN, ids=[" ".join(words) for _, words in SHOWN])
def test_command_exists(page: str, words: list[str]) -> None:
    program, *arguments = words
    if program == "make":
        assert re.search(rf"^{arguments[0]}:", (ROOT / "Makefile").read_text(), re.MULTILINE)
    elif program == "bash":
        assert (ROOT / arguments[0]).is_file()
    elif arguments and not arguments[0].startswith("-") and arguments[0] != "COMMAND":
        assert arguments[0] in COMMANDS, f"{page} shows a command that isn't there"
        if arguments[0] == "train" and "--help" not in arguments and len(arguments) > 1:
            runs_from(arguments[1:])
        elif arguments[0] == "ablate" and len(arguments) > 1:
            read(ablate.parser(), arguments[1:])


def test_links_lead_somewhere() -> None:
    for page in PAGES:
        for target in re.findall(r"\]\(([^)#]+)\)", page.read_text(encoding="utf-8")):
            if "://" not in target:
                assert (page.parent / target).exists(), f"{page.name} links to {target}"
