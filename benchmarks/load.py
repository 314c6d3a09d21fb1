"""``python -m benchmarks.load MODEL``: many clients at once at a served classifier.

The server runs in a process of its own, on a free port of this machine. What is told: requests
answered and failed, requests a second, the time of the slowest, and how the server's memory grew
after it was warm. ``send`` and ``served`` are for tests with other requests, broken ones too.
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
    """A picture to be named.

    Attributes:
        contents: The file's bytes.
        good: Whether an answer must come. Otherwise a refusal must, as a row that says why or
            as one of the codes 413, 422 and 503.
        classes: Other class names, with commas between.
    """

    contents: bytes
    good: bool = True
    classes: str | None = None


@dataclass
class Outcome:
    """What came of requests.

    Attributes:
        sent: How many there were.
        failures: A line for each that went otherwise than it had to.
        seconds: From the first to the last.
        waits: Seconds of each request.
    """

    sent: int = 0
    failures: list[str] = field(default_factory=list)
    seconds: float = 0.0
    waits: list[float] = field(default_factory=list)


@dataclass(frozen=True)
class Served:
    """A server at work.

    Attributes:
        address: Such as ``http://127.0.0.1:41000``.
        process: Its process.
    """

    address: str
    process: subprocess.Popen[str]

    def memory(self) -> float:
        """What the server holds of the memory now, in MB (10^6 bytes); Linux only."""
        status = Path(f"/proc/{self.process.pid}/status").read_text(encoding="utf-8")
        (line,) = [line for line in status.splitlines() if line.startswith("VmRSS:")]
        return int(line.split()[1]) * 1024 / 1e6


@contextlib.contextmanager
def served(model: Path, *options: str) -> Iterator[Served]:
    """``gopro serve`` of a model's folder, for as long as the block lasts.

    Args:
        model: The folder.
        options: Of ``gopro serve``, besides the port.

    Raises:
        RuntimeError: When it doesn't start.
    """
    command = [sys.executable, "-m", "gopro", "serve", str(model), "--port", "0", *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield Served(_address(process), process)
        finally:
            process.terminate()


def _address(process: subprocess.Popen[str]) -> str:
    found: list[str] = []

    def read() -> None:
        found.extend(word for word in process.stdout.readline().split() if "://" in word)  # type: ignore[union-attr]

    reading = threading.Thread(target=read, daemon=True)
    reading.start()
    reading.join(_STARTING)
    if not found:
        raise RuntimeError("the server didn't say where it listens; is the extra `app` installed?")
    return found[0]


def send(address: str, requests: Iterable[Request], clients: int = 8) -> Outcome:
    """Send requests, each client its next one as soon as the one before is answered.

    Args:
        address: Of the server.
        requests: Taken as needed, so that they may go on until a time.
        clients: How many send at once.
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
    """What was wrong with the answer; nothing if it was as it had to be."""
    data = {"classes": request.classes} if request.classes else {}
    try:
        found = client.post(
            "/api/predict", files={"pictures": ("picture.jpg", request.contents)}, data=data
        )
    except httpx.HTTPError as error:
        return f"{type(error).__name__}: {error}"
    if found.status_code != 200:
        refused = not request.good and found.status_code in (413, 422, 503)
        return "" if refused else f"{found.status_code}: {found.text[:200]}"
    (row,) = found.json()["answers"]
    if ("error" in row) == request.good:
        return f"answered {json.dumps(row)[:200]}"
    return ""


def drawn(count: int, side: int = 480) -> list[bytes]:
    """JPEG files of noise in colour, about as large as photographs of that side."""
    dice = np.random.default_rng(0)
    files = []
    for _ in range(count):
        small = dice.integers(0, 256, (side // 8, side // 8, 3), dtype=np.uint8)
        file = io.BytesIO()
        Image.fromarray(small).resize((side, side)).save(file, format="JPEG", quality=90)
        files.append(file.getvalue())
    return files


def main(arguments: Sequence[str] | None = None) -> None:
    """Serve, send, and tell; exit code 1 after a failure or where the memory grew too much."""
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
