"""Where a ledger may be named, and who names the packages of adapters."""

from __future__ import annotations

from pathlib import Path

import pytest

from bexsync.registry import BUILT_IN_LEDGERS, BUILT_IN_SHOPS

ROOT = Path(__file__).parent.parent
SOURCES = ROOT / "src" / "bexsync"
# The table of what is built in, and the commands of the sandbox of bexio.
NAMED_IN = {Path("registry.py"), Path("cli/commands/sandbox.py"), Path("cli/sandbox_server.py")}


@pytest.mark.parametrize("path", sorted(path.relative_to(SOURCES) for path in SOURCES.rglob("*.py")), ids=str)
def test_no_ledger_is_named_outside_its_package(path: Path) -> None:
    if path.parts[0] == "ledgers" or path in NAMED_IN:
        return
    text = (SOURCES / path).read_text(encoding="utf-8").lower()
    assert [name for name in BUILT_IN_LEDGERS if name in text] == []


def test_only_the_registry_names_the_packages_of_adapters() -> None:
    packages = {*BUILT_IN_LEDGERS.values(), *BUILT_IN_SHOPS.values()}
    named = {
        path.relative_to(SOURCES)
        for path in SOURCES.rglob("*.py")
        if any(f'"{package}"' in path.read_text(encoding="utf-8") for package in packages)
    }
    assert named == {Path("registry.py")}
