"""Apple GPUs have no float64: a tensor goes to the cpu before it gets double precision."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]


def _too_early(code: str) -> Iterator[int]:
    """Lines with ``.cpu()`` of something that was made float64 before, in its own function."""
    for function in ast.walk(ast.parse(code)):
        if not isinstance(function, ast.FunctionDef):
            continue
        doubles: set[str] = set()  # names of float64 tensors that may not be on the cpu
        for node in ast.walk(function):  # assignments come before what uses them
            if isinstance(node, ast.Assign) and _is_double(node.value, doubles):
                doubles |= {name.id for name in node.targets if isinstance(name, ast.Name)}
            if (
                isinstance(node, ast.Attribute)
                and node.attr == "cpu"
                and _is_double(node.value, doubles)
            ):
                yield node.lineno


def _is_double(expression: ast.expr, doubles: set[str]) -> bool:
    parts = list(ast.walk(expression))
    attributes = {node.attr for node in parts if isinstance(node, ast.Attribute)}
    names = {node.id for node in parts if isinstance(node, ast.Name)}
    return "cpu" not in attributes and bool(attributes & {"double", "float64"} or names & doubles)


@pytest.mark.parametrize(
    "body",
    [
        "return x.double().cpu()",
        "return x.to(torch.float64).cpu()",
        "return (f(x).double() / 2).softmax(dim=1).cpu()",
        "y = f(x).double()\n    return (y / 2).softmax(dim=1).cpu()",
    ],
)
def test_what_fails_on_an_apple_gpu_is_found(body: str) -> None:
    assert list(_too_early(f"def f(x):\n    {body}"))
    assert not list(_too_early("def f(x):\n    y = x.cpu().double()\n    return (y / 2).cpu()"))


def test_nothing_is_made_double_before_it_is_on_the_cpu() -> None:
    found = [
        f"{path.relative_to(ROOT)}:{line}"
        for folder in ("src", "benchmarks", "recipes")
        for path in (ROOT / folder).rglob("*.py")
        for line in _too_early(path.read_text(encoding="utf-8"))
    ]
    assert not found
