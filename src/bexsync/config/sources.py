"""Reads a profile from its file, with the `BEXSYNC_` variables over it that stand for a key of it."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bexsync.config.profile import Profile, profile_model
from bexsync.registry import DEFAULT_SHOP


def read_settings(path: Path) -> Profile:
    """The validated profile; raises pydantic's ValidationError, TOML's and the file system's errors.

    Which settings a shop has depends on its type, which is therefore read first.
    """
    if _variables_are_set():
        from bexsync.config.variables import read_with_variables  # pydantic_settings takes long to import

        return read_with_variables(path)
    table = _table(path)
    return profile_model(shop_type_of(table)).model_validate(table)


def shop_type_in(path: Path) -> str:
    """The type of shop that a profile names."""
    if _variables_are_set():
        from bexsync.config.variables import shop_type_with_variables

        return shop_type_with_variables(path)
    return shop_type_of(_table(path))


def shop_type_of(table: Mapping[str, Any]) -> str:
    """The type of shop that the content of a profile names."""
    shop = table.get("shop")
    kind = shop.get("type") if isinstance(shop, dict) else None
    return kind if isinstance(kind, str) else DEFAULT_SHOP


def _variables_are_set() -> bool:
    """Whether a variable stands for a key or a table of the profile."""
    keys = {f"BEXSYNC_{name}".upper() for name in Profile.model_fields}
    return any(variable.upper().partition("__")[0] in keys for variable in os.environ)


def _table(path: Path) -> dict[str, Any]:
    """The content of a profile; `init` begins with one that is not there yet."""
    if not path.is_file():
        return {}
    with path.open("rb") as file:
        return tomllib.load(file)
