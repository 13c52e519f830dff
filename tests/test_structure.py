"""Where a ledger may be named, who names the packages of adapters, and how long a function or a file may be."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from bexsync.registry import BUILT_IN_LEDGERS, BUILT_IN_SHOPS

ROOT = Path(__file__).parent.parent
SOURCES = ROOT / "src" / "bexsync"
# The table of what is built in, and the commands of the sandbox of bexio.
NAMED_IN = {Path("registry.py"), Path("cli/commands/sandbox.py")}


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


LONGEST_FUNCTION = 60
LONGEST_FILE = 450
EVERY_SOURCE = sorted((ROOT / "src").rglob("*.py"))


def test_no_function_and_no_file_is_too_long() -> None:
    too_long = []
    for path in EVERY_SOURCE:
        text = path.read_text(encoding="utf-8")
        if text.count("\n") > LONGEST_FILE:
            too_long.append(str(path.relative_to(ROOT)))
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                assert node.end_lineno is not None
                if node.end_lineno - node.lineno + 1 > LONGEST_FUNCTION:
                    too_long.append(f"{path.relative_to(ROOT)}:{node.lineno} {node.name}")
    assert too_long == []
