"""The commands and code blocks that README and docs show, and whether a command line is valid."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from unittest import mock

from gopro.cli.main import COMMANDS, main
from gopro.cli.options import Parser
from gopro.cli.train import runs_from
from gopro.data.tasks import resolve

ROOT = Path(__file__).parents[1]
PAGES = (
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "SECURITY.md")),
    *sorted((ROOT / "docs").glob("*.md")),
)

_INSTALL = re.compile(
    r"\b(?:pip|pipx|uv)3?\b[^\n`]*\b(?:install|add)\b[^\n`&;|]*|\breinstall\b[^\n`&;|,.]*"
)
_FOREIGN = re.compile(r"(?<![\w./-])gopro(?![\w./-])|(?<![\w./-])gopro\[(?=\w|{)")

_BLOCK = re.compile(r"^```(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)
_INLINE = re.compile(r"`((?:gopro|make|bash scripts/)[^`]*)`")
_PROGRAMS = ("gopro", "make", "bash", "pip", "python", "torchrun", "curl")


def blocks(page: Path) -> list[tuple[str, str]]:
    """Kind and text of each block of code of a page, in order."""
    return _BLOCK.findall(page.read_text(encoding="utf-8"))


def commands(text: str) -> list[list[str]]:
    """The command lines of a block, split into words. Other lines are left out."""
    lines = text.replace("\\\n", " ").splitlines()
    stripped = [line.removeprefix("$ ").removeprefix(".venv/bin/") for line in lines]
    found = [line for line in stripped if line.partition(" ")[0] in _PROGRAMS]
    return [shlex.split(line.partition(" > ")[0], comments=True) for line in found]


def shown(page: Path) -> list[tuple[list[str], bool]]:
    """Every command line of a page, and whether it is complete (in a block, not in a sentence)."""
    found = [
        (words, True)
        for kind, text in blocks(page)
        if kind in ("", "bash", "console", "sh")
        for words in commands(text)
    ]
    inline = _INLINE.findall(page.read_text(encoding="utf-8"))
    return found + [(words, False) for text in inline for words in commands(text)]


def foreign_installs(text: str) -> list[str]:
    """The lines that install ``gopro``, which is somebody else's project; ours is gopro-clip."""
    return [line for line in _INSTALL.findall(text) if _FOREIGN.search(line)]


def check(words: Sequence[str], *, whole: bool = True) -> None:
    """Fail unless a command line is valid: program, command, and every option with its value.

    Args:
        words: The command line.
        whole: Whether it must be complete. In a sentence, required arguments may be missing.

    Raises:
        AssertionError: If there is no such program, command, target or script.
        GoproError: If there is no such option, or its value is not accepted.
    """
    program, *arguments = words
    if program == "make":
        makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
        for target in arguments:
            assert re.search(rf"^{target}:", makefile, re.MULTILINE), f"no target {target}"
    elif program == "bash":
        assert (ROOT / arguments[0]).is_file(), f"no script {arguments[0]}"
    elif program == "python" and arguments[:1] == ["-m"]:
        module = ROOT / arguments[1].replace(".", "/")
        assert module.is_dir() or module.with_suffix(".py").is_file(), f"no module {arguments[1]}"
    elif program == "torchrun":
        check(["gopro", *arguments[arguments.index("-m") + 2 :]])
    elif program == "pip":
        extras = set(re.findall(r"\[([\w,]+)\]", " ".join(arguments)))
        known = re.findall(r"^(\w+) = \[", (ROOT / "pyproject.toml").read_text(), re.MULTILINE)
        assert extras <= set(known), f"no extra {extras}"
        assert not foreign_installs(" ".join(words)), "gopro is another project; ours is gopro-clip"
    elif program == "gopro" and arguments and not arguments[0].startswith(("-", "COMMAND")):
        assert arguments[0] in COMMANDS, f"no command gopro {arguments[0]}"
        _check_options(arguments, whole)


class _Parsed(Exception):  # noqa: N818 - not an error
    """The command line was parsed; the command itself must not run."""


def _check_options(arguments: Sequence[str], whole: bool) -> None:
    command, *rest = arguments
    if not rest or {"--help", "--help-all"} & set(rest):
        return
    if command == "train":
        for settings, _ in runs_from(rest):  # also checks combinations
            if whole or settings.task != "TASK":
                resolve(settings.task)
        return
    with _parsing_only(whole):
        try:
            main(["--debug", *arguments])
        except _Parsed:
            return
    raise AssertionError(f"gopro {command} ran without parsing {rest}")


@contextmanager
def _parsing_only(whole: bool) -> Iterator[None]:
    real = Parser.parse_args

    def parse_args(self: Parser, args: Sequence[str], *more: object, **options: object) -> None:
        known = {text for action in self._actions for text in action.option_strings}
        for word in args:
            if word.startswith("--") and word.partition("=")[0] not in known:
                self.error(f"unrecognized arguments: {word}")
        if whole:
            real(self, args, *more, **options)
        raise _Parsed

    with mock.patch.object(Parser, "parse_args", parse_args):
        yield
