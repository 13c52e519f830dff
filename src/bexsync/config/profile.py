"""A profile: one TOML file that names one site of a shop, one ledger company, and the rules between them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from functools import cache
from typing import Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainValidator,
    StringConstraints,
    create_model,
    field_validator,
    model_validator,
)

from bexsync.config.order_rules import flaw_in_title, nonsense_in, unreachable_in
from bexsync.ports.ledger_description import LedgerDescription, LedgerWords, LoginNeeds
from bexsync.ports.steps import NumberOrder
from bexsync.records.quoting import shown
from bexsync.registry import (
    BUILT_IN_LEDGERS,
    DEFAULT_LEDGER,
    DEFAULT_SHOP,
    is_ledger,
    known_shops,
    ledger_description,
    shop_package,
)

Finish = Literal["draft", "issue", "send"]
Language = Annotated[str, StringConstraints(to_lower=True, pattern=r"^[A-Za-z]{2}$")]


def _web_address(value: str) -> str:
    if not value.startswith(("https://", "http://")):
        raise ValueError("must begin with https://")
    return value.rstrip("/")


def _empty_is_none(value: object) -> object:
    """TOML knows no null, so an empty text says that there is no value."""
    return None if value == "" else value


def _bank_accounts(value: object) -> str | dict[str, str]:
    """One account, or a table of them by currency; by hand, since a union would make two sentences of one mistake."""
    if isinstance(value, str):
        return value
    if not isinstance(value, Mapping) or not all(isinstance(account, str) for account in value.values()):
        raise ValueError(
            "must be an IBAN or the name of a bank account, or a table of them by currency, "
            'like { CHF = "CH93 ...", EUR = "CH56 ..." }'
        )
    codes = [str(code) for code in value]
    if not all(re.fullmatch(r"[A-Za-z]{3}", code) for code in codes):
        raise ValueError("must name currencies by three letters, like CHF")
    return {str(code).upper(): account for code, account in value.items()}


Url = Annotated[str, AfterValidator(_web_address)]
BankAccounts = Annotated[str | dict[str, str], PlainValidator(_bank_accounts)]


class Section(BaseModel):
    """A table of the profile; unknown keys are refused, because a typo must not change a booking."""

    # Only the profile as a whole gets a validator, unless a table is made by itself.
    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    @field_validator("*", mode="before")
    @classmethod
    def _without_null(cls, value: object) -> object:
        """No path, address or text of ours can hold it."""
        if isinstance(value, str) and "\0" in value:
            raise ValueError("holds a null character")
        return value


def _table_of_defaults() -> Any:
    """The default of a table in the profile: an empty one, so that the profile's own validator reads it as well."""
    return Field(default_factory=dict, validate_default=True)


TokenStoreName = Literal["", "keyring", "encrypted-file", "file", "command"]


class TokenCommandSection(Section):
    """Commands that keep the login: `get` prints it, `set` reads it from its input, `erase` forgets it."""

    get: tuple[str, ...] = ()
    set: tuple[str, ...] = ()
    erase: tuple[str, ...] = ()


def _known_ledger(value: str) -> str:
    if not is_ledger(value):
        raise ValueError(f"must be {' or '.join(shown(name) for name in BUILT_IN_LEDGERS)}")
    return value


class LedgerSection(Section):
    """The company in the ledger and what documents belong to by default."""

    type: Annotated[str, AfterValidator(_known_ledger)] = DEFAULT_LEDGER
    user: str = ""
    language: Language = "de"
    currency: Annotated[str, StringConstraints(to_upper=True, pattern=r"^[A-Za-z]{3}$")] = "CHF"
    revenue_account: str = "3200"
    tax_code: str = ""
    bank_account: BankAccounts = ""
    numbering: Literal["ledger", "shop"] = "ledger"
    contact_group: str = ""
    api_url: Url
    web_url: Url
    ca_file: str = ""
    issuer: Url
    redirect_uri: Url = "http://127.0.0.1:27182/callback"
    token_store: TokenStoreName = ""
    token_command: TokenCommandSection = _table_of_defaults()

    @model_validator(mode="before")
    @classmethod
    def _usual_servers(cls, values: Any) -> Any:
        """The servers of the ledger are known from its type."""
        if not isinstance(values, Mapping):
            return values
        named = str(values.get("type"))
        ledger = ledger_description(named if is_ledger(named) else DEFAULT_LEDGER)
        usual = {"api_url": ledger.api_url, "web_url": ledger.web_url, "issuer": ledger.login.issuer}
        return {**usual, **values}

    @property
    def description(self) -> LedgerDescription:
        """What the ledger's package says about it."""
        return ledger_description(self.type)

    @property
    def login(self) -> LoginNeeds:
        """How one logs in to the ledger."""
        return self.description.login

    @property
    def words(self) -> LedgerWords:
        """The ledger's name and its words for places."""
        return self.description.words

    @property
    def bank_accounts(self) -> Mapping[str, str]:
        """The accounts by currency; a single one is that of the ledger's own currency."""
        named = self.bank_account if isinstance(self.bank_account, dict) else {self.currency: self.bank_account}
        return {code: account for code, account in named.items() if account}


