"""Mutation test: do the tests of the most delicate files notice a wrong line?

Each mutant is a file with one error: a comparison, a number, a sign, a condition or a returned
value is changed, or a call or a ``raise`` is removed. A mutant is killed if a test of the file
fails. Existing tools skip decorated classes (the prompts are such classes) or load torch again for
each mutant. Here all modules that tests need are loaded once, and each mutant runs in a fork.

``python -m scripts.mutation`` tries all mutants in random order, ``--most 50`` at most 50 per
file, ``--minutes 5`` as many per file as fit into 5 minutes. Words select files whose path contains
one of them.
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
"""Percent of the mutants of each file that must be killed."""

TESTS = {
    "backbones/text.py": [
        *("backbones/test_pairs.py", "backbones/test_text.py", "backbones/test_text_chunks.py"),
    ],
    "methods/losses.py": ["methods/test_losses.py"],
    "data/tasks.py": ["data/test_tasks.py"],
    "data/splits.py": ["data/test_splits.py"],
    "backbones/prompts.py": ["backbones/test_prompts.py", "backbones/test_text.py"],
    "backbones/packing.py": [
        *("backbones/test_packing.py", "backbones/test_text.py", "backbones/test_text_chunks.py"),
    ],
}
"""The tests of each file; the file with the most mutants first."""
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
    """A file with one error."""

    path: Path
    line: int
    what: str
    tree: ast.Module


def mutants(path: Path) -> list[Mutant]:
    """All mutants of a file, in the order of its lines."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    result = []
    for number, node in enumerate(_nodes(tree)):
        for what, replacement in _changes(node):
            changed = copy.deepcopy(tree)
            parent, name, index = _parent(changed, list(_nodes(changed))[number])
            if index is None:
                setattr(parent, name, replacement)
            else:
                getattr(parent, name)[index] = replacement
            line = getattr(node, "lineno", getattr(parent, "lineno", 0))
            result.append(Mutant(path, line, what, ast.fix_missing_locations(changed)))
    return sorted(result, key=lambda mutant: mutant.line)


def _nodes(node: ast.AST) -> Iterator[ast.AST]:
    """The node and its children, without annotations, decorators, docstrings and messages."""
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
    """Wrong replacements of a node, each with a description."""
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
        yield f"{type(node.op).__name__} removed", node.operand
    elif isinstance(node, ast.If | ast.IfExp):
        negated = copy.deepcopy(node)
        negated.test = ast.UnaryOp(ast.Not(), negated.test)
        yield "condition negated", negated
    elif isinstance(node, ast.Return) and node.value is not None:
        yield "returns None", ast.Return(ast.Constant(None))
    elif isinstance(node, ast.Raise | ast.Expr):
        yield f"{'error' if isinstance(node, ast.Raise) else 'call'} removed", ast.Pass()


def _parent(tree: ast.AST, wanted: ast.AST) -> tuple[ast.AST, str, int | None]:
    """A node's parent, the field that holds the node, and the index if that field is a list."""
    for parent in ast.walk(tree):
        for name, value in ast.iter_fields(parent):
            if value is wanted:
                return parent, name, None
            if isinstance(value, list):
                for index, child in enumerate(value):
                    if child is wanted:
                        return parent, name, index
    raise LookupError(wanted)


def survives(mutant: Mutant | None, tests: Sequence[str], seconds: float) -> bool | None:
    """Whether all tests pass in a fork that imports a mutant instead of its file.

    None if they don't end in that time.
    """
    child = os.fork()
    if child == 0:
        os.setsid()
        silent = os.open(os.devnull, os.O_WRONLY)
        os.dup2(silent, 1)
        os.dup2(silent, 2)
        code = 1
        try:
            if mutant is not None:
                _import_mutant(mutant)
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
    return None


def _import_mutant(mutant: Mutant) -> None:
    original = SourceFileLoader.get_code

    def get_code(self: SourceFileLoader, name: str) -> CodeType | None:
        if Path(self.path) == mutant.path:
            return compile(mutant.tree, str(mutant.path), "exec")
        return original(self, name)

    SourceFileLoader.get_code = get_code  # type: ignore[method-assign]


def main() -> int:
    """Try the mutants and print those that survive. Returns 1 if too many do."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("words", nargs="*", help="only files whose path contains one of these")
    parser.add_argument("--most", type=int, default=10_000, help="mutants per file, at most")
    parser.add_argument("--minutes", type=float, default=60, help="time per file")
    parser.add_argument("--seed", type=int, default=0, help="of their order")
    options = parser.parse_args()
    os.chdir(ROOT)
    sys.path.insert(0, str(ROOT))
    for name in _LOADED_ONCE:
        importlib.import_module(name)
    killed = total = 0
    failed = []
    for file, names in TESTS.items():
        if options.words and not any(word in file for word in options.words):
            continue
        tests = [f"tests/unit/{name}" for name in names]
        started = time.monotonic()
        if not survives(None, tests, 600):
            raise SystemExit(f"the tests of {file} fail without any mutant: {' '.join(tests)}")
        limit = 10 + 4 * (time.monotonic() - started)
        candidates = mutants(ROOT / "src" / "gopro" / file)
        drawn = random.Random(options.seed).sample(candidates, min(options.most, len(candidates)))
        started = time.monotonic()
        tried = alive = late = 0
        for mutant in drawn:
            if time.monotonic() - started > 60 * options.minutes:
                break
            tried += 1
            outcome = survives(mutant, tests, limit)
            late += outcome is None
            if outcome:
                alive += 1
                print(f"  {file}:{mutant.line}: {mutant.what}", flush=True)
        share = 100 * (tried - alive) / tried
        counts = f"{tried - alive} of {tried}, {late} of them by the time limit"
        print(f"{file}: {counts}; {len(candidates)} in all ({share:.1f} %)", flush=True)
        killed, total = killed + tried - alive, total + tried
        failed += [file] if share < LEAST else []
    print(f"{killed} of {total} killed, {100 * killed / max(total, 1):.1f} %")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
