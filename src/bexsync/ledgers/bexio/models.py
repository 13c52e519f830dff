"""bexio's answers as models: strict in what decides something, while keys that nobody reads may say anything."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from datetime import date, timedelta
from decimal import Decimal
from typing import Annotated, Any, Self

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, StrictStr, ValidationError

from bexsync.ids import LedgerId
from bexsync.ledgers.bexio.reading import NotUnderstood, amount_of, flag_of, number_of
from bexsync.ports.documents import DocumentStatus
from bexsync.ports.master_data import Account, BankAccount, Country, Currency, Named, User, VatYear
from bexsync.records.quoting import named, shown
from bexsync.vat import Tax, TaxKind

_INCOME, _EXPENSE, _LIABILITY = 1, 2, 4  # account_type, contract 9
_LONGEST_NUMBER = 255
_STANDINGS = {
    7: DocumentStatus.DRAFT,
    8: DocumentStatus.ISSUED,
    9: DocumentStatus.PAID,
    16: DocumentStatus.PARTLY_PAID,
    19: DocumentStatus.CANCELLED,
    31: DocumentStatus.UNPAID,
}


def _null_as_empty(value: Any) -> Any:
    return "" if value is None else value


def _empty_as_null(value: Any) -> Any:
    return None if value == "" else value


def _number_as_text(value: Any) -> Any:
    return str(number_of(value)) if isinstance(value, int) else value


def _amount_or_none(value: Any) -> Any:
    return None if value in (None, "") else amount_of(value)


def _standing(value: Any) -> DocumentStatus:
    found = _STANDINGS.get(number_of(value))
    if found is None:
        raise ValueError
    return found


def _document_number(value: str) -> str:
    if not value.isprintable() or len(value) > _LONGEST_NUMBER:
        raise ValueError
    return value


def _day(value: Any) -> Any:
    return date.fromisoformat(value[:10]) if isinstance(value, str) else value


Number = Annotated[int, BeforeValidator(number_of)]
RecordId = Annotated[Number, Field(gt=0)]
Amount = Annotated[Decimal, BeforeValidator(amount_of)]
AmountOrNone = Annotated[Decimal | None, BeforeValidator(_amount_or_none)]
Flag = Annotated[bool, BeforeValidator(flag_of)]
Text = StrictStr
TextOrNull = Annotated[StrictStr, BeforeValidator(_null_as_empty)]
DocumentNumber = Annotated[StrictStr, AfterValidator(_document_number)]
Day = Annotated[date, Field(strict=True), BeforeValidator(_day)]
Year = Annotated[Annotated[Number, Field(le=9998)] | None, BeforeValidator(_empty_as_null)]
Month = Annotated[Annotated[Number, Field(le=12)] | None, BeforeValidator(_empty_as_null)]


class Model(BaseModel):
    """One object of an answer."""

    model_config = ConfigDict(frozen=True, extra="ignore", defer_build=True)

    @classmethod
    def read(cls, value: Any) -> Self:
        """The object; raises NotUnderstood, which names the first key that is not as it has to be."""
        if not isinstance(value, Mapping):
            raise NotUnderstood(f"it is {named(value)}")
        try:
            return cls.model_validate(value)
        except ValidationError as problem:
            error = problem.errors(include_url=False)[0]
        key = next(part for part in reversed(error["loc"]) if isinstance(part, str))
        raise NotUnderstood(
            f"`{key}` is missing" if error["type"] == "missing" else f"`{key}` is {shown(error['input'])}"
        )

    @classmethod
    def kept(cls, value: Any) -> dict[str, Any]:
        """Those keys of an object that are read, as the state keeps them."""
        if not isinstance(value, Mapping):
            raise NotUnderstood(f"it is {named(value)}")
        return {key: value[key] for key in cls.model_fields if key in value}


class MasterRow(Model):
    """A row of master data."""

    @abstractmethod
    def parsed(self) -> Any:
        """What planning knows of it."""

    def _there(self, key: str) -> Any:
        """What stands under a key that may only be missing where another says the same."""
        if key not in self.model_fields_set:
            raise NotUnderstood(f"`{key}` is missing")
        return getattr(self, key)


class CompanyRow(MasterRow):
    """The company profile."""

    name: TextOrNull

    def parsed(self) -> str:
        return self.name


class UserRow(MasterRow):
    """A user."""

    id: RecordId
    email: TextOrNull
    firstname: TextOrNull = ""
    lastname: TextOrNull = ""

    def parsed(self) -> User:
        return User(LedgerId(self.id), self.email, f"{self.firstname} {self.lastname}".strip())


class AccountRow(MasterRow):
    """An account of the chart of accounts."""

    id: RecordId
    account_no: Annotated[StrictStr, BeforeValidator(_number_as_text)]
    name: TextOrNull
    tax_id: Number | None = None
    is_active: Flag
    account_type: Number

    def parsed(self) -> Account:
        return Account(
            LedgerId(self.id),
            self.account_no,
            self.name,
            LedgerId.known(self.tax_id),
            self.is_active,
            self.account_type == _INCOME,
            self.account_type == _EXPENSE,
            self.account_type == _LIABILITY,
        )


_TAX_KINDS = {
    "sales_tax": TaxKind.SALES,
    "opted_sales_tax": TaxKind.OPTED_SALES,
    "not_taxable_turnover": TaxKind.EXEMPT_SALES,
    "non_consideration_sales_tax": TaxKind.NO_CONSIDERATION,
}


class TaxRow(MasterRow):
    """A tax; one without an end is valid for ever, so that the keys of its validity must be there."""

    id: RecordId
    code: Text
    name: TextOrNull = ""
    display_name: TextOrNull = ""
    value: Annotated[Amount, Field(ge=0, le=100)]
    type: Text
    is_active: Flag
    start_year: Year
    start_month: Month
    end_year: Year
    end_month: Month

    def parsed(self) -> Tax:
        return Tax(
            id=LedgerId(self.id),
            code=self.code,
            name=self.display_name or self._there("name"),
            rate=self.value,
            kind=_TAX_KINDS.get(self.type, TaxKind.OTHER),
            active=self.is_active,
            valid_from=date(self.start_year, self.start_month or 1, 1) if self.start_year else None,
            valid_to=_end_of_month(self.end_year, self.end_month or 12) if self.end_year else None,
        )


def _end_of_month(year: int, month: int) -> date:
    following = date(year + 1, 1, 1) if month == 12 else date(year, month + 1, 1)
    return following - timedelta(days=1)


class CurrencyRow(MasterRow):
    """A currency."""

    id: RecordId
    name: Text
    round_factor: Annotated[Amount, Field(gt=0, le=1)]

    def parsed(self) -> Currency:
        return Currency(LedgerId(self.id), self.name, self.round_factor)


class LanguageRow(MasterRow):
    """A language."""

    id: RecordId
    iso_639_1: TextOrNull

    def parsed(self) -> Named:
        return Named(LedgerId(self.id), self.iso_639_1)


class CountryRow(MasterRow):
    """A country."""

    id: RecordId
    iso_3166_alpha2: TextOrNull
    name: TextOrNull = ""

    def parsed(self) -> Country:
        return Country(LedgerId(self.id), self.iso_3166_alpha2, self.name)


class NamedRow(MasterRow):
    """A unit, a salutation or a contact group."""

    id: RecordId
    name: TextOrNull

    def parsed(self) -> Named:
        return Named(LedgerId(self.id), self.name)


class YearRow(MasterRow):
    """A business year."""

    start: Day
    end: Day
    is_vat_subject: Flag
    default_tax_income_id: Number | None = None

    def parsed(self) -> VatYear:
        return VatYear(self.start, self.end, self.is_vat_subject, LedgerId.known(self.default_tax_income_id))


class BankAccountRow(MasterRow):
    """A bank account."""

    id: RecordId
    name: TextOrNull = ""
    iban_nr: TextOrNull = ""
    currency_id: Number | None = None

    def parsed(self) -> BankAccount:
        return BankAccount(LedgerId(self.id), self.iban_nr, LedgerId.known(self.currency_id), self.name)


class TemplateRow(MasterRow):
    """A document template, whose name stands under one of two keys."""

    template_slug: TextOrNull = ""
    slug: TextOrNull = ""

    def parsed(self) -> str:
        return self.template_slug or str(self._there("slug"))


class NumberingRow(Model):
    """Whether documents of one class are numbered by bexio."""

    kb_item_class: Text
    use_automatic_enumeration: Any = None

    def numbers(self, document_class: str) -> bool | None:
        """Whether bexio numbers the documents of a class, None where this is about another one."""
        if self.kb_item_class != document_class:
            return None
        if "use_automatic_enumeration" not in self.model_fields_set:
            raise NotUnderstood("`use_automatic_enumeration` is missing")
        try:
            return flag_of(self.use_automatic_enumeration)
        except ValueError:
            raise NotUnderstood(f"`use_automatic_enumeration` is {shown(self.use_automatic_enumeration)}") from None


class Identified(Model):
    """Anything that has an id."""

    id: RecordId


class CreatedContact(Identified):
    """A contact that was created just now, with its number."""

    nr: TextOrNull = ""


class ContactName(Model):
    """The company or last name of a contact."""

    name_1: Text


class Relation(Identified):
    """That a person belongs to a company."""

    contact_id: Number
    contact_sub_id: Number


class DocumentReference(Model):
    """The reference that a document carries."""

    api_reference: TextOrNull


class BookedPosition(Model):
    """What a position is booked on."""

    account_id: Number | None = None
    tax_id: Number | None = None


class ItemRemarks(Model):
    """The remarks of an item."""

    remarks: TextOrNull = ""


class LastingAccount(Identified):
    """An account by the id that never changes, which becomes part of the name of a file."""

    uuid: Annotated[Text, Field(pattern=r"^[A-Za-z0-9-]{8,64}$")]


class TokenUser(Model):
    """Whose a token is."""

    firstname: TextOrNull = ""
    lastname: TextOrNull = ""
    email: TextOrNull = ""


class ContactAnswer(Model):
    """A contact; empty fields come as "" or null, and postal codes once came as numbers."""

    id: RecordId
    contact_type_id: Annotated[Number, Field(ge=1, le=2)]
    name_1: Text
    name_2: TextOrNull
    mail: TextOrNull
    mail_second: TextOrNull
    updated_at: TextOrNull = ""
    nr: Any = ""
    street_name: TextOrNull = ""
    address: TextOrNull = ""
    house_number: TextOrNull = ""
    address_addition: TextOrNull = ""
    postcode: Annotated[TextOrNull, BeforeValidator(_number_as_text)]
    city: TextOrNull = ""
    country_id: Number | None = None
    language_id: Number | None = None
    phone_fixed: TextOrNull = ""
    phone_mobile: TextOrNull = ""
    user_id: Number | None = None
    owner_id: Number | None = None

    @property
    def street(self) -> str:
        """The street; before 2025-12 it came as `address` only, number and all (contract 3)."""
        return self.street_name if "street_name" in self.model_fields_set else self.address


class PositionText(Model):
    """What a position says."""

    text: TextOrNull = ""


class DocumentAnswer(Model):
    """An invoice; a list or search shows no positions."""

    id: RecordId
    document_nr: DocumentNumber
    api_reference: TextOrNull
    kb_item_status_id: Annotated[DocumentStatus, BeforeValidator(_standing)]
    total: Amount
    total_received_payments: Amount
    total_credit_vouchers: Amount
    total_remaining_payments: Amount
    network_link: TextOrNull
    contact_id: Number
    currency_id: Number
    is_valid_from: TextOrNull
    is_valid_to: TextOrNull
    updated_at: TextOrNull
    contact_address: TextOrNull = ""
    positions: list[PositionText] | None = None


class PositionAnswer(Model):
    """A position as far as its path is concerned."""

    id: RecordId
    type: Annotated[Text, Field(pattern=r"^KbPosition[A-Za-z]{1,30}$")]


class PaymentAnswer(Model):
    """A payment."""

    id: RecordId
    value: Amount
    date: Day
    bank_account_id: Number | None = None


class ItemAnswer(Model):
    """An item."""

    id: RecordId
    is_stock: Flag
    article_type_id: Number
    intern_code: TextOrNull = ""
    intern_name: TextOrNull = ""
    intern_description: TextOrNull = ""
    sale_price: AmountOrNone = None
    weight: AmountOrNone = None
    currency_id: Number | None = None
    tax_income_id: Number | None = None
    unit_id: Number | None = None
    stock_nr: AmountOrNone = None
    stock_available_nr: AmountOrNone = None