class ShopSection(Section):
    """Where sales come from: what every type of shop has; the settings of one type inherit it.

    Every key has a default, since `init` begins with them; a shop says itself what is missing.
    """

    type: str = DEFAULT_SHOP
    site: Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_-]{0,31}$")] = "main"
    rounding: Literal["any", "line", "rate", "document"] = "any"
    round_to: Decimal = Field(default=Decimal("0.01"), gt=0, le=10, decimal_places=4)
    status_months: int = Field(default=12, ge=1, le=1200)

    @property
    def location(self) -> str:
        """Where the shop is, as the profile says it."""
        return self.type


class _UnknownShop(ShopSection):
    """Refuses a type that is not known, and says nothing of its keys."""

    model_config = ConfigDict(frozen=True, extra="allow")

    @field_validator("type")
    @classmethod
    def _known_type(cls, value: str) -> str:
        del value
        *others, last = (f'"{name}"' for name in known_shops())
        raise ValueError(f"must be {', '.join(others)} or {last}" if others else f"must be {last}")


class MailText(Section):
    """Subject and message of a mail; `{number}`, `{title}`, `{total}`, `{currency}`, `{due_date}`, `{customer}`."""

    subject: str
    message: str


def _standard_mails() -> dict[str, MailText]:
    return {
        "de": MailText(
            subject="Rechnung {number}",
            message="Guten Tag\n\nHier finden Sie unsere Rechnung {number} über {currency} {total}:\n"
            "[Network Link]\n\nFreundliche Grüsse",
        ),
        "fr": MailText(
            subject="Facture {number}",
            message="Bonjour,\n\nVoici notre facture {number} de {currency} {total} :\n"
            "[Network Link]\n\nMeilleures salutations",
        ),
        "it": MailText(
            subject="Fattura {number}",
            message="Buongiorno,\n\necco la nostra fattura {number} di {currency} {total}:\n"
            "[Network Link]\n\nCordiali saluti",
        ),
        "en": MailText(
            subject="Invoice {number}",
            message="Hello,\n\nhere is our invoice {number} of {currency} {total}:\n[Network Link]\n\nKind regards",
        ),
    }


SameMail = Literal["separate", "stop", "one"]
UpdateContacts = Literal["own", "never", "always"]


class ContactsSection(Section):
    """How the shop's customers become contacts in the ledger."""

    same_mail: SameMail = "separate"
    update: UpdateContacts = "own"
    numbers: Literal["shop", "ledger"] = "ledger"


class InvoicesSection(Section):
    """How invoices are pushed."""

    finish: Finish = "send"
    start_date: Annotated[date | None, BeforeValidator(_empty_is_none)] = None
    skip: tuple[Literal["paid", "sent", "cancelled"], ...] = ()
    cancel: Literal["stop", "cancel"] = "stop"
    cancel_draft: Literal["keep", "delete"] = "keep"
    due_days: Annotated[Annotated[int, Field(ge=0, le=3650)] | None, BeforeValidator(_empty_is_none)] = None
    template: str = ""
    template_paid: str = ""
    detail: Literal["none", "positions"] = "none"
    rounding_account: str = ""
    rounding_tax: str = ""
    send_to: Literal["customer", "me"] = "customer"
    attach_pdf: bool = False
    print_vat_number: bool = False
    mail: Annotated[dict[Language, MailText], AfterValidator(lambda own: {**_standard_mails(), **own})] = Field(
        default_factory=_standard_mails
    )


class PaymentsSection(Section):
    """What the shop is told when money came in, and which bank account a payment method uses."""

    paid_status: str = "paid"
    cancelled_status: str = "cancelled"
    accounts: dict[str, BankAccounts] = Field(default_factory=dict)

    def account(self, method: str | None, currency: str) -> str:
        """The account that a payment method names for a currency, "" where it names none."""
        named = self.accounts.get(method or "", "")
        return named.get(currency, "") if isinstance(named, dict) else named


class LimitsSection(Section):
    """Above these a plan refuses itself until it is confirmed."""

    documents: int = Field(default=200, ge=0)
    mails: int = Field(default=200, ge=0)
    cancels: int = Field(default=20, ge=0)


class EngineSection(Section):
    """How patient bexsync is with an answer that does not come, and how many requests it has under way at once."""

    settle_seconds: float = Field(default=120, ge=0, le=86_400)
    timeout_seconds: float = Field(default=60, gt=0, le=86_400)
    in_flight: int = Field(default=16, ge=1, le=32)
    number_order: NumberOrder = "day"


