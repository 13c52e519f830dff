"""Prints how much is proved, in a few lines, to be compared before and after a change: `make proofs`."""

from __future__ import annotations

import io
import sys
import tempfile
import tomllib
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import redirect_stdout
from pathlib import Path

import pytest

TESTS = Path(__file__).parent
sys.path.insert(0, str(TESTS))

from crash.scenarios import SCENARIOS  # noqa: E402  the path has to be set first
from crash.test_crash_sweep import boundaries  # noqa: E402
from faults.matrix import STEPS, TROUBLES, combinations  # noqa: E402
from faults.test_mutations import MUTATIONS  # noqa: E402


class Collected:
    """What pytest would run: a plugin."""

    def __init__(self) -> None:
        self.items: list[pytest.Item] = []

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        self.items = session.items

    def by_folder(self) -> Counter[str]:
        return Counter(str(item.path.relative_to(TESTS).parent) for item in self.items)

    def by_marker(self) -> Counter[str]:
        return Counter(marker for item in self.items for marker in {mark.name for mark in item.iter_markers()})

    def by_contract(self) -> Counter[str]:
        """Tests that a class inherits from a contract, by the class."""
        classes = (getattr(item, "cls", None) for item in self.items)
        return Counter(
            f"{cls.__name__} ({base.__name__})"
            for cls in classes
            if cls is not None
            for base in cls.__mro__
            if base.__name__.endswith("Contract")
        )


def lines() -> Iterator[str]:
    """Every figure with its name."""
    collected = Collected()
    with redirect_stdout(io.StringIO()) as said:
        code = pytest.main(["--collect-only", "-n0", "-Wdefault", str(TESTS)], plugins=[collected])
    if code is not pytest.ExitCode.OK:
        raise SystemExit(said.getvalue())
    yield f"tests collected: {len(collected.items)}"
    yield from _counts("by folder", collected.by_folder())
    yield from _counts("by marker", collected.by_marker())
    yield from _counts("of contracts", collected.by_contract())
    total = 0
    for scenario in SCENARIOS:
        with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
            found = boundaries(scenario, Path(folder) / "world", patch)
        total += found.total()
        yield f"boundaries of {scenario.name}: {found.total()} ({_pairs(found)})"
    yield f"boundaries of all: {total}"
    yield f"fault matrix: {len(TROUBLES)} faults x {len(STEPS)} steps, {len(combinations())} cells"
    yield f"mutations: {len(MUTATIONS)}"
    contracts = tomllib.loads((TESTS.parent / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    yield f"import rules: {len(contracts)}"


def _counts(name: str, counts: Mapping[str, int]) -> Iterator[str]:
    yield f"  {name}: {_pairs(counts)}"


def _pairs(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{name} {count}" for name, count in sorted(counts.items()))


if __name__ == "__main__":
    for line in lines():
        print(line, flush=True)  # noqa: T201
