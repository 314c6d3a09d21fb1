"""Mutation test: are the tests of the most delicate files able to notice a wrong line?

Each mutant is a file with one thing wrong: a comparison, a number, a sign, a condition, a returned
value, a call or an error left out. It is killed when a test of the file fails. Tools for this skip
decorated classes, which the prompts are, or load torch anew for each mutant; here all that a test
needs is loaded once, and each mutant runs in a fork of that process.

``python scripts/mutation.py`` tries all in an order drawn by lot, ``--most 50`` so many of each
file, ``--minutes 5`` those that can be tried in that time; words choose files whose path holds one
of them.
"""

from __future__ import annotations

import argparse
import ast
import copy
import importlib
import os
import random
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import CodeType

ROOT = Path(__file__).resolve().parents[1]
LEAST = 85.0
"""Percent of each file's mutants that must be killed."""

TESTS = {
    "methods/losses.py": ["methods/test_losses.py"],
    "data/tasks.py": ["data/test_tasks.py"],
    "data/splits.py": ["data/test_splits.py"],
    "backbones/prompts.py": ["backbones/test_prompts.py", "backbones/test_text.py"],
    "backbones/packing.py": ["backbones/test_packing.py", "backbones/test_text.py"],
    "backbones/text.py": ["backbones/test_text.py"],
}
_LOADED_ONCE = (
    *("pytest", "hypothesis", "numpy", "PIL.Image", "torch", "torchvision", "open_clip"),
    *("safetensors.torch", "kornia", "jsonargparse", "yaml", "rich.table", "jinja2"),
)
_SWAPS: dict[type[ast.AST], type[ast.AST]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Div,
    ast.Div: ast.Mult,
    ast.FloorDiv: ast.Mult,
    ast.Mod: ast.Mult,
    ast.Pow: ast.Mult,
    ast.BitAnd: ast.BitOr,
    ast.BitOr: ast.BitAnd,
    ast.And: ast.Or,
    ast.Or: ast.And,
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
}


@dataclass(frozen=True)
class Mutant:
    """A file with one thing wrong."""

    path: Path
    line: int
    what: str
    tree: ast.Module


def mutants(path: Path) -> list[Mutant]:
    """All mutants of a file, in the order of its lines."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    found = []
    for number, node in enumerate(_nodes(tree)):
        for what, put in _changes(node):
            changed = copy.deepcopy(tree)
            holder, name, place = _holder(changed, list(_nodes(changed))[number])
            if place is None:
                setattr(holder, name, put)
            else:
                getattr(holder, name)[place] = put
            line = getattr(node, "lineno", getattr(holder, "lineno", 0))
            found.append(Mutant(path, line, what, ast.fix_missing_locations(changed)))
    return sorted(found, key=lambda mutant: mutant.line)


def _nodes(node: ast.AST) -> Iterator[ast.AST]:
    """The node and those in it, less annotations, decorators, docstrings and messages."""
    yield node
    if isinstance(node, ast.Raise | ast.JoinedStr):
        return
    for name, value in ast.iter_fields(node):
        if name in ("annotation", "returns", "decorator_list"):
            continue
        for child in value if isinstance(value, list) else [value]:
            text = isinstance(child, ast.Expr) and isinstance(child.value, ast.Constant)
            if isinstance(child, ast.AST) and not text:
                yield from _nodes(child)


def _changes(node: ast.AST) -> Iterator[tuple[str, ast.AST]]:
    """What may stand in a node's place, with words for it."""
    other = _SWAPS.get(type(node))
    if other is not None:
        yield f"{type(node).__name__} -> {other.__name__}", other()
    if isinstance(node, ast.Constant) and not isinstance(node.value, bytes | type(...) | None):
        value = node.value
        if isinstance(value, bool):
            wrong: object = not value
        else:
            wrong = f"{value}X" if isinstance(value, str) else value + 1
        yield f"{value!r} -> {wrong!r}", ast.Constant(wrong)
    elif isinstance(node, ast.UnaryOp):
        yield f"{type(node.op).__name__} left out", node.operand
    elif isinstance(node, ast.If | ast.IfExp):
        denied = copy.deepcopy(node)
        denied.test = ast.UnaryOp(ast.Not(), denied.test)
        yield "condition denied", denied
    elif isinstance(node, ast.Return) and node.value is not None:
        yield "returns None", ast.Return(ast.Constant(None))
    elif isinstance(node, ast.Raise | ast.Expr):
        yield f"{'error' if isinstance(node, ast.Raise) else 'call'} left out", ast.Pass()


