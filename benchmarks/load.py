"""``python -m benchmarks.load MODEL``: many clients send requests to a served classifier at once.

The server runs in a new process on a free port of this machine. The report: requests answered and
failed, requests per second, the slowest request, and the growth of the server's memory after it was
warm. Tests use ``send`` and ``served`` with other requests, including invalid ones.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import itertools
import json
import subprocess
import sys
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import numpy as np
from PIL import Image

_STARTING = 120.0
_WARM = 200


@dataclass(frozen=True)
class Request:
    """A picture to classify.

    Attributes:
        contents: The bytes of the file.
        good: Whether the answer must be a prediction. Otherwise it must be a refusal: a row with an
            error, or one of the codes 413, 422 and 503.
        classes: Other class names, separated by commas.
    """

    contents: bytes
    good: bool = True
    classes: str | None = None


@dataclass
class Outcome:
    """The results of requests.

    Attributes:
        sent: Number of requests.
        failures: One line for each request with a wrong answer.
        seconds: From the first request to the last answer.
        waits: Seconds of each request.
    """

    sent: int = 0
    failures: list[str] = field(default_factory=list)
    seconds: float = 0.0
    waits: list[float] = field(default_factory=list)


@dataclass(frozen=True)
class Served:
    """A running server.

    Attributes:
        address: Such as ``http://127.0.0.1:41000``.
        process: Its process.
    """

    address: str
    process: subprocess.Popen[str]

    def memory(self) -> float:
        """The server's memory (RSS) in MB (10^6 bytes); Linux only."""
        status = Path(f"/proc/{self.process.pid}/status").read_text(encoding="utf-8")
        (line,) = [line for line in status.splitlines() if line.startswith("VmRSS:")]
        return int(line.split()[1]) * 1024 / 1e6


@contextlib.contextmanager
def served(model: Path, *options: str) -> Iterator[Served]:
    """Run ``gopro serve`` on a model folder during the block.

    Args:
        model: The folder.
        options: Of ``gopro serve``, without the port.

    Raises:
        RuntimeError: If it does not start.
    """
    command = [sys.executable, "-m", "gopro", "serve", str(model), "--port", "0", *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield Served(_address(process), process)
        finally:
            process.terminate()


def _address(process: subprocess.Popen[str]) -> str:
    addresses: list[str] = []

    def read() -> None:
        addresses.extend(word for word in process.stdout.readline().split() if "://" in word)  # type: ignore[union-attr]

    reading = threading.Thread(target=read, daemon=True)
    reading.start()
    reading.join(_STARTING)
    if not addresses:
        raise RuntimeError("the server printed no address; is the extra `app` installed?")
    return addresses[0]


def send(address: str, requests: Iterable[Request], clients: int = 8) -> Outcome:
    """Send requests. Each client sends its next request when the previous one is answered.

    Args:
        address: Of the server.
        requests: Taken one by one, so an iterator may stop after some time.
        clients: Number of clients.
    """
    outcome, waiting, lock = Outcome(), iter(requests), threading.Lock()

    def work() -> None:
        with httpx.Client(base_url=address, timeout=120) as client:
            while True:
                with lock:
                    request = next(waiting, None)
                    if request is None:
                        return
                    number = outcome.sent
                    outcome.sent += 1
                started = time.monotonic()
                wrong = _ask(client, request)
                with lock:
                    outcome.waits.append(time.monotonic() - started)
                    if wrong:
                        outcome.failures.append(f"request {number}: {wrong}")

    threads = [threading.Thread(target=work) for _ in range(clients)]
    started = time.monotonic()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    outcome.seconds = time.monotonic() - started
    return outcome


def _ask(client: httpx.Client, request: Request) -> str:
    """What is wrong with the answer; empty if it is right."""
    data = {"classes": request.classes} if request.classes else {}
    try:
        answer = client.post(
            "/api/predict", files={"picture": ("picture.jpg", request.contents)}, data=data
        )
    except httpx.HTTPError as error:
        return f"{type(error).__name__}: {error}"
    if answer.status_code != 200:
        refused = not request.good and answer.status_code in (413, 422, 503)
        return "" if refused else f"{answer.status_code}: {answer.text[:200]}"
    (row,) = answer.json()["answers"]
    if ("error" in row) == request.good:
        return f"answered {json.dumps(row)[:200]}"
    return ""


def drawn(count: int, side: int = 480) -> list[bytes]:
    """JPEG files of coloured noise, about as large as photographs of that side."""
    rng = np.random.default_rng(0)
    files = []
    for _ in range(count):
        small = rng.integers(0, 256, (side // 8, side // 8, 3), dtype=np.uint8)
        file = io.BytesIO()
        Image.fromarray(small).resize((side, side)).save(file, format="JPEG", quality=90)
        files.append(file.getvalue())
    return files


def main(arguments: Sequence[str] | None = None) -> None:
    """Serve, send and report. Exit code 1 after a failure or if the memory grew too much."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.load", description=__doc__)
    parser.add_argument("model", type=Path, help="folder made by gopro fit")
    parser.add_argument("--requests", type=int, default=1000)
    parser.add_argument("--clients", type=int, default=8)
    parser.add_argument("--growth", type=float, default=5.0, help="percent of memory allowed")
    options = parser.parse_args(arguments)
    pictures = [Request(contents) for contents in drawn(16)]
    with served(options.model) as server:
        warm = send(server.address, itertools.islice(itertools.cycle(pictures), _WARM))
        before = server.memory()
        asked = itertools.islice(itertools.cycle(pictures), options.requests)
        outcome = send(server.address, asked, options.clients)
        after = server.memory()
    failures = [*warm.failures, *outcome.failures]
    grown = 100 * (after / before - 1)
    print(f"{outcome.sent} requests from {options.clients} clients after {warm.sent} to warm up")
    print(
        f"{outcome.sent / outcome.seconds:.1f} requests/s, the slowest {max(outcome.waits):.2f} s"
    )
    print(f"memory of the server: {before:.0f} MB, then {after:.0f} MB ({grown:+.1f} %)")
    print(f"failures: {len(failures)}", *failures[:5], sep="\n  ")
    if failures or grown > options.growth:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
