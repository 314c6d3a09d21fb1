"""What a repetition of a run needs: settings, versions, the code's revision, hashes of its data."""

from __future__ import annotations

import hashlib
import json
import subprocess
from functools import lru_cache
from pathlib import Path

from gopro.common import environment
from gopro.data.fewshot import Sample
from gopro.data.plan import Plan
from gopro.results import results_json, runfolder
from gopro.runs.prepared import PreparedRun


def provenance(prepared: PreparedRun) -> results_json.Provenance:
    """The entries of ``results.json`` that say how the results were made.

    Returns:
        ``settings`` (all of them, as in ``config.yaml``), ``environment`` (device, system,
        versions), ``revision`` (of the code, None where it isn't a git checkout), ``splits``
        (``train`` and each test -> SHA-256 of the data set's split) and ``sample`` (SHA-256 of
        the few-shot sample).
    """
    return {
        "settings": runfolder.to_dict(prepared.settings, prepared.options),
        "environment": environment.describe(prepared.backbone.device),
        "revision": _own_revision(),
        "splits": _splits(prepared.plan),
        "sample": _hash(prepared.plan.sample),
    }


@lru_cache
def _own_revision() -> str | None:
    """This code's revision when the process first asked for it."""
    return revision(Path(__file__).parents[1])


def revision(package: Path) -> str | None:
    """The git revision of the checkout that a package belongs to.

    Args:
        package: Its folder, in ``src/`` of the checkout. An installed copy has no revision, even
            when its folder lies in another project's checkout.

    Returns:
        The commit, followed by ``, changed`` when files differ from it; None without a checkout
        or without git.
    """
    source, root = package.resolve().parents[:2]
    if not (root / ".git").exists() or source.name != "src":
        return None
    try:
        commit = _git(root, "rev-parse", "HEAD")
        changed = _git(root, "status", "--porcelain", "--untracked-files=no")
    except (OSError, subprocess.SubprocessError):
        return None
    return f"{commit}, changed" if changed else commit


def _git(root: Path, *arguments: str) -> str:
    command = ["git", "-C", str(root), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=10)
    return done.stdout.strip()


def _splits(plan: Plan) -> dict[str, str]:
    sets = {id(test.dataset): test.dataset for test in plan.tests.values()}
    hashes = {number: dataset.fingerprint() for number, dataset in sets.items()}
    tests = {name: hashes[id(test.dataset)] for name, test in plan.tests.items()}
    return {"train": plan.sample.split, **tests}


def _hash(sample: Sample) -> str:
    rows = [[(item.key, item.label) for item in items] for items in (sample.train, sample.val)]
    return hashlib.sha256(json.dumps(rows).encode()).hexdigest()
