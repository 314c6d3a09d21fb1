"""The command line: a table of commands. A command imports what it needs when it is used."""

from __future__ import annotations

import atexit
import contextlib
import difflib
import gc
import importlib
import io
import os
import re
import sys
from collections.abc import Sequence

from gopro.common.errors import GoproError
from gopro.common.version import DISTRIBUTION, __version__

COMMANDS = {
    "check": ("gopro.cli.check:check", "look at a folder of photographs before a fit"),
    "fit": ("gopro.cli.fit:fit", "train a classifier on a folder of photographs"),
    "predict": ("gopro.cli.predict:predict", "classify images with a saved classifier"),
    "evaluate": ("gopro.cli.evaluate:evaluate", "measure a saved classifier on a folder of images"),
    "explain": ("gopro.cli.explain:explain", "explain a classifier's answer to an image"),
    "export": ("gopro.cli.export:export", "export a classifier to ONNX"),
    "serve": ("gopro.cli.serve:serve", "serve a classifier as a web page and an HTTP API"),
    "train": ("gopro.cli.train:train", "train a method on a data set and test it"),
    "test": ("gopro.cli.test:test", "test a finished run again"),
    "ablate": ("gopro.cli.ablate:ablate", "measure the contribution of each part of a method"),
    "bench": (
        "gopro.cli.bench:bench",
        "run all combinations of methods, data sets, tasks and seeds",
    ),
    "rerun": ("gopro.cli.rerun:rerun", "repeat a finished run and compare bit for bit"),
    "reproduce": (
        "gopro.cli.reproduce:reproduce",
        "repeat the published comparison and check its figures",
    ),
    "results": ("gopro.cli.results:results", "print tables of finished runs, averaged over seeds"),
    "report": ("gopro.cli.report:report", "write one HTML page about many finished runs"),
    "data": ("gopro.cli.data:data", "list, download and verify data sets"),
    "demo": ("gopro.cli.demo:demo", "train GOPro on built-in data, offline, in a few minutes"),
    "backbones": ("gopro.cli.backbones:backbones", "list the available CLIP models"),
    "doctor": ("gopro.cli.doctor:doctor", "show this machine, its settings and the defaults"),
    "methods": ("gopro.cli.methods:methods", "list the methods"),
}
"""Command -> its function, which takes the remaining arguments, and one line of help."""

_OBJECTS = 50_000
"""New objects after which Python looks for garbage. With its own 700 that takes a tenth of a short
command, because the libraries make hundreds of thousands of objects, all of which stay."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command.

    Args:
        arguments: The words of the command line; those of ``sys.argv`` when None.

    Returns:
        The exit code: 0, 2 after an error the user can correct (3 if no picture at all could be
        answered), 130 after Ctrl-C.
    """
    _prepare_output()
    gc.set_threshold(_OBJECTS)
    # at exit Python searches all objects for garbage, for half a second; memory is freed anyway
    atexit.unregister(gc.freeze)
    atexit.register(gc.freeze)
    words = list(sys.argv[1:] if arguments is None else arguments)
    debug = "--debug" in words
    words = [word for word in words if word != "--debug"]
    try:
        _run(words)
        sys.stdout.flush()
    except GoproError as error:
        if debug:
            raise
        for line in (*getattr(error, "unnamed", ()), str(error)):
            print(f"gopro: {' '.join(line.split())}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt as stop:
        if debug:
            raise
        print(f"\ngopro: {str(stop) or 'stopped'}", file=sys.stderr)
        return 130
    except BrokenPipeError:  # as in `gopro methods | head -1`
        _discard_output()
        return 0
    except OSError as error:
        if debug or error.errno is None:
            raise
        if error.filename is not None:  # as in a folder that may not be entered
            print(f"gopro: can't use {error.filename} ({error.strerror})", file=sys.stderr)
            return 2
        _discard_output()  # a full disk, as in `gopro methods > FILE`
        print(f"gopro: can't write the output ({error.strerror})", file=sys.stderr)
        return 2
    except RuntimeError as error:
        torch = sys.modules.get("torch")  # importing it here would delay every command
        if debug or torch is None or not isinstance(error, torch.OutOfMemoryError):
            raise
        reason = ". ".join(str(error).split(". ")[:2])  # and what it tried to allocate
        print(f"gopro: {' '.join(reason.split())}; {_smaller(words[0])}", file=sys.stderr)
        return 2
    return 0


def _prepare_output() -> None:
    """Make every text printable: names can have characters that an encoding doesn't have.

    A closed standard output or standard error, as in `gopro fit >&-`, is replaced.
    """
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: PTH123, SIM115
        elif isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _discard_output() -> None:
    """The interpreter flushes standard output again when it exits, which must not fail."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _run(words: Sequence[str]) -> None:
    if not words or words[0] in ("-h", "--help", "help"):
        print(_help())
    elif words[0] == "--version":
        print(f"{DISTRIBUTION} {__version__}")
    else:
        _command(words[0])(words[1:])


def _command(name: str):  # type: ignore[no-untyped-def]
    if name not in COMMANDS:
        near = difflib.get_close_matches(name, COMMANDS, n=1)
        hint = f"did you mean `gopro {near[0]}`?" if near else "see `gopro --help`"
        raise GoproError(f"there is no command {name!r}; {hint}")
    module, _, function = COMMANDS[name][0].partition(":")
    return getattr(importlib.import_module(module), function)


def _smaller(command: str) -> str:
    """What needs less memory of the GPU, with the options that a command has."""
    page = io.StringIO()
    with contextlib.redirect_stdout(page), contextlib.suppress(SystemExit):
        try:
            _command(command)(["--help-all"])
        except GoproError:  # it has few options
            _command(command)(["--help"])
    has = re.findall(r"--(?:batch|eval_batch|device)\b", page.getvalue())
    sizes = [option for option in ("--batch", "--eval_batch") if option in has]
    remedies = [f"lower {' and '.join(sizes)}"] if sizes else []
    remedies += ["use --device cpu"] if "--device" in has else []
    return ", or ".join(remedies or ["end other programs that use it"])


def _help() -> str:
    rows = "\n".join(f"  {name:<12}{about}" for name, (_, about) in COMMANDS.items())
    return (
        "gopro: prompt learning for CLIP\n\n"
        "usage: gopro COMMAND [options]      (gopro COMMAND --help lists them)\n\n"
        f"commands:\n{rows}\n\n"
        "  --debug     show the traceback of an error\n"
        "  --version   show the version\n"
    )


if __name__ == "__main__":
    sys.exit(main())
