"""Fixtures of the whole suite."""

from __future__ import annotations

import os
import sys
from collections import Counter
from collections.abc import Generator, Iterator
from datetime import datetime
from pathlib import Path

import pytest
import time_machine
from hypothesis import settings

HERE = str(Path(__file__).parent)
if HERE not in sys.path:
    sys.path.append(HERE)

from world import World, a_world  # noqa: E402  the path has to be set first

# How long an example may take depends on what else the computer does.
settings.register_profile("bexsync", deadline=None)
settings.load_profile("bexsync")


def pytest_configure() -> None:
    """With TESTS_AT set, as in CI, the computer seems to have that date: no test may depend on the real one."""
    if "TESTS_AT" in os.environ:
        time_machine.travel(datetime.fromisoformat(os.environ["TESTS_AT"]).timestamp(), tick=True).start()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say how many tests did not run and why, so that nobody takes a green run for more than it is."""
    reasons = Counter(
        str(report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr).removeprefix("Skipped: ")
        for report in terminalreporter.stats.get("skipped", [])
    )
    for reason, count in reasons.most_common():
        terminalreporter.write_line(f"{count} skipped: {reason}")


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """A sandbox, a drop box and a profile."""
    with a_world(tmp_path, monkeypatch) as fresh:
        yield fresh


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """With BEXSYNC_REAL set, as in CI, a real part of the system that is absent is a failure."""
    report = yield
    if report.skipped and item.get_closest_marker("real") and os.environ.get("BEXSYNC_REAL"):
        report.outcome = "failed"
        report.longrepr = f"BEXSYNC_REAL is set, so this may not be skipped: {item.nodeid}\n{report.longrepr}"
    return report
