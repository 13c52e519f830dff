"""Reads a profile and its VAT map: as one value, or as everything that is wrong with them."""

from __future__ import annotations

import itertools
import re
import tomllib
from collections.abc import Iterator, Mapping
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from bexsync.config.problems import Key, Wrong, explained, keys_in, not_toml
from bexsync.config.profile import Profile, profile_model
from bexsync.config.sources import read_settings, shop_type_in, shop_type_of
from bexsync.errors import ProfileProblem
from bexsync.paths import config_folder
from bexsync.records.quoting import printable, shown
from bexsync.vat import VatMap, VatRow

VAT_ROW_HINT = 'Each row is a [[tax]] table with code = "UN81" and any of class, rate, country, use, valid_from.'
# What is taken out may bring up what lay behind it, but not for ever.
_MOST_LAYERS = 5


def load_profile(path: Path) -> Profile:
    """The profile at `path` with `BEXSYNC_` variables over it; raises ProfileProblem with one sentence."""
    try:
        if not path.is_file():
            raise ProfileProblem(f"There is no profile {path}.", _known_profiles(path.parent))
        return read_settings(path)
    except ValidationError as problem:
        raise explained(path, problem)[0].as_problem() from problem
    except RecursionError as problem:
        raise ProfileProblem(f"The profile {path} is nested too deeply.", "Correct that line.") from problem
    except ValueError as problem:  # TOML's own, and what is not UTF-8
        said = _clean(not_toml(str(problem)))
        raise ProfileProblem(f"The profile {path} is not TOML: {said}.", "Correct that line.") from problem
    except OSError as problem:
        raise ProfileProblem(
            f"The profile {path} cannot be read: {problem.strerror}.", "Give this user the right to read it."
        ) from problem


def profiles_in(folder: Path) -> list[str]:
    """The names of the profiles in a folder; a VAT map lies beside its profile under a similar name."""
    return sorted(path.stem for path in folder.glob("*.toml") if not path.name.endswith(".vat.toml"))


def _known_profiles(beside: Path) -> str:
    """The names to choose from: those where profiles live, else those beside the one that was named."""
    own = config_folder() / "profiles"
    names = profiles_in(own)
    if names:
        return f"The profiles are {', '.join(names)} (in {own}); `bexsync init` writes another one."
    found = [f"{name}.toml" for name in profiles_in(beside)] if beside.is_dir() else []
    others = f"Beside it: {', '.join(found)}. " if found else ""
    return f"{others}`bexsync init` writes one; or name another with --profile."


def vat_map_path(profile_file: Path) -> Path:
    """The VAT map lies beside its profile."""
    return profile_file.with_suffix(".vat.toml")


def load_vat_map(profile_file: Path) -> VatMap:
    """The VAT map beside the profile, empty when there is none; raises ProfileProblem."""
    path = vat_map_path(profile_file)
    if not path.is_file():
        return VatMap()
    try:
        return VatMap(tuple(_vat_row(row) for row in vat_tables(path)))
    except OSError as problem:
        raise ProfileProblem(
            f"The VAT map {path} cannot be read: {problem.strerror}.", "Give this user the right to read it."
        ) from problem
    except (ValueError, RecursionError) as problem:
        said = printable(not_toml(str(problem)))
        raise ProfileProblem(f"The VAT map {path} cannot be understood: {said}.", VAT_ROW_HINT) from problem


def vat_tables(path: Path) -> list[Mapping[str, Any]]:
    """The rows of a VAT map as they are written; raises OSError and ValueError."""
    rows = tomllib.loads(path.read_text(encoding="utf-8"), parse_float=Decimal).get("tax", [])
    if not isinstance(rows, list) or not all(isinstance(row, Mapping) for row in rows):
        raise ValueError("tax is no list of tables")
    return rows