def _holder(tree: ast.AST, wanted: ast.AST) -> tuple[ast.AST, str, int | None]:
    """Where a node hangs: its parent, the field, and the place in it where that is a list."""
    for parent in ast.walk(tree):
        for name, value in ast.iter_fields(parent):
            if value is wanted:
                return parent, name, None
            if isinstance(value, list):
                for place, child in enumerate(value):
                    if child is wanted:
                        return parent, name, place
    raise LookupError(wanted)


def survives(mutant: Mutant | None, tests: Sequence[str], seconds: float) -> bool:
    """Run tests in a fork that has a mutant in its file's place: whether all of them pass."""
    child = os.fork()
    if child == 0:
        os.setsid()
        silent = os.open(os.devnull, os.O_WRONLY)
        os.dup2(silent, 1)
        os.dup2(silent, 2)
        code = 1
        try:
            if mutant is not None:
                _put_in_place(mutant)
            plugins = ("-p", "no:cacheprovider", "-p", "no:xdist")
            options = ["-x", "-q", *plugins, "--rootdir", str(ROOT)]
            code = int(sys.modules["pytest"].main([*options, *tests]))
        finally:
            os._exit(code)
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            return status == 0
        time.sleep(0.02)
    os.killpg(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return False


def _put_in_place(mutant: Mutant) -> None:
    whole = SourceFileLoader.get_code

    def get_code(self: SourceFileLoader, name: str) -> CodeType | None:
        if Path(self.path) == mutant.path:
            return compile(mutant.tree, str(mutant.path), "exec")
        return whole(self, name)

    SourceFileLoader.get_code = get_code  # type: ignore[method-assign]


def main() -> int:
    """Try the mutants and print those that survive; 1 where too many do."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("words", nargs="*", help="only files whose path holds one of these")
    parser.add_argument("--most", type=int, default=10_000, help="mutants of a file")
    parser.add_argument("--minutes", type=float, default=60, help="for the mutants of a file")
    parser.add_argument("--seed", type=int, default=0, help="draws their order")
    given = parser.parse_args()
    os.chdir(ROOT)
    sys.path.insert(0, str(ROOT))
    for name in _LOADED_ONCE:
        importlib.import_module(name)
    killed = total = 0
    poor = []
    for file, names in TESTS.items():
        if given.words and not any(word in file for word in given.words):
            continue
        tests = [f"tests/unit/{name}" for name in names]
        started = time.monotonic()
        if not survives(None, tests, 600):
            raise SystemExit(f"the tests of {file} fail without any mutant: {' '.join(tests)}")
        limit = 10 + 4 * (time.monotonic() - started)
        every = mutants(ROOT / "src" / "gopro" / file)
        drawn = random.Random(given.seed).sample(every, min(given.most, len(every)))
        started = time.monotonic()
        tried = alive = 0
        for mutant in drawn:
            if time.monotonic() - started > 60 * given.minutes:
                break
            tried += 1
            if survives(mutant, tests, limit):
                alive += 1
                print(f"  {file}:{mutant.line}: {mutant.what}", flush=True)
        share = 100 * (tried - alive) / tried
        outcome = f"{tried - alive} of {tried}, {len(every)} in all ({share:.1f} %)"
        print(f"{file}: {outcome}", flush=True)
        killed, total = killed + tried - alive, total + tried
        poor += [file] if share < LEAST else []
    print(f"{killed} of {total} killed, {100 * killed / max(total, 1):.1f} %")
    return 1 if poor else 0


if __name__ == "__main__":
    sys.exit(main())
