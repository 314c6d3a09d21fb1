"""Choose the methods' training settings without using test images or new classes.

    python -m recipes.choose world,dtd10 --root DATA --methods coop,gopro --out runs/choose

Only the training split of the first half of the classes is used, in two quarters. Each candidate
trains on 16 images per class of one quarter. It is tested on remaining training images of this
quarter ("base") and of the other one ("new"), at most 20 of a class. Then the quarters change
places. A candidate's harmonic mean is the average over both directions and all data sets. Reported
results have other seeds.

Every method gets six candidates by the same rule: three learning rates, each ten times the one
before; then a third and three times the best of them; then the best rate with another number of
epochs. ``--try "lr=0.01 epochs=20"``, given once or more, measures these instead. ``--write``
writes the best values into the recipe files of the backbone, ``--log`` all of them into a CSV file.

``--task base2all`` is the same, but each quarter is tested among the names of both.

``--task domain-generalization`` leaves out one domain after the other instead: all classes are
trained on the others, and tested on at most 20 training images of a class of this domain.

A method that learns from a teacher gets ``--teacher gopro --teacher-backbone lite``, trained with
its recipe on the same images of the same quarter.
"""

from __future__ import annotations

import argparse
import csv
import shlex
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from statistics import fmean
from typing import Any

import yaml
from recipes.candidates import Changes, Outcome, candidate, inner, left_out, search, words

from gopro.common.errors import GoproError, NotFiniteError
from gopro.data import Dataset, load, tasks
from gopro.methods import configs, find
from gopro.results import results_json
from gopro.results.runfolder import DONE
from gopro.runs import run
from gopro.runs.sweep.suite import default_methods
from gopro.runs.workspace import SHARED, Workspace
from gopro.training.config import DEFAULT_BACKBONE, TrainSettings

SEED = 101


def measure(
    dataset: Dataset,
    base: TrainSettings,
    changes: Changes,
    folder: Path,
    workspace: Workspace | None = None,
) -> dict[str, Any]:
    """Train and test one candidate on one part of a set; finished runs are reused.

    Raises:
        NotFiniteError: When the training diverges.
    """
    prefix = f"{base.method}."
    options = {k.removeprefix(prefix): v for k, v in changes.items() if k.startswith(prefix)}
    general = {k: v for k, v in changes.items() if not k.startswith(prefix)}
    settings = replace(base, out=folder, validate=False, resume=True, **general)
    if not (folder / DONE).exists():
        made = find(base.method).Settings(**options)
        run.train(settings, made, dataset, workspace=workspace)
    return dict(results_json.read(folder))


class Bench:
    """Measures candidates on all data sets, in both directions.

    Args:
        names: Data sets.
        base: The settings that all runs share.
        out: Folder of the runs.
        teacher: Settings of the teachers of methods that learn from one.
    """

    def __init__(
        self,
        names: Sequence[str],
        base: TrainSettings,
        out: Path,
        teacher: TrainSettings | None = None,
    ) -> None:
        self.base, self.out, self.teacher = base, out, teacher
        self.workspace = Workspace(SHARED)
        self.parts = {name: _parts(load(name, base.root), base) for name in names}
        self.zeroshot: dict[str, Outcome] = {}
        self.rows: list[tuple[str, str, Outcome]] = []

    def __call__(self, method: str, changes: Changes) -> Outcome:
        """The outcome of a candidate, averaged over the data sets; prints it."""
        outcomes = [self._on(name, method, changes) for name in self.parts]
        mean = _mean(changes, outcomes)
        print(f"{method:14} {mean}", flush=True)
        return mean

    def _on(self, name: str, method: str, changes: Changes) -> Outcome:
        place = f"{method} {words(changes)}".replace("/", "-").replace(" ", "_")
        home = self.out / f"{name}_{self.base.task}_{self.base.backbone}_{self.base.shots}-shot"
        base = replace(self.base, dataset=name, method=method)
        try:
            results = [
                measure(
                    part,
                    base,
                    {**changes, **setting, **self._taught(name, method, k)},
                    home / place / str(k),
                    self.workspace,
                )
                for k, (part, setting) in enumerate(self.parts[name])
            ]
        except NotFiniteError:
            outcome = Outcome(changes, 0.0, 0.0, 0.0, 0.0)
        else:
            outcome = _mean(changes, [_outcome(changes, each) for each in results])
            before = [_outcome({}, {**each["zeroshot"], "train_seconds": 0}) for each in results]
            self.zeroshot[name] = _mean({}, before)
        self.rows.append((method, name, outcome))
        return outcome

    def _taught(self, name: str, method: str, k: int) -> Changes:
        """The setting that names the teacher, which is trained first."""
        if self.teacher is None or not find(method).learns_from_teacher:
            return {}
        teacher = replace(self.teacher, dataset=name)
        place = f"teacher_{teacher.method}_{teacher.backbone}"
        task = f"{self.base.task}_{self.base.shots}-shot"
        folder = self.out / f"{name}_{task}" / place / str(k)
        part, setting = self.parts[name][k]
        measure(part, teacher, setting, folder, self.workspace)
        return {f"{method}.teacher": str(folder)}

    def log(self, file: Path) -> None:
        """Write a row for each method, data set and candidate."""
        named = [name for _, _, one in self.rows for name in one.changes]
        columns = list(dict.fromkeys(named))
        with file.open("w", encoding="utf-8", newline="") as target:
            writer = csv.writer(target, lineterminator="\n")
            writer.writerow(["method", "dataset", *columns, "base", "new", "harmonic mean"])
            zero = [("zeroshot", name, one) for name, one in self.zeroshot.items()]
            for method, name, one in [*zero, *self.rows]:
                values = [one.changes.get(column, "") for column in columns]
                scores = (one.base, one.new, one.harmonic_mean)
                writer.writerow([method, name, *values, *(f"{score:.2f}" for score in scores)])


