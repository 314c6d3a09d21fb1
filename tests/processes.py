"""How tests start processes: from one server that has loaded what they need, where that exists."""

from __future__ import annotations

import multiprocessing

START = "forkserver" if "forkserver" in multiprocessing.get_all_start_methods() else "spawn"
"""The start method."""

if START == "forkserver":
    # once for the whole session: a running server loads nothing more
    multiprocessing.set_forkserver_preload(
        ["gopro.runs.run", "open_clip", "gopro.training.views.kornia_functions"]
    )
