"""Postal addresses: the shop's in the ledger's parts, compared, and as the lines of a letter."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from bexsync.errors import RecordProblem
from bexsync.ports.master_data import Country, Named, PostalAddress
from bexsync.records import Address
from bexsync.records.customer import plain_postal_code
from bexsync.records.folding import alike, folded

_SUFFIX = r"(?:\s?(?:bis|ter|quater|[a-zA-Z]))?"
_NUMBER_LAST = re.compile(
    rf"^(?P<street>.*?\D)[\s,]+(?P<number>\d+{_SUFFIX}(?:\s?[-/+]\s?\d+{_SUFFIX})?)$", re.IGNORECASE
)
_POST_BOX = re.compile(r"^(postfach|case postale|casella postale|c\.?\s?p\.|p\.?\s?o\.?\s?box)\b", re.IGNORECASE)
_NUMBER_FIRST = re.compile(rf"^(?P<number>\d+{_SUFFIX})(?:\s*,\s*|\s+)(?P<street>\D.*)$", re.IGNORECASE)
_STREET = re.compile(r"(strasse|str)\b")


def split_street(address: Address) -> tuple[str, str]:
    """Street and house number apart, as the ledger wants them; a line that does not split stays whole."""
    if address.street:
        return address.street, address.house_number or ""
    line, _ = _street_line(address)
    found = _in_parts(line)
    if found is None:
        return line, address.house_number or ""
    number = re.sub(r"\s(?!(bis|ter|quater)\b)", "", found["number"], flags=re.IGNORECASE)
    return found["street"].strip().rstrip(","), number


def _street_line(address: Address) -> tuple[str, list[str]]:
    """The line with the street, and the others; the street is the first line with a house number, else the first."""
    lines = [line.strip() for line in (address.address_line1 or address.address_line2 or "").splitlines()]
    lines = [line for line in lines if line]
    street = next((line for line in lines if _in_parts(line)), lines[0] if lines else "")
    return street, [line for line in lines if line != street]


def _in_parts(line: str) -> re.Match[str] | None:
    return None if _POST_BOX.match(line) else _NUMBER_LAST.match(line) or _NUMBER_FIRST.match(line)


def postal_address(address: Address, countries: Sequence[Country], ledger: str) -> PostalAddress:
    """A shop's address in the parts of one in the ledger; raises RecordProblem for an unknown country."""
    street, number = split_street(address)
    others = [] if address.street else _street_line(address)[1]
    if address.address_line2 and (address.address_line1 or address.street):
        others.append(" ".join(address.address_line2.split()))
    return PostalAddress(
        street=street,
        house_number=number,
        addition=", ".join(others),
        postcode=address.postal_code or "",
        city=address.city or "",
        country_id=by_name(countries, code, "country", ledger).id if (code := address.country_code) else None,
    )


def by_name(rows: Sequence[Named], name: str, noun: str, ledger: str) -> Named:
    """The row of master data with this name; raises RecordProblem where there is none."""
    for row in rows:
        if row.name.casefold() == name.casefold():
            return row
    known = ", ".join(row.name for row in rows[:8])
    raise RecordProblem(
        f'{ledger} has no {noun} "{name}".',
        f"It has {known}; correct the record or the profile, or add it in {ledger}."
        if known
        else f"Add it in {ledger}.",
        code=f"unknown_{noun.replace(' ', '_')}",
        subject=f"{noun}:{name}",
    )


def is_same_place(one: PostalAddress, other: PostalAddress) -> bool:
    """Whether two addresses are the same place, however their streets are spelled; an empty one is no place."""
    if one.is_empty or other.is_empty or _contradicts(one.country_id, other.country_id):
        return False
    if plain_postal_code(one.postcode) != plain_postal_code(other.postcode):
        return False
    same_city = bool(one.postcode) or alike(one.city, other.city)
    return same_city and _street_key(one) == _street_key(other)


def says(shown: PostalAddress, wanted: PostalAddress) -> bool:
    """Whether a letter to `shown` reads like one to `wanted`; what `wanted` leaves out makes no difference."""
    if wanted.is_empty:
        return not _contradicts(shown.country_id, wanted.country_id)
    return not _contradicts(wanted.country_id, shown.country_id or -1) and all(
        " ".join(theirs.casefold().split()) == " ".join(ours.casefold().split())
        for theirs, ours in (
            (f"{shown.street} {shown.house_number}", f"{wanted.street} {wanted.house_number}"),
            (shown.addition, wanted.addition),
            (f"{shown.postcode} {shown.city}", f"{wanted.postcode} {wanted.city}"),
        )
    )


def letter_lines(address: PostalAddress, countries: Sequence[Country]) -> list[str]:
    """The address in the lines of a letter, with its country last."""
    country = next((row.title or row.name for row in countries if row.id == address.country_id), "")
    lines = (
        address.addition,
        f"{address.street} {address.house_number}".strip(),
        f"{address.postcode} {address.city}".strip(),
        country,
    )
    return [line for line in lines if line]


def one_line(address: PostalAddress) -> str:
    """The address for a sentence."""
    return ", ".join(letter_lines(address, ()))


def _contradicts(one: int | None, other: int | None) -> bool:
    return one is not None and other is not None and one != other


def _street_key(address: PostalAddress) -> str:
    return _STREET.sub("str", folded(f"{address.street} {address.house_number}")).replace(" ", "")


def address_of(form: Mapping[str, Any]) -> PostalAddress:
    """The address in the form of a contact."""
    return PostalAddress(
        form.get("street", ""),
        form.get("house_number", ""),
        form.get("address_addition", ""),
        form.get("postcode", ""),
        form.get("city", ""),
        form.get("country_id"),
    )
