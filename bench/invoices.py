"""A thousand invoices of two hundred known customers, then nothing to do."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import tomli_w

BEXSYNC = str(Path(sys.executable).with_name("bexsync"))
CUSTOMERS = 200
INVOICES = 1000
FEW = 100
OPEN = 400
SPEED = 15  # minutes of the rate limits pass in four seconds
TOKEN = "bench-token-0123456789"
Line = tuple[str, str, str, bool | None]


def measure() -> Iterator[Line]:
    """Requests per invoice, refusals, memory, idle runs."""
    with _place() as (folder, url):
        _drop(folder, "warm-up", range(CUSTOMERS))
        _run(folder, "invoices", "push")
        few = _push(folder, url, "few", range(1000, 1000 + FEW))
        many = _push(folder, url, "many", range(10_000, 10_000 + INVOICES))
        per_invoice = many["requests"] / INVOICES
        yield (
            f"requests per invoice ({INVOICES} of {CUSTOMERS} known customers)",
            f"{per_invoice:.3f}",
            "2.1",
            (per_invoice <= 2.1),
        )
        yield (
            "answers 429",
            str(_state(url)["requests"]["statuses"].get("429", 0)),
            "0",
            (_state(url)["requests"]["statuses"].get("429", 0) == 0),
        )
        ratio = many["memory"] / few["memory"]
        yield (
            f"memory for {INVOICES} against {FEW} ({many['memory'] // 1024} MB)",
            f"{ratio:.2f} x",
            "1.5 x",
            ratio <= 1.5,
        )
        yield "own time per invoice", f"{many['own'] / INVOICES * 1000:.1f} ms", "", None
        idle = _counted(folder, url, "invoices", "push")
        yield "requests of an idle push", str(idle), "0", idle == 0
    with _place() as (folder, url):
        _drop(folder, "open", range(OPEN))
        _run(folder, "invoices", "push")
        _run(folder, "payments", "poll")
        idle = _counted(folder, url, "payments", "poll")
        yield f"requests of an idle poll ({OPEN} open invoices)", str(idle), "1", idle == 1


@contextmanager
def _place() -> Iterator[tuple[Path, str]]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "shop" / "in").mkdir(parents=True)
        server = subprocess.Popen(
            [BEXSYNC, "sandbox", "serve", "--port", "0", "--speed", str(SPEED), "--token", TOKEN],
            stdout=subprocess.PIPE,
            text=True,
        )
        assert server.stdout is not None
        url = server.stdout.readline().split()[-1]
        (folder / "bench.toml").write_text(
            tomli_w.dumps(
                {
                    "ledger": {"api_url": url},
                    "shop": {"quiet_seconds": 0.0},
                    "invoices": {"start_date": "2026-01-01"},
                    "limits": {"documents": 5000, "mails": 5000},
                }
            )
        )
        try:
            yield folder, url
        finally:
            server.terminate()
            server.wait(10)


def _drop(folder: Path, name: str, numbers: range) -> None:
    lines = (json.dumps(_invoice(number), ensure_ascii=False) for number in numbers)
    (folder / "shop" / "in" / f"{name}.ndjson").write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")


def _invoice(number: int) -> dict[str, Any]:
    customer = number % CUSTOMERS
    return {
        "schema": "bexsync/1",
        "kind": "invoice",
        "shop_id": str(number),
        "invoice_date": "2026-11-02",
        "currency": "CHF",
        "customer": {
            "kind": "person",
            "first_name": "Eva",
            "last_name": f"Muster {customer}",
            "email": f"eva.{customer}@example.ch",
        },
        "lines": [
            {"line_id": str(n), "name": "Beratung", "quantity": "2", "unit_price": "50", "tax_rate": "8.1"}
            for n in range(5)
        ],
        "total": "540.50",
    }


def _push(folder: Path, url: str, name: str, numbers: range) -> dict[str, float]:
    _drop(folder, name, numbers)
    before = _state(url)["requests"]["count"]
    own, memory = _run(folder, "invoices", "push")
    return {"requests": _state(url)["requests"]["count"] - before, "memory": memory, "own": own}


def _counted(folder: Path, url: str, *command: str) -> int:
    before = _state(url)["requests"]["count"]
    _run(folder, *command)
    return int(_state(url)["requests"]["count"] - before)


_MEASURED = """
import resource, subprocess, sys
code = subprocess.run(sys.argv[1:]).returncode
used = resource.getrusage(resource.RUSAGE_CHILDREN)
print(used.ru_utime + used.ru_stime, used.ru_maxrss)
sys.exit(code)
"""


def _run(folder: Path, *command: str) -> tuple[float, int]:
    """Runs the program through a fresh parent, whose children are this one alone; CPU seconds and peak memory in KB."""
    environment = os.environ | {"BEXSYNC_STATE_DIR": str(folder / "state"), "BEXSYNC_ACCESS_TOKEN": TOKEN}
    done = subprocess.run(
        [sys.executable, "-c", _MEASURED, BEXSYNC, "-p", str(folder / "bench.toml"), *command],
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    own, memory = done.stdout.split()[-2:]
    return float(own), int(memory)


def _state(url: str) -> Any:
    with urllib.request.urlopen(f"{url}/sandbox/api/state", timeout=30) as answer:
        return json.load(answer)
