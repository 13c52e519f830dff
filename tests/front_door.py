"""The command line without a process of its own: for tests of what is said, of which there are many."""

from __future__ import annotations

import io
import logging
import os
import signal
import subprocess
import sys
import webbrowser
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

import pytest

import dates
from bexsync.cli import entrypoint
from bexsync.cli.app import app
from world import BEXSYNC


class Place(Protocol):
    """What the program needs of a world."""

    @property
    def folder(self) -> Path: ...
    @property
    def profile_path(self) -> Path: ...
    @property
    def environment(self) -> dict[str, str]: ...


class _Stream(io.TextIOWrapper):
    """A pipe as the program sees one."""

    def __init__(self) -> None:
        super().__init__(io.BytesIO(), encoding="utf-8", write_through=True)

    def text(self) -> str:
        self.flush()
        written = self.buffer.getvalue()  # type: ignore[attr-defined]
        return str(written.decode())


def called(world: Place, *arguments: str, stdin: str = "", **environment: str) -> subprocess.CompletedProcess[str]:
    """What `world.cli` says, sooner; the arguments follow --profile."""
    return started(world, "--profile", str(world.profile_path), *arguments, stdin=stdin, **environment)


def started(world: Place, *arguments: str, stdin: str = "", **environment: str) -> subprocess.CompletedProcess[str]:
    """The program with these arguments alone, in the environment of the world and nothing else."""
    out, err = _Stream(), _Stream()
    log = logging.getLogger("bexsync")
    before = log.handlers, log.propagate, log.level
    handlers = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    variables = {k: v for k, v in (world.environment | environment).items() if v}
    moment = datetime.fromtimestamp(float(variables["TESTS_NOW"]), UTC)
    with pytest.MonkeyPatch.context() as patch, dates.at(moment):
        for name in set(os.environ) - set(variables):
            patch.delenv(name)
        for name, value in variables.items():
            patch.setenv(name, value)
        patch.setattr(sys, "argv", [str(BEXSYNC), *arguments])
        patch.setattr(sys, "stdin", io.StringIO(stdin))
        patch.setattr(sys, "stdout", out)
        patch.setattr(sys, "stderr", err)
        patch.chdir(world.folder)
        # A process looks for its browser once, in the environment that it starts with.
        patch.setattr(webbrowser, "_tryorder", None)
        patch.setattr(webbrowser, "_browsers", {})
        code: object = None
        try:
            entrypoint.run(app)
        except SystemExit as end:
            code = end.code
        finally:
            log.handlers, log.propagate, log.level = before
            for number, handler in handlers.items():
                signal.signal(number, handler)
            logging.captureWarnings(False)
    return subprocess.CompletedProcess(list(arguments), int(str(code or 0)), out.text(), err.text())
