"""The demo plays to its end; where there is no browser a script plays the person, also if a person was wanted."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

DEMO = Path(__file__).parents[1] / "examples" / "demo.py"
pytestmark = pytest.mark.slow


@pytest.mark.timeout(300)
def test_the_demo_without_a_browser(tmp_path: Path) -> None:
    """Also `make demo BROWSER=1`, which says BROWSER=1 in the environment."""
    environment = {"HOME": str(tmp_path), "PATH": str(tmp_path), "BROWSER": "1", "LANG": os.environ.get("LANG", "C")}
    command = [sys.executable, DEMO, "--browser"]
    done = subprocess.run(
        command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=280, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    said = done.stdout
    assert said.count("There is no browser on this computer, so a script plays the person in it.") == 1
    assert said.count("Logged in to Bergladen GmbH") == 2
    assert re.findall(r"since the (?:first )?(\w+): (\d+)\.", said) == [("push", "0"), ("sync", "0"), ("evening", "0")]
    assert "invoices push: 6 done" in said
    assert "products sync: 7 done" in said
    assert "stock pull: 1 done" in said
    assert "orders sync: 3 done, CHF 240.00" in said
    assert "orders sync: 2 done, 1 unchanged, 1 by hand, CHF 57.00" in said
    assert "r-1  refund of 1002" in said
    assert "120.00 on account 3200, 8.99 of it VAT at 8.1 % (UN81)" in said
    assert (tmp_path / "demo/web-shop/out/stock.csv").read_text().splitlines() == [
        "shop_id,sku,stock,expected",
        "201,HON-500,46,48",
    ]
    assert "Traceback" not in done.stderr


def test_a_folder_that_somebody_else_made_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "demo").mkdir()
    (tmp_path / "demo" / "mine").touch()
    done = subprocess.run([sys.executable, DEMO], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert (tmp_path / "demo" / "mine").exists()