def vat_faults(row: Mapping[str, Any]) -> Iterator[str]:
    """Everything that is wrong with a row of the VAT map."""
    for key in sorted(set(row) - {"code", "class", "rate", "country", "use", "valid_from"}):
        yield f"unknown key {shown(key)}"
    if row.get("use") not in (None, "sale", "shipping", "fee"):
        yield f"use = {shown(row['use'])} is none of sale, shipping, fee"
    valid_from = row.get("valid_from")
    if valid_from is not None and type(valid_from) is not date:
        yield "valid_from is no date like 2024-01-01"
    for key in ("code", "class", "country"):
        value = row.get(key)
        if value is not None and (not isinstance(value, str) or not value.strip()):
            yield f"{key} = {shown(value)} is no text"
    if row.get("code") is None:
        yield "code is missing"
    if "rate" in row and _percentage(row["rate"]) is None:
        yield f"rate = {shown(row['rate'])} is no percentage"


def _vat_row(row: Mapping[str, Any]) -> VatRow:
    for fault in vat_faults(row):
        raise ValueError(fault)
    return VatRow(
        code=row["code"],
        tax_class=row.get("class"),
        rate=_percentage(row.get("rate")),
        country=row.get("country"),
        use=row.get("use"),
        valid_from=row.get("valid_from"),
    )


def _percentage(value: Any) -> Decimal | None:
    try:
        rate = Decimal(str(value))
    except ArithmeticError:
        return None
    return None if isinstance(value, bool) or not rate.is_finite() or not 0 <= rate <= 100 else rate


def _clean(text: str) -> str:
    return "".join(sign if sign.isprintable() else "\N{REPLACEMENT CHARACTER}" for sign in text)


def problems_of(path: Path) -> list[Wrong]:
    """Everything that is wrong with the profile at `path` at once; nothing, if it can be worked with."""
    try:
        load_profile(path)
    except ProfileProblem as problem:
        if isinstance(problem.__cause__, ValidationError):
            return explained(path, problem.__cause__)
        said = re.search(r"at line (\d+)", problem.message)
        return [Wrong(problem.message, problem.hint, line=int(said[1]) if said else 0)]
    return []


def what_can_be_read(path: Path) -> Profile | None:
    """The profile with defaults in the place of what is wrong, so that one mistake does not hide the next."""
    try:
        return load_profile(path)
    except ProfileProblem:
        pass
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
        _name_shop_type(table, path)
        for _ in range(_MOST_LAYERS):
            try:
                return profile_model(shop_type_of(table)).model_validate(table)
            except ValidationError as problem:
                for error in problem.errors(include_url=False):
                    _take_out(table, error["loc"])
    except (OSError, ValueError, RecursionError, ProfileProblem):  # the last where the shop's package is broken
        pass
    return None


def _name_shop_type(table: dict[str, Any], path: Path) -> None:
    """Put into the table which type of shop it is for, which a variable may say."""
    shop = table.setdefault("shop", {})
    if isinstance(shop, dict):
        shop["type"] = shop_type_in(path)


def _take_out(table: dict[str, Any], loc: Key) -> None:
    """The value itself; where a key is missing, the table that lacks it."""
    above: Any = table
    for part, following in itertools.zip_longest(loc, loc[1:]):
        inner = above.get(part)
        if not isinstance(inner, dict) or following not in inner:
            above.pop(part, None)
            return
        above = inner


def vat_problems_of(profile_file: Path) -> list[Wrong]:
    """Everything that is wrong with the VAT map beside a profile, row by row."""
    try:
        load_vat_map(profile_file)
    except ProfileProblem as problem:
        path = vat_map_path(profile_file)
        try:
            rows = vat_tables(path)
        except (OSError, ValueError, RecursionError):
            said = re.search(r"at line (\d+)", problem.message)
            return [Wrong(problem.message, problem.hint, line=int(said[1]) if said else 0)]
        lines = _lines_of_tables(path, "tax")
        return [
            Wrong(
                f"Row {number} of the VAT map {path}: {printable(fault)}.",
                VAT_ROW_HINT,
                key=f"tax.{number}",
                line=lines[number - 1] if len(lines) == len(rows) else 0,
            )
            for number, row in enumerate(rows, 1)
            for fault in vat_faults(row)
        ]
    return []


def _lines_of_tables(path: Path, name: str) -> list[int]:
    text = path.read_text(encoding="utf-8")
    return [line for key, line in keys_in(text) if key == (name,)]
