"""Constants of the program that a test gives another value: found by name wherever they are read, or not at all."""

from __future__ import annotations

import ast
import importlib
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest

import bexio_sandbox
import bexsync

_PACKAGES = (bexsync, bexio_sandbox)


def set_constant(monkeypatch: pytest.MonkeyPatch, name: str, value: Any, *, read_by: str = "") -> None:
    """Gives a constant another value in every module that has it.

    Before its name stands as much of its module as tells it from its namesakes: "command.PATIENCE". `read_by` is the
    end of the name of the only module that is to see the value. Raises LookupError where there is no such constant, or
    more than one, and where nothing reads it after the module was imported.
    """
    home, constant = _home(name)
    holders = [(home, constant), *_copies(home, constant)]
    chosen = [(module, own) for module, own in holders if f".{module}".endswith(f".{read_by}" if read_by else "")]
    if not chosen:
        raise LookupError(f"{read_by} does not import {constant} of {home}")
    if not any(_is_read_later(module, own) for module, own in chosen):
        raise LookupError(f"nothing reads {constant} of {home} after it was imported")
    for module, own in chosen:
        monkeypatch.setattr(importlib.import_module(module), own, value)


def _home(name: str) -> tuple[str, str]:
    constant = name.rpartition(".")[2]
    homes = [
        module
        for module, tree in _modules().items()
        if f".{module}.{constant}".endswith(f".{name}") and constant in _assigned(tree)
    ]
    if len(homes) != 1:
        raise LookupError(f"{name} is the name of {len(homes)} constants: {', '.join(homes) or 'nowhere'}")
    return homes[0], constant


@cache
def _modules() -> dict[str, ast.Module]:
    """Every module of the program by its name."""
    found = {}
    for package in _PACKAGES:
        root = Path(package.__file__).parent
        for file in root.rglob("*.py"):
            parts = (package.__name__, *file.relative_to(root).with_suffix("").parts)
            found[".".join(part for part in parts if part != "__init__")] = ast.parse(file.read_text())
    return found


def _assigned(tree: ast.Module) -> Iterator[str]:
    for node in tree.body:
        targets = (
            node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
        )
        yield from (name.id for target in targets for name in ast.walk(target) if isinstance(name, ast.Name))


def _copies(home: str, constant: str) -> Iterator[tuple[str, str]]:
    """The modules that import the constant itself, and what they call it."""
    for module, tree in _modules().items():
        for node in tree.body:
            if isinstance(node, ast.ImportFrom) and node.module == home:
                yield from ((module, alias.asname or alias.name) for alias in node.names if alias.name == constant)


def _is_read_later(module: str, constant: str) -> bool:
    """Whether a function reads it when it is called; a default value was read long before."""
    functions = (node for node in ast.walk(_modules()[module]) if isinstance(node, ast.FunctionDef | ast.Lambda))
    bodies = (node.body if isinstance(node.body, list) else [node.body] for node in functions)
    return any(
        isinstance(name, ast.Name) and name.id == constant and isinstance(name.ctx, ast.Load)
        for body in bodies
        for part in body
        for name in ast.walk(part)
    )
