"""Fixtures of the whole suite."""

from __future__ import annotations

import os
import sys
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest

HERE = str(Path(__file__).parent)
if HERE not in sys.path:
    sys.path.append(HERE)

from world import World, a_world  # noqa: E402  the path has to be set first


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
