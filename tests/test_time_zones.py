"""The zone of bexio's moments is there on a computer without any of its own."""

from __future__ import annotations

import subprocess
import sys


def test_zurich_is_known_without_the_systems_zones() -> None:
    code = "from bexsync.ledgers.bexio.api import ZURICH; import zoneinfo; print(ZURICH, len(zoneinfo.TZPATH))"
    ran = subprocess.run(
        [sys.executable, "-c", code], env={"PYTHONTZPATH": ""}, capture_output=True, text=True, timeout=60, check=False
    )
    assert (ran.stdout, ran.stderr) == ("Europe/Zurich 0\n", "")
