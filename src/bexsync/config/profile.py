"""A profile: one TOML file that names one site of a shop, one ledger company, and the rules between them."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from datetime import date
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainValidator,
    StringConstraints,
    ValidationError,
    create_model,
    field_validator,
    model_validator,
)

from bexsync.errors import ProfileProblem
from bexsync.paths import config_folder as config_folder
from bexsync.paths import profile_path as profile_path
from bexsync.ports.ledger_description import LedgerDescription, LedgerWords, LoginNeeds
from bexsync.records.quoting import printable, shown
from bexsync.registry import (
    BUILT_IN_LEDGERS,
    DEFAULT_LEDGER,
    DEFAULT_SHOP,
    is_ledger,
    known_shops,
    ledger_description,
    shop_package,
)
from bexsync.vat import VatMap, VatRow

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
    if not isinstance(value, Mapping) or not all(isinstance(iban, str) for iban in value.values()):
        raise ValueError('must be an IBAN, or a table of them by currency, like { CHF = "CH93 ...", EUR = "CH56 ..." }')
    codes = [str(code) for code in value]
    if not all(re.fullmatch(r"[A-Za-z]{3}", code) for code in codes):
        raise ValueError("must name currencies by three letters, like CHF")
    return {str(code).upper(): iban for code, iban in value.items()}


Url = Annotated[str, AfterValidator(_web_address)]
BankAccounts = Annotated[str | dict[str, str], PlainValidator(_bank_accounts)]


class Section(BaseModel):
    """A table of the profile; unknown keys are refused, because a typo must not change a booking."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    @field_validator("*", mode="before")
    @classmethod
    def _without_null(cls, value: object) -> object:
        """No path, address or text of ours can hold it."""
        if isinstance(value, str) and "\0" in value:
            raise ValueError("holds a null character")
        return value


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
    token_command: TokenCommandSection = TokenCommandSection()

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
        return {code: iban for code, iban in named.items() if iban}


class ShopSection(Section):
    """Where sales come from: what every type of shop has; the settings of one type inherit it.

    Every key has a default, since `init` begins with them; a shop says itself what is missing.
    """

    type: str = DEFAULT_SHOP
    site: Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_-]{0,31}$")] = "main"
    rounding: Literal["any", "line", "rate", "document"] = "any"
    round_to: Decimal = Field(default=Decimal("0.01"), gt=0, le=10, decimal_places=4)

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
    accounts: dict[str, str] = Field(default_factory=dict)


class LimitsSection(Section):
    """Above these a plan refuses itself until it is confirmed."""

    documents: int = Field(default=200, ge=0)
    mails: int = Field(default=200, ge=0)
    cancels: int = Field(default=20, ge=0)


class EngineSection(Section):
    """How patient bexsync is with an answer that does not come."""

    settle_seconds: float = Field(default=120, ge=0, le=86_400)
    timeout_seconds: float = Field(default=60, gt=0, le=86_400)


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


class Profile(Section):
    """All of it; `[orders]` belongs to a later command and is kept unread."""

    enabled: bool = True
    ledger: LedgerSection = Field(default_factory=lambda: LedgerSection.model_validate({}))
    shop: ShopSection = ShopSection()
    contacts: ContactsSection = ContactsSection()
    invoices: InvoicesSection = InvoicesSection()
    payments: PaymentsSection = PaymentsSection()
    limits: LimitsSection = LimitsSection()
    engine: EngineSection = EngineSection()
    errors: ErrorsSection = ErrorsSection()
    products: ProductsSection = ProductsSection()
    orders: dict[str, Any] = Field(default_factory=dict)


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
    return create_model("Profile", __base__=Profile, shop=(shop, Field(default_factory=shop)))


def load_profile(path: Path) -> Profile:
    """The profile at `path` with `BEXSYNC_` variables over it; raises ProfileProblem with one sentence."""
    try:
        if not path.is_file():
            raise ProfileProblem(f"There is no profile {path}.", _known_profiles(path.parent))
        from bexsync.config.sources import read_settings  # pydantic_settings takes long to import

        return read_settings(path)
    except ValidationError as problem:
        from bexsync.config.problems import explained

        raise explained(path, problem)[0].as_problem() from problem
    except RecursionError as problem:
        raise ProfileProblem(f"The profile {path} is nested too deeply.", "Correct that line.") from problem
    except ValueError as problem:  # TOML's own, and what is not UTF-8
        from bexsync.config.problems import not_toml

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
        from bexsync.config.problems import not_toml

        said = printable(not_toml(str(problem)))
        raise ProfileProblem(f"The VAT map {path} cannot be understood: {said}.", VAT_ROW_HINT) from problem


VAT_ROW_HINT = 'Each row is a [[tax]] table with code = "UN81" and any of class, rate, country, use, valid_from.'


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
