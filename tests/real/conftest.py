"""Fixtures of the tests against the real parts of a system."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

HERE = Path(__file__).parent
for folder in (str(HERE), str(HERE.parent / "auth")):
    if folder not in sys.path:
        sys.path.append(folder)

from login_kit import LoginWorld, a_login_world  # noqa: E402  the path has to be set first


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[LoginWorld]:
    """A sandbox with an identity server, and nobody logged in."""
    with a_login_world(tmp_path, monkeypatch, moment=None) as fresh:
        yield fresh