def _parts(dataset: Dataset, base: TrainSettings) -> list[tuple[Dataset, Changes]]:
    """What a candidate is measured on, each with the settings that belong to it."""
    if base.task in ("base2new", "base2all"):
        return [(inner(dataset, base.shots, SEED, swap), {}) for swap in (False, True)]
    domains = tasks.domains(dataset)
    if not domains:
        raise GoproError(f"{dataset.name} has one domain; {base.task} needs several")
    return [(left_out(dataset, domain, SEED), {"targets": domain}) for domain in domains]


def _outcome(changes: Changes, results: dict[str, Any]) -> Outcome:
    scores = [score["accuracy"] for score in results["test"].values()]
    _, summary = results_json.summary_of(results)
    return Outcome(changes, scores[0], scores[-1], summary, results["train_seconds"])


def _mean(changes: Changes, outcomes: Sequence[Outcome]) -> Outcome:
    numbers = [
        fmean(getattr(one, name) for one in outcomes)
        for name in ("base", "new", "harmonic_mean", "seconds")
    ]
    return Outcome(changes, *numbers)


def recipe(method: str, backbone: str, command: str, outcomes: Sequence[Outcome]) -> str:
    """The recipe file of a method on a backbone: the best values that differ from the published.

    Empty if none differs.
    """
    published = configs.values(method)
    best = outcomes[0].changes
    differing = {name: value for name, value in best.items() if published.get(name) != value}
    if not differing:
        return ""
    lines = [
        f"# Training on {backbone}: the values that differ from published/{method}.yaml.",
        "# Chosen by the best harmonic mean, without test images, with",
        f"# {command}",
        *(f"# {one.harmonic_mean:.2f} with {words(one.changes)}" for one in outcomes),
    ]
    return "\n".join(lines) + "\n" + yaml.safe_dump(differing, sort_keys=False)


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure the candidates of each method and print them by harmonic mean, the best first."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("datasets", help="data sets: a,b")
    parser.add_argument("--root", type=Path)
    parser.add_argument("--methods", help="methods: a,b; all that any backbone can run")
    parser.add_argument("--backbone", default=DEFAULT_BACKBONE)
    parser.add_argument(
        "--task", choices=("base2new", "base2all", "domain-generalization"), default="base2new"
    )
    parser.add_argument("--shots", type=int, default=16)
    parser.add_argument("--try", action="append", dest="candidates", help="measure this candidate")
    parser.add_argument("--teacher", help="method that teaches those that learn from a teacher")
    parser.add_argument("--teacher-backbone", default=DEFAULT_BACKBONE)
    parser.add_argument("--out", type=Path, default=Path("runs/choose"))
    parser.add_argument("--log", type=Path, help="write all candidates into this CSV file")
    parser.add_argument("--write", action="store_true", help="write the recipe files")
    values = parser.parse_args(arguments)
    if values.write and values.task != "base2new":
        parser.error("--write is for base2new, whose recipes all tasks share; leave it out")
    own = [name for text in values.candidates or () for name in candidate(text) if "." in name]
    if values.write and own:
        parser.error(
            f"--write is for training settings, and {own[0]} is the method's own, which a recipe "
            "file doesn't hold; leave one of them out"
        )
    trained = [name for name in default_methods() if name != "zeroshot"]
    methods = values.methods.split(",") if values.methods else trained
    datasets = values.datasets.split(",")
    base = TrainSettings(
        dataset=datasets[0],
        root=values.root,
        backbone=values.backbone,
        task=values.task,
        shots=values.shots,
        seed=SEED,
    )
    teacher = None
    if values.teacher:
        teacher = replace(base, method=values.teacher, backbone=values.teacher_backbone)
    bench = Bench(datasets, base, values.out, teacher)
    for method in methods:
        if values.candidates:
            tried = [bench(method, candidate(text)) for text in values.candidates]
            outcomes = sorted(tried, key=lambda one: -one.harmonic_mean)
        else:
            outcomes = search(method, lambda changes, method=method: bench(method, changes))
        print(f"\n{method}, best first:")
        for outcome in (*outcomes, _mean({"": "zero-shot"}, list(bench.zeroshot.values()))):
            print(outcome)
        print()
        if values.log:
            bench.log(values.log)
        if values.write:
            command = [
                *("python", "-m", "recipes.choose", values.datasets),
                *("--backbone", values.backbone, "--methods", method, "--shots", str(values.shots)),
            ]
            for text in values.candidates or ():
                command += ["--try", " ".join(text.split())]
            if teacher and find(method).learns_from_teacher:
                command += ["--teacher", teacher.method, "--teacher-backbone", teacher.backbone]
            folder = Path(configs.__file__).parent / values.backbone
            text = recipe(method, values.backbone, shlex.join(command), outcomes)
            file = folder / f"{method}.yaml"
            if text:
                file.write_text(text, encoding="utf-8")
            else:
                file.unlink(missing_ok=True)


if __name__ == "__main__":
    main()
