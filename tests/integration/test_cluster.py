"""``gopro bench --cluster``: on a Ray cluster of this machine, started by the test."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from gopro.cli.main import main
from tiny_run import write_photos

ray = pytest.importorskip("ray", reason="the extra `cluster` isn't installed")


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """A cluster of one machine with two cores."""
    from ray.cluster_utils import Cluster

    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    cluster = Cluster(
        initialize_head=True,
        head_node_args={"num_cpus": 2, "include_dashboard": False, "object_store_memory": 10**8},
    )
    try:
        yield str(cluster.address)
    finally:
        cluster.shutdown()


def test_jobs_run_on_the_cluster_and_failures_are_told(
    address: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    photos = write_photos(tmp_path / "animals")
    command = [
        *("bench", "--methods", "zeroshot", "--datasets", f"folder:{photos}", "--device", "cpu"),
        *("--seeds", "1,2", "--out", str(tmp_path / "runs"), "--cluster", address),
    ]
    code = main([*command, "--shots", "2,9"])
    out, error = capsys.readouterr()
    assert code == 2 and error.startswith("gopro: 2 of 4 jobs failed")
    assert "2 of 4 jobs done" in out and out.count("  failed: ") == 2
    assert len(list((tmp_path / "runs").glob("*/done"))) == 2
    code = main([*command, "--shots", "2"])
    out, error = capsys.readouterr()
    assert (code, error) == (0, "")
    assert "2 of 2 jobs done" in out
