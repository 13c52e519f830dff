"""Whom an invoice is for."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, StringConstraints, ValidationInfo, field_validator

from bexsync.records.base import OptionalCode, OptionalLines, OptionalText, Record, ShopId, Text, refuse_unprinted
from bexsync.records.postal_codes import plain_postal_code

_NAMED = re.compile(r"(?P<name>[^<>]*)<(?P<mail>[^<>]*)>\s*")


def _address_alone(value: Any) -> Any:
    """The address of `mailto:anna@example.ch?subject=x` and `Anna Keller <anna@example.ch>`."""
    if not isinstance(value, str):
        return value
    named = _NAMED.fullmatch(value)
    # With two different addresses nobody can say which is meant.
    if named and ("@" not in named["name"] or named["name"].strip(" \"'").casefold() == named["mail"].casefold()):
        value = named["mail"]
    scheme, colon, rest = value.strip().partition(":")
    return rest.partition("?")[0] if colon and scheme.casefold() == "mailto" else value


def _mail(value: str) -> str:
    """Loose on purpose: the ledger and the mail server decide; this catches what is plainly not an address."""
    name, at, domain = value.rpartition("@")
    if not at or not name or "." not in domain or any(c.isspace() or c in "<>,;" for c in value):
        raise ValueError("is not a mail address")
    return value


Mail = Annotated[
    str,
    StringConstraints(strip_whitespace=True, max_length=254),
    AfterValidator(_mail),
    AfterValidator(refuse_unprinted),
    BeforeValidator(_address_alone),
]
CountryCode = Annotated[str, StringConstraints(strip_whitespace=True, to_upper=True, pattern=r"^[A-Za-z]{2}$")]
LanguageCode = Annotated[
    str, StringConstraints(strip_whitespace=True, to_lower=True, pattern=r"^[A-Za-z]{2}([-_][A-Za-z]{2})?$")
]


class Address(Record):
    """A postal address; `street` and `house_number` win over `address_line1` when both are given."""

    company: OptionalText = None
    first_name: OptionalText = None
    last_name: OptionalText = None
    address_line1: OptionalLines = None
    address_line2: OptionalLines = None
    street: OptionalText = None
    house_number: OptionalText = None
    country_code: CountryCode | None = None  # before the postal code, which is read as its country writes it
    postal_code: OptionalText = None
    city: OptionalText = None
    region: OptionalText = None
    email: Mail | None = None
    phone: OptionalText = None

    @field_validator("postal_code", mode="before")
    @classmethod
    def _plain_postal_code(cls, value: Any, info: ValidationInfo) -> Any:
        """Spreadsheets and scripts write postal codes as numbers."""
        if isinstance(value, int | Decimal) and not isinstance(value, bool):
            value = str(value)
        return plain_postal_code(value, info.data.get("country_code")) if isinstance(value, str) else value


class Person(Record):
    """The person at a company who receives the invoice."""

    first_name: OptionalText = None
    last_name: OptionalText = None
    salutation: OptionalText = None
    email: Mail | None = None
    phone: OptionalText = None


class Customer(Record):
    """A company or a person; `email` is what contacts are matched by."""

    kind: Literal["company", "person"] | None = None
    shop_id: ShopId | None = None
    customer_number: OptionalCode = None
    company_name: OptionalText = None
    first_name: OptionalText = None
    last_name: OptionalText = None
    salutation: OptionalText = None
    email: Mail | None = None
    phone: OptionalText = None
    vat_number: OptionalCode = None
    language: LanguageCode | None = None
    billing_address: Address | None = None
    shipping_address: Address | None = None
    groups: tuple[Text, ...] = Field(default=())
    updated_at: OptionalText = None

    @property
    def is_company(self) -> bool:
        """A company by its own word, else by having a company's name."""
        if self.kind is not None:
            return self.kind == "company"
        return self.company_name is not None