class ErrorsSection(Section):
    """How many unnoticed causes stop a job."""

    stop_after: int = Field(default=25, ge=1)


FieldOwner = Literal["disabled", "shop", "ledger"]


class ProductsSection(Section):
    """Whether and how products and stock are synchronised: per field, who is master."""

    enabled: bool = False
    title: FieldOwner = "shop"
    description: FieldOwner = "shop"
    weight: FieldOwner = "disabled"
    price: FieldOwner = "shop"
    stock: FieldOwner = "ledger"
    ledger_price: Literal["net", "gross"] = "net"
    shop_price: Literal["net", "gross"] = "gross"
    without_sku: Literal["skip", "create"] = "skip"
    sku_conflicts: Literal["stop", "share"] = "stop"
    stock_number: Literal["available", "physical"] = "available"
    negative_stock: Literal["error", "zero", "keep"] = "error"
    fractional_stock: Literal["error", "down", "keep"] = "error"
    unit: str = ""
    creates: int = Field(default=200, ge=0)
    changes: int = Field(default=2000, ge=0)


OrderAction = Literal["contact", "order", "delivery", "invoice", "issue", "payment", "send", "cancel"]
Goods = Literal["physical", "virtual", "mixed"]


def _sensible(value: tuple[OrderAction, ...]) -> tuple[OrderAction, ...]:
    if said := nonsense_in(value):
        raise ValueError(said)
    return value


def _named_statuses(value: dict[str, Any]) -> dict[str, Any]:
    if not all(status.strip() for status in value):
        raise ValueError("has a row whose status is empty")
    return value


def _title_with_number(value: str) -> str:
    if said := flaw_in_title(value):
        raise ValueError(said)
    return value


OrderActions = Annotated[tuple[OrderAction, ...], AfterValidator(_sensible)]
AccountNumber = Annotated[str, StringConstraints(strip_whitespace=True, pattern=r"^([0-9][0-9.]{0,19})?$")]
TaxCode = Annotated[str, StringConstraints(strip_whitespace=True, pattern=r"^([A-Za-z0-9]{1,20}( \(#[0-9]+\))?)?$")]


class OrderRule(Section):
    """What is done for orders that fit all that the rule names; the first that fits wins over `[orders.actions]`."""

    status: str = ""
    payment_method: str = ""
    goods: Literal["", "physical", "virtual", "mixed"] = ""
    country: Annotated[str, StringConstraints(to_upper=True, pattern=r"^([A-Za-z]{2})?$")] = ""
    actions: OrderActions


class OrderStatuses(Section):
    """Which status the shop's order gets when something happened in the ledger; an empty one writes nothing."""

    paid: str = ""
    partly_paid: str = ""
    cancelled: str = ""
    done: str = ""


class OrdersSection(Section):
    """Whether and how orders of the shop are carried over, by their status."""

    enabled: bool = False
    start_date: Annotated[date | None, BeforeValidator(_empty_is_none)] = None
    numbering: Literal["ledger", "shop"] = "ledger"
    title: Annotated[str, AfterValidator(_title_with_number)] = "Order {number}"
    gift_card_account: AccountNumber = ""
    tip_account: AccountNumber = ""
    tip_tax: TaxCode = ""
    rounding_account: AccountNumber = ""
    rounding_tax: TaxCode = ""
    cancel: Literal["stop", "delete"] = "stop"
    backfill_after_days: int = Field(default=14, ge=0)
    own_done: bool = False
    actions: Annotated[dict[str, OrderActions], AfterValidator(_named_statuses)] = Field(default_factory=dict)
    rules: tuple[OrderRule, ...] = ()
    status: OrderStatuses = _table_of_defaults()

    @model_validator(mode="after")
    def _every_rule_has_its_use(self) -> Self:
        if said := unreachable_in(self.rules):
            raise ValueError(said)
        return self


class Profile(Section):
    """All of it."""

    enabled: bool = True
    ledger: LedgerSection = _table_of_defaults()
    shop: ShopSection = _table_of_defaults()
    contacts: ContactsSection = _table_of_defaults()
    invoices: InvoicesSection = _table_of_defaults()
    payments: PaymentsSection = _table_of_defaults()
    limits: LimitsSection = _table_of_defaults()
    engine: EngineSection = _table_of_defaults()
    errors: ErrorsSection = _table_of_defaults()
    products: ProductsSection = _table_of_defaults()
    orders: OrdersSection = _table_of_defaults()


def profile_model(shop_type: str) -> type[Profile]:
    """The profile of a type of shop, whose package declares the settings in [shop]."""
    try:
        shop: Any = shop_package(shop_type).settings
    except KeyError:
        shop = _UnknownShop
    model: type[Profile] = _profile_with(shop)
    return model


@cache
def _profile_with(shop: Any) -> type[Profile]:
    return create_model("Profile", __base__=Profile, shop=(shop, _table_of_defaults()))
