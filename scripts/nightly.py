"""``make nightly``: all checks that take long.

Those that use all cores run alone, one after the other; then the others side by side, one per core.
A failure does not stop the rest. The output of each check goes to ``runs/nightly/NAME.log``, the
results to ``runs/nightly/summary.md``, which is also printed.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import torch
from scripts import mutation

from gopro.common import environment

ROOT = Path(__file__).resolve().parents[1]
OUT = ROOT / "runs" / "nightly"


@dataclass(frozen=True)
class Part:
    """A long check.

    Attributes:
        name: In the summary.
        command: Arguments for Python.
        figures: Patterns of the figures to report: the first group of each one's last match.
        all_cores: Whether it has a process per core, so that nothing should run beside it.
    """

    name: str
    command: Sequence[str]
    figures: Sequence[str]
    all_cores: bool = False


def parts(fuzz_seconds: int, seed: int) -> list[Part]:
    """All checks."""
    pytest = ("-m", "pytest", "-n", "auto", "--dist", "worksteal")
    passed = r"((?:\d+ failed, )?\d+ passed.*) in "
    order = ("--random-order-bucket", "global", "--random-order-seed", str(seed))
    cover = ("--cov", "--cov-report", "term:skip-covered", "--cov-fail-under", "90")
    return [
        Part(
            "suite in random order, branch coverage",
            (*pytest, *order, *cover),
            (passed, r"Total coverage: ([\d.]+%)"),
            all_cores=True,
        ),
        Part("interrupted, full disk, load", (*pytest[:2], "-m", "nightly", "-rP"), (passed,)),
        Part(
            "properties, 10,000 examples each",
            (*pytest, "tests/properties", "--hypothesis-profile", "nightly", "--timeout", "7200"),
            (passed,),
            all_cores=True,
        ),
        *(
            Part(
                f"fuzzing of {name}",
                (f"fuzz/{name}.py", str(fuzz_seconds)),
                (r"stat::number_of_executed_units:\s+(\d+)",),
            )
            for name in ("splits", "settings", "images")
        ),
        *(
            Part(
                f"mutants of {file}",
                ("-m", "scripts.mutation", file),
                (r": (\d+ of \d+, \d+ of them by the time limit)",),
            )
            for file in mutation.TESTS
        ),
    ]


def run(part: Part) -> str:
    """Run a check and return its line of the summary."""
    log = OUT / f"{re.sub(r'[^a-z0-9]+', '-', part.name.lower())}.log"
    print(f"{part.name} ...", flush=True)
    started = time.monotonic()
    with log.open("w", encoding="utf-8") as file:
        # one process per core, each with one thread: faster for small tensors
        one_thread = {**os.environ, "OMP_NUM_THREADS": "1"}
        command = [sys.executable, *part.command]
        code = subprocess.run(
            command, cwd=ROOT, env=one_thread, stdout=file, stderr=subprocess.STDOUT
        ).returncode
    text = log.read_text(encoding="utf-8", errors="replace")
    figures = [found[-1] for pattern in part.figures if (found := re.findall(pattern, text))]
    minutes = (time.monotonic() - started) / 60
    passed = "yes" if code == 0 else f"**no** ({log.relative_to(ROOT)})"
    return f"| {part.name} | {passed} | {'; '.join(figures) or '-'} | {minutes:.1f} |"


def main() -> int:
    """Run all checks, or those whose name contains one of the given words."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("words", nargs="*", help="only checks whose name contains one of these")
    parser.add_argument("--fuzz-seconds", type=int, default=200, help="for each of three targets")
    parser.add_argument("--seed", type=int, default=date.today().toordinal(), help="of the order")
    options = parser.parse_args()
    OUT.mkdir(parents=True, exist_ok=True)
    described = environment.describe(torch.device("cpu"))
    machine = ", ".join(f"{name} {text}" for name, text in described.items())
    summary = OUT / "summary.md"
    head = [
        f"Nightly checks of {date.today()}, order of seed {options.seed}; {machine}",
        "",
        *("| check | passed | figures | minutes |", "|---|---|---|---:|"),
    ]
    chosen = [
        part
        for part in parts(options.fuzz_seconds, options.seed)
        if not options.words or any(word in part.name for word in options.words)
    ]
    alone = [part for part in chosen if part.all_cores]
    beside = [part for part in chosen if not part.all_cores]
    lines: dict[str, str] = {}
    for group, workers in ((alone, 1), (beside, os.cpu_count() or 1)):
        pool = ThreadPoolExecutor(workers)
        running = {pool.submit(run, part): part.name for part in group}
        try:
            for done in as_completed(running):
                lines[running[done]] = done.result()
                rows = [lines[part.name] for part in chosen if part.name in lines]
                summary.write_text("\n".join([*head, *rows, ""]), encoding="utf-8")
        finally:
            pool.shutdown(cancel_futures=True)
    print(summary.read_text(encoding="utf-8"))
    return 1 if any("**no**" in line for line in lines.values()) else 0


if __name__ == "__main__":
    sys.exit(main())
