"""Everything that takes long, one after the other: what ``make nightly`` runs.

A failure doesn't keep the rest from running. Each part's output is in ``runs/nightly/NAME.log``,
what came of it in ``runs/nightly/summary.md``, which is also printed.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import torch

from gopro.common import environment

ROOT = Path(__file__).resolve().parents[1]
OUT = ROOT / "runs" / "nightly"


@dataclass(frozen=True)
class Part:
    """A long check.

    Attributes:
        name: As in the summary.
        command: Arguments for Python.
        figures: Patterns of what to tell; of each the last match's first group is told.
    """

    name: str
    command: Sequence[str]
    figures: Sequence[str]


def parts(fuzz_seconds: int, seed: int) -> list[Part]:
    """All checks, the most telling first."""
    pytest = ("-m", "pytest", "-n", "auto")
    passed = r"((?:\d+ failed, )?\d+ passed.*) in "
    order = ("--random-order-bucket", "global", "--random-order-seed", str(seed))
    cover = ("--cov", "--cov-report", "term:skip-covered", "--cov-fail-under", "90")
    return [
        Part(
            "suite in random order, branch coverage",
            (*pytest, *order, *cover),
            (passed, r"Total coverage: ([\d.]+%)"),
        ),
        Part("interrupted, full disk, load", (*pytest[:2], "-m", "nightly", "-rP"), (passed,)),
        Part(
            "properties, 10,000 examples each",
            (*pytest, "tests/properties", "--hypothesis-profile", "nightly", "--timeout", "7200"),
            (passed,),
        ),
        *(
            Part(
                f"fuzzing of {name}",
                (f"fuzz/{name}.py", str(fuzz_seconds)),
                (r"stat::number_of_executed_units:\s+(\d+)",),
            )
            for name in ("splits", "settings", "images")
        ),
        Part("mutants", ("scripts/mutation.py",), (r"(\d+ of \d+ killed.*)",)),
    ]


def run(part: Part) -> str:
    """Run a check and give its line of the summary."""
    log = OUT / f"{re.sub(r'[^a-z0-9]+', '-', part.name.lower())}.log"
    started = time.monotonic()
    with log.open("w", encoding="utf-8") as file:
        # a process a core, each with one thread: small tensors are faster that way
        one_thread = {**os.environ, "OMP_NUM_THREADS": "1"}
        command = [sys.executable, *part.command]
        code = subprocess.run(
            command, cwd=ROOT, env=one_thread, stdout=file, stderr=subprocess.STDOUT
        ).returncode
    text = log.read_text(encoding="utf-8", errors="replace")
    told = [found[-1] for pattern in part.figures if (found := re.findall(pattern, text))]
    minutes = (time.monotonic() - started) / 60
    fine = "yes" if code == 0 else f"**no** ({log.relative_to(ROOT)})"
    return f"| {part.name} | {fine} | {'; '.join(told) or '-'} | {minutes:.1f} |"


def main() -> int:
    """Run all checks, or those whose names hold one of the words given."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("words", nargs="*", help="only checks whose names hold one of these")
    parser.add_argument("--fuzz-seconds", type=int, default=200, help="for each of three targets")
    parser.add_argument("--seed", type=int, default=date.today().toordinal(), help="of the order")
    given = parser.parse_args()
    OUT.mkdir(parents=True, exist_ok=True)
    here = ", ".join(environment.describe(torch.device("cpu")).values())
    rows = ["| check | passed | figures | minutes |", "|---|---|---|---:|"]
    head = f"Nightly checks of {date.today()}, order drawn with {given.seed}; {here}"
    for part in parts(given.fuzz_seconds, given.seed):
        if given.words and not any(word in part.name for word in given.words):
            continue
        print(f"{part.name} ...", flush=True)
        rows.append(run(part))
        (OUT / "summary.md").write_text("\n".join([head, "", *rows, ""]), encoding="utf-8")
    print((OUT / "summary.md").read_text(encoding="utf-8"))
    return 1 if any("**no**" in row for row in rows) else 0


if __name__ == "__main__":
    sys.exit(main())
