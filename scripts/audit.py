"""Known vulnerabilities in the packages that gopro requires: part of ``make lint``.

Asks the advisory database about the installed versions of gopro's own requirements. If the database
cannot be reached, the audit says so and does not fail. Advisories in ``ACCEPTED`` do not fail it.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Mapping
from datetime import date
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path
from typing import Any

from gopro.common.version import DISTRIBUTION

ACCEPTED: dict[str, date] = {}
"""Advisory -> last day on which it is accepted; a comment above each says why."""


def own_requirements() -> dict[str, str]:
    """The packages that gopro requires, without extras, and their installed versions."""
    versions = {}
    for line in requires(DISTRIBUTION) or ():
        name = re.split(r"[^\w.-]", line, maxsplit=1)[0]
        if "extra ==" not in line:
            try:
                versions[name] = version(name).partition("+")[0]  # 2.6.0+cpu is 2.6.0
            except PackageNotFoundError:
                continue
    return versions


def open_advisories(
    report: Mapping[str, Any], accepted: Mapping[str, date], today: date
) -> Iterable[str]:
    """A line for each advisory in pip-audit's report that is not accepted today."""
    for package in report["dependencies"]:
        for advisory in package.get("vulns", ()):
            names = [advisory["id"], *advisory.get("aliases", ())]
            if not any(name in accepted and today <= accepted[name] for name in names):
                fixed = ", ".join(advisory["fix_versions"]) or "no version yet"
                yield f"{package['name']} {package['version']}: {names[0]}, fixed in {fixed}"


def ask(packages: Mapping[str, str]) -> dict[str, Any] | None:
    """pip-audit's report on packages; None if the database cannot be reached."""
    with tempfile.TemporaryDirectory() as folder:
        pins = Path(folder) / "requirements.txt"
        pins.write_text("".join(f"{name}=={number}\n" for name, number in packages.items()))
        options = ("--no-deps", "--disable-pip", "--format=json", "--progress-spinner=off")
        command = [sys.executable, "-m", "pip_audit", "--requirement", str(pins), *options]
        try:
            done = subprocess.run(
                [*command, "--timeout=10"], capture_output=True, text=True, timeout=60
            )
            report: dict[str, Any] = json.loads(done.stdout)
            return report
        except (subprocess.TimeoutExpired, ValueError):
            return None


def main() -> int:
    """Print the open advisories. Returns 1 if there are any."""
    packages = own_requirements()
    report = ask(packages)
    if report is None:
        print("not audited: the advisory database cannot be reached")
        return 0
    lines = list(open_advisories(report, ACCEPTED, date.today()))
    print("\n".join(lines) or f"no known vulnerabilities in {len(packages)} packages")
    return 1 if lines else 0


if __name__ == "__main__":
    sys.exit(main())
