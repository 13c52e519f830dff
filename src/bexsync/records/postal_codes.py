"""Postal codes, freed of what people and spreadsheets add to them."""

from __future__ import annotations

import re

# The letters that people write before a postal code, by country; Switzerland and Liechtenstein share their codes.
_PREFIXES = {
    "CH": ("CH", "FL", "LI"),
    "LI": ("CH", "FL", "LI"),
    "DE": ("DE", "D"),
    "AT": ("AT", "A"),
    "FR": ("FR", "F"),
    "IT": ("IT", "I"),
    "ES": ("ES", "E"),
    "BE": ("BE", "B"),
    "DK": ("DK",),
}
_PREFIXED = re.compile(r"([A-Za-z]{1,2})\s?[-\N{EN DASH}]?\s?(\d{3,5})", re.ASCII)
_FLOAT = re.compile(r"(\d{3,})[.,]0+", re.ASCII)


def plain_postal_code(value: str, country: str | None = None) -> str:
    """Return a postal code without the letters of its country, blanks, and the decimals of a spreadsheet.

    Codes of countries whose codes hold letters or blanks stay as they are. Without a country the letters are those of
    Switzerland and Liechtenstein.
    """
    code = " ".join(value.split())
    written_as_number = _FLOAT.fullmatch(code)
    if written_as_number:
        return written_as_number[1]
    prefixes = _PREFIXES.get(country or "CH")
    if prefixes is None:
        return code
    prefixed = _PREFIXED.fullmatch(code)
    if prefixed and prefixed[1].upper() in prefixes:
        return prefixed[2]
    joined = code.replace(" ", "")
    return joined if country and joined.isascii() and joined.isdigit() else code
