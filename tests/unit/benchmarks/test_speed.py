"""The speed benchmark: the ways agree, and the minimum work is a lower bound."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from benchmarks import agreement, floor, memory, speed, ways
from benchmarks.ours import Exact, Fast
from benchmarks.published import Published
from benchmarks.setup import class_names, make
from benchmarks.timing import in_turns
from torch.utils.flop_counter import FlopCounterMode

from gopro.backbones import Backbone
from gopro.methods.base import Batch
from small_clips import close, small_backbone


@pytest.fixture(scope="module")
def backbone() -> Backbone:
    return small_backbone()


def test_both_ways_agree(backbone: Backbone) -> None:
    differences = agreement.check(backbone)
    assert set(differences) == {"scores", "losses", "gradient"}
    assert max(differences.values()) < 1e-4


def test_ways_that_differ_are_not_timed(
    backbone: Backbone, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Published, "_match", lambda self, features, text: 2 * text[..., 0])
    with pytest.raises(SystemExit, match="nothing is timed"):
        agreement.check(backbone)


@pytest.mark.parametrize("variant", ["paper", "released"])
def test_image_by_image_is_the_same_gradient(backbone: Backbone, variant: str) -> None:
    setup = make(backbone, classes=5, batch=3, variant=variant)
    whole, split = Published(setup), Published(setup, image_by_image=True)
    views = whole.views()
    terms = whole.learn(views)
    wanted = [p.grad.clone() for p in setup.method.parameters() if p.grad is not None]
    again = split.learn(views)
    found = [p.grad for p in setup.method.parameters() if p.grad is not None]
    for name, term in terms.items():
        close(again[name].detach(), term.detach(), 1e-5)
    scale = max(gradient.abs().max().item() for gradient in wanted)
    for one, other in zip(found, wanted, strict=True):
        assert (one - other).abs().max().item() < 1e-5 * scale


def test_published_views_are_pictures(backbone: Backbone) -> None:
    views = Published(make(backbone, classes=2, batch=3)).views()
    assert list(views) == ["x", "moco", "augmix"]
    for view in views.values():
        assert view.shape == (3, 3, 32, 32)
        assert view.min() >= 0 and view.max() <= 1


def test_the_floor_is_a_little_less_than_what_is_done(
    backbone: Backbone, monkeypatch: pytest.MonkeyPatch
) -> None:
    setup = make(backbone, classes=40, batch=4)
    exact = Exact(setup)
    places = torch.arange(4)
    (batch,) = exact.source.batches([places], 0)
    features = exact.method.encode(batch)
    with FlopCounterMode(display=False) as counted:
        exact.learn(Batch(setup.labels, {}, features))
    text = ways.needed("cached views", setup).operations
    assert 0.7 < text / counted.get_total_flops() < 1.0
    # the counter does not count torch's fused attention
    monkeypatch.setattr(torch.backends.mha, "get_fastpath_enabled", lambda: False)
    with FlopCounterMode(display=False) as counted:
        exact.method.encode(batch)
    images = floor.image_pass(backbone, 8).operations
    assert 0.9 < images / counted.get_total_flops() < 1.1
    assert ways.needed("exact", setup).operations == text + images


def test_the_slower_of_operations_and_bytes_is_the_floor() -> None:
    rates = floor.Rates(operations=10.0, bytes=2.0)
    assert rates.seconds(floor.Work(100.0, 2.0)) == 10.0
    assert rates.seconds(floor.Work(10.0, 8.0)) == 4.0
    found = floor.measure(torch.float32, torch.device("cpu"), 32)
    assert found.operations > 1e8 and found.bytes > 1e8


def test_fast_prediction_leaves_some_classes_in_question(backbone: Backbone) -> None:
    fast = Fast(make(backbone, classes=40, batch=8))
    fast.predict()
    made = fast.fast
    assert 0 < made.exact_images < made.images == 8
    assert made.exact_pairs < 10 * made.exact_images  # not all 40 of them
    assert fast.asked.startswith(f"{made.exact_images / 8:.0%} of images")


def test_names_differ_and_have_known_lengths(backbone: Backbone) -> None:
    names = class_names(backbone, 1000)
    assert len(set(names)) == 1000
    lengths = backbone.class_tokens(names[:40], 4).lengths
    assert sum(lengths) / 40 == 3.75


def test_ways_take_turns_and_a_slow_one_drops_out() -> None:
    seen: list[str] = []
    found = in_turns({"a": lambda: seen.append("a"), "b": lambda: seen.append("b")}, 3, 10.0)
    assert seen == ["a", "b"] * 4
    assert found["a"].count == 3 and found["a"].low <= found["a"].median <= found["a"].high
    assert in_turns({"a": lambda: None}, 3, 0.0)["a"].count == 1


@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="Linux counts it")
def test_the_peak_is_the_memory_that_work_needs() -> None:
    # in a fresh process, as the benchmark does: this one may reuse memory that earlier tests freed
    program = (
        "import torch; from benchmarks import memory; "
        "print(memory.peak(lambda: torch.ones(50_000_000)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=Path(memory.__file__).parents[1],
        check=True,
        capture_output=True,
        text=True,
    )
    assert 0.15 < float(done.stdout) < 0.3


def test_the_command(backbone: Backbone, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        speed, "load_backbone", lambda name, weights, device, p: small_backbone().to(device, p)
    )
    monkeypatch.setattr(floor, "_fastest", lambda work, repetitions=8: 1e-3)
    path = tmp_path / "found.json"
    speed.main(["--classes", "3", "--batch", "2", "--rounds", "1", "--json", str(path)])
    found: dict[str, Any] = json.loads(path.read_text())
    assert set(found["step"]["ways"]) == {
        "published, fp32",
        *(f"{way}, {precision}" for way in ways.STEPS[1:] for precision in ("fp32", "bf16")),
    }
    assert len(found["predict"]["ways"]) == 7
    assert found["step"]["ways"]["exact, fp32"]["share_of_floor"] > 0
    assert "benchmarks.speed --classes 3" in found["command"]
