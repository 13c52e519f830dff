"""Invoices and their lines."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from bexsync.records.base import (
    Amount,
    CurrencyCode,
    Day,
    Factor,
    Metadata,
    Moment,
    OptionalCode,
    OptionalLines,
    OptionalText,
    Record,
    ShopId,
    StatedAmount,
    WholeNumber,
    refuse_twice,
)
from bexsync.records.customer import Address, Customer, LanguageCode, Mail, Person
from bexsync.records.payment import Transaction

LineType = Literal["product", "service", "shipping", "fee", "discount", "gift_card", "tip", "text", "subtotal"]
InvoiceLineType = Literal["product", "service", "shipping", "fee", "discount", "text", "subtotal"]


class TimeEntry(Record):
    """Work behind a line: who did what for how long."""

    date: Day
    hours: Amount
    person: OptionalText = None
    description: OptionalLines = None


class Line(Record):
    """One line of any document; `unit_price` is net or gross as the document says, `line_total` is after discount."""

    line_id: ShopId | None = None
    line_number: WholeNumber | None = None
    type: LineType = "product"
    sku: OptionalCode = None
    product_shop_id: ShopId | None = None
    name: OptionalLines = None
    description: OptionalLines = None
    quantity: Factor = Decimal(1)
    unit: OptionalText = None
    unit_price: Factor | None = None
    discount_percent: Annotated[Amount, Field(ge=0, le=100)] | None = None
    discount_amount: Amount | None = None
    line_total: StatedAmount | None = None
    line_tax: StatedAmount | None = None
    tax_rate: Annotated[Amount, Field(ge=0, le=100)] | None = None
    tax_class: OptionalText = None
    tax_code: OptionalCode = None
    revenue_account: OptionalCode = None
    period_from: Day | None = None
    period_to: Day | None = None
    time_entries: tuple[TimeEntry, ...] = ()
    metadata: Metadata = Field(default_factory=dict)

    @property
    def has_amount(self) -> bool:
        """Whether the line is money, unlike texts and subtotals."""
        return self.type not in ("text", "subtotal")


class InvoiceLine(Line):
    """One line of an invoice."""

    type: InvoiceLineType = "product"


class TaxSum(Record):
    """What the shop says that the lines of one rate come to: their net amount and their VAT."""

    rate: Annotated[Amount, Field(ge=0, le=100)]
    net: StatedAmount | None = None
    tax: StatedAmount | None = None


class Project(Record):
    """The project an invoice belongs to."""

    id: ShopId | None = None
    number: OptionalText = None
    name: OptionalText = None


class Email(Record):
    """How this one invoice is mailed, where it differs from the profile."""

    to: Mail | None = None
    subject: OptionalText = None
    text: OptionalLines = None
    attach_pdf: bool | None = None


class Attachment(Record):
    """A file beside the invoice; a ledger may take none, and then it stays with the shop."""

    filename: OptionalText = None
    content_type: OptionalText = None
    role: Literal["detail", "original", "other"] = "other"
    path: OptionalText = None
    base64: str | None = None


class Invoice(Record):
    """An invoice or a credit note of the shop; amounts are decimals in `currency`, dates are plain."""

    shop_id: ShopId
    source_number: OptionalCode = None
    document_type: Literal["invoice", "credit_note", "cancellation"] = "invoice"
    status: Literal["draft", "approved", "sent", "paid", "cancelled"] = "approved"
    title: OptionalText = None
    project: Project | None = None
    contract_reference: OptionalText = None
    invoice_date: Day
    due_date: Day | None = None
    payment_terms_days: Annotated[WholeNumber, Field(ge=0, le=3650)] | None = None
    payment_method: OptionalText = None
    currency: CurrencyCode
    prices_include_tax: bool = False
    language: LanguageCode | None = None
    customer: Customer | None = None
    customer_id: ShopId | None = None
    invoice_contact: Person | None = None
    billing_address: Address | None = None
    lines: Annotated[tuple[InvoiceLine, ...], Field(min_length=1)]
    payments: tuple[Transaction, ...] = ()
    paid_at: Moment | None = None
    header_text: OptionalLines = None
    footer_text: OptionalLines = None
    email: Email | None = None
    auto_send: bool | None = None
    leave_as_draft: bool = False
    attachments: tuple[Attachment, ...] = ()
    original_shop_id: ShopId | None = None
    external_id: OptionalText = None
    external_number: OptionalText = None
    external_url: OptionalText = None
    total_net: StatedAmount | None = None
    total_tax: StatedAmount | None = None
    total_rounding: StatedAmount | None = None
    total: StatedAmount | None = None
    taxes: tuple[TaxSum, ...] = ()
    updated_at: OptionalText = None
    metadata: Metadata = Field(default_factory=dict)

    @model_validator(mode="after")
    def _names_each_payment_once(self) -> Self:
        refuse_twice("payments", "shop_id", (part.shop_id for part in self.payments))
        return self
