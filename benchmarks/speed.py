"""``python -m benchmarks.speed``: GOPro's training step and prediction, the published way and ours.

All ways get the same images, class names and learned weights and run in turns in one process.
Before the timing, scores, losses and gradients are compared. Without ``--pretrained`` the weights
of the backbone are random, which does not change the time.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from benchmarks import agreement, floor, memory, ways
from benchmarks.setup import Setup, load_backbone, make
from benchmarks.table import show
from benchmarks.timing import in_turns
from gopro.backbones import Backbone

_DTYPES = ("fp32", "bf16")


def main(arguments: list[str] | None = None) -> None:
    """Measure, print a table, and write the figures to ``--json``."""
    options = _parser().parse_args(arguments)
    os.environ["GOPRO_CACHE"] = "off"  # no stored features: everything is computed
    if options.peak:
        print(json.dumps({"peak_gb": _peak(options)}))
        return
    backbones = {p: _backbone(options, p) for p in options.precision}
    figures: dict[str, Any] = {
        "backbone": options.backbone,
        "weights": options.pretrained or ("its own" if options.backbone == "mini" else "random"),
        "classes": options.classes,
        "batch": options.batch,
        "machine": _machine(options.device),
        "command": f"python -m benchmarks.speed {' '.join(arguments or sys.argv[1:])}",
        "agreement": {p: agreement.check(backbone) for p, backbone in backbones.items()},
    }
    setups = {p: make(b, options.classes, options.batch) for p, b in backbones.items()}
    for task in options.task:
        figures[task] = _task(task, setups, options)
    show(figures)
    if options.json:
        options.json.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")


def _task(task: str, setups: dict[str, Setup], options: argparse.Namespace) -> dict[str, Any]:
    """Times, peaks and minimum times of a task's ways. Ratios are to the published way in fp32."""
    works: dict[str, Callable[[], object]] = {}
    by_image = not ways.published_fits(next(iter(setups.values())), _free_bytes())
    for precision, setup in setups.items():
        for way in _ways(task, options):
            if way == "published" and precision != "fp32":
                continue
            name = f"{way}, {precision}"
            if task == "step":
                works[name] = ways.training_step(way, setup, image_by_image=by_image)
            else:
                works[name] = ways.prediction(way, setup)
    clock = time.process_time if options.processor_time else time.perf_counter
    times = in_turns(works, options.rounds, options.patience, clock)
    base = times.get("published, fp32")
    rows: dict[str, Any] = {}
    for name, measured in times.items():
        way, precision = name.split(", ")
        row = rows[name] = vars(measured).copy()
        if base is not None:
            row["times_faster"] = base.median / measured.median
        if task == "step" and way != "published":
            setup = setups[precision]
            rates = floor.measure(
                setup.backbone.dtype, setup.backbone.device, setup.backbone.text_width
            )
            work = ways.needed(way, setup)
            row |= {"operations": work.operations, "bytes": work.bytes, "rates": vars(rates)}
            row["floor"] = rates.seconds(work)
            row["share_of_floor"] = row["floor"] / measured.median
        if way == "fast":
            row["asked"] = works[name].__self__.asked  # type: ignore[attr-defined]
        if options.memory:
            row |= memory.in_new_process(_again(options, task, way, precision))
    return {"published_image_by_image": by_image and task == "step", "ways": rows}


def _ways(task: str, options: argparse.Namespace) -> list[str]:
    known = ways.STEPS if task == "step" else ways.PREDICTIONS
    return [way for way in known if way not in options.without]


def _again(options: argparse.Namespace, task: str, way: str, precision: str) -> list[str]:
    """The command line that measures the peak of one way."""
    words = ["--peak", way, "--task", task, "--precision", precision]
    for name in ("backbone", "classes", "batch", "device", "chunk_tokens"):
        words += [f"--{name.replace('_', '-')}", str(getattr(options, name))]
    return [*words, *(["--pretrained", options.pretrained] if options.pretrained else [])]


def _peak(options: argparse.Namespace) -> float | None:
    setup = make(_backbone(options, options.precision[0]), options.classes, options.batch)
    by_image = not ways.published_fits(setup, _free_bytes())
    if options.task == ["step"]:
        return memory.peak(ways.training_step(options.peak, setup, image_by_image=by_image))
    return memory.peak(ways.prediction(options.peak, setup))


def _backbone(options: argparse.Namespace, precision: str) -> Backbone:
    backbone = load_backbone(options.backbone, options.pretrained, options.device, precision)
    backbone.text_encoder.chunk_tokens = options.chunk_tokens
    return backbone


def _free_bytes() -> float:
    """Three quarters of the free memory."""
    if torch.cuda.is_available():
        return 0.75 * torch.cuda.mem_get_info()[0]
    return 0.75 * os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


def _machine(device: str) -> dict[str, Any]:
    """The machine of the measurement."""
    chip = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.exists():
        lines = info.read_text(encoding="utf-8").splitlines()
        chip = next((x.split(": ", 1)[1] for x in lines if x.startswith("model name")), chip)
    return {
        "chip": torch.cuda.get_device_name() if device.startswith("cuda") else chip,
        "cpu": torch.backends.cpu.get_cpu_capability(),
        "threads": torch.get_num_threads(),
        "torch": torch.__version__,
        "python": platform.python_version(),
        "load": [round(x, 2) for x in os.getloadavg()],
    }


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.speed", description=__doc__)
    parser.add_argument("--backbone", default="ViT-B-16", help="mini, or a name of open_clip")
    parser.add_argument("--pretrained", help="weights: a tag or a file; random ones by default")
    parser.add_argument("--classes", type=int, default=16)
    parser.add_argument("--batch", type=int, default=4, help="images of a step or a prediction")
    parser.add_argument("--device", default="cpu")
    parser.add_argument(
        "--task", nargs="+", choices=["step", "predict"], default=["step", "predict"]
    )
    parser.add_argument("--precision", nargs="+", choices=_DTYPES, default=list(_DTYPES))
    parser.add_argument("--without", nargs="+", default=[], help="ways to leave out")
    parser.add_argument("--rounds", type=int, default=5, help="repetitions of each way")
    parser.add_argument(
        "--processor-time",
        action="store_true",
        help="seconds of the processor, with OMP_NUM_THREADS=1 on a busy machine",
    )
    parser.add_argument("--patience", type=float, default=60.0, help="seconds per way, at most")
    parser.add_argument("--chunk-tokens", type=int, default=8192, help="as in gopro train")
    parser.add_argument(
        "--memory", action="store_true", help="measure peak memory, each in a new process"
    )
    parser.add_argument("--json", type=Path, help="write the figures here")
    parser.add_argument("--peak", help=argparse.SUPPRESS)
    return parser


if __name__ == "__main__":
    main()
