"""Whom an invoice is for."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field, StringConstraints

from bexsync.records.base import OptionalText, Record, ShopId


def _mail(value: str) -> str:
    """Loose on purpose: the ledger and the mail server decide; this catches what is plainly not an address."""
    name, at, domain = value.rpartition("@")
    if not at or not name or "." not in domain or any(c.isspace() or c in "<>,;" for c in value):
        raise ValueError("is not a mail address")
    return value


Mail = Annotated[str, StringConstraints(strip_whitespace=True, max_length=254), AfterValidator(_mail)]
CountryCode = Annotated[str, StringConstraints(strip_whitespace=True, to_upper=True, pattern=r"^[A-Za-z]{2}$")]
LanguageCode = Annotated[
    str, StringConstraints(strip_whitespace=True, to_lower=True, pattern=r"^[A-Za-z]{2}([-_][A-Za-z]{2})?$")
]


class Address(Record):
    """A postal address; `street` and `house_number` win over `address_line1` when both are given."""

    company: OptionalText = None
    first_name: OptionalText = None
    last_name: OptionalText = None
    address_line1: OptionalText = None
    address_line2: OptionalText = None
    street: OptionalText = None
    house_number: OptionalText = None
    postal_code: OptionalText = None
    city: OptionalText = None
    region: OptionalText = None
    country_code: CountryCode | None = None
    email: Mail | None = None
    phone: OptionalText = None


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
    customer_number: OptionalText = None
    company_name: OptionalText = None
    first_name: OptionalText = None
    last_name: OptionalText = None
    salutation: OptionalText = None
    email: Mail | None = None
    phone: OptionalText = None
    vat_number: OptionalText = None
    language: LanguageCode | None = None
    billing_address: Address | None = None
    shipping_address: Address | None = None
    groups: tuple[str, ...] = Field(default=())
    updated_at: OptionalText = None

    @property
    def is_company(self) -> bool:
        """A company by its own word, else by having a company's name."""
        if self.kind is not None:
            return self.kind == "company"
        return self.company_name is not None
