"""`python -m bexio_sandbox`: a local bexio without any other program."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from bexio_sandbox.behaviours import BEHAVIOURS
from bexio_sandbox.command import InvalidOption, Served, ServeOptions, assignments, serve
from bexio_sandbox.faults import Fired
from bexio_sandbox.sandbox import COMPANIES
from bexio_sandbox.server import PortUnavailable
from bexio_sandbox.state.storage import UnusableStateFile


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve, or list the behaviours; return the exit status."""
    parser = _parser()
    given = parser.parse_args(arguments)
    if given.list_behaviours:
        for name, behaviour in BEHAVIOURS.items():
            _print(f"{name} = {' | '.join(behaviour.values)}\n    {behaviour.sentence}")
        return 0
    try:
        behaviours = assignments(given.behaviour, "--behaviour")
        options = ServeOptions(
            given.port, given.data, given.speed, behaviours, given.faults, given.company, given.token, given.latency
        )
        serve(options, _print_json if given.json else _print_served, _print_fault)
    except (UnusableStateFile, InvalidOption) as problem:
        parser.error(str(problem))
    except PortUnavailable as problem:
        parser.exit(1, f"{parser.prog}: {problem}\n")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bexio_sandbox", description="Serve a local bexio on 127.0.0.1.")
    usual = ServeOptions()
    parser.add_argument("--port", type=int, default=usual.port, help="port; 0 takes a free one (default: %(default)s)")
    parser.add_argument("--data", type=Path, metavar="FILE", help="keep the books in this file")
    parser.add_argument("--speed", type=float, default=usual.speed, help="shorten the minutes of the rate limits")
    parser.add_argument(
        "--latency", type=float, default=usual.latency, metavar="SECONDS", help="how long every answer takes"
    )
    parser.add_argument("--company", choices=COMPANIES, default=usual.company, help="whether it is subject to VAT")
    parser.add_argument("--token", default=usual.token, help="accept this token (default: %(default)s)")
    parser.add_argument("--faults", type=Path, metavar="FILE", help="faults to rehearse, as TOML")
    parser.add_argument(
        "--behaviour", action="append", default=[], metavar="NAME=VALUE", help="how to behave where bexio is not known"
    )
    parser.add_argument("--list-behaviours", action="store_true", help="list what --behaviour takes, and stop")
    parser.add_argument("--json", action="store_true", help="print addresses, client, password and token as JSON")
    return parser


def _print_served(served: Served) -> None:
    for name, value in asdict(served).items():
        _print(f"{name:14} {'-' if value is None else value}")
    _print("Stop it with Ctrl-C.")


def _print_json(served: Served) -> None:
    _print(json.dumps(asdict(served)))


def _print_fault(fired: Fired) -> None:
    sys.stderr.write(f"{fired}\n")


def _print(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
