"""vat map: the shop's rates and classes beside the ledger's taxes, and the file that says which is which."""

from __future__ import annotations

import itertools
import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, cast

import tomli_w

from bexsync.errors import BexsyncError, ConfigurationProblem, MappingProblem, RecordProblem, TryLater
from bexsync.files import replace_alike, write_privately
from bexsync.ids import LedgerId
from bexsync.jobs.workspace import Workspace
from bexsync.planning.lookups import revenue_account
from bexsync.planning.order_lines import zurich_day
from bexsync.planning.taxes import TaxChooser, use_of
from bexsync.planning.vat_map import Books
from bexsync.planning.vat_wants import ObservedRate, Origin, TaxUse, wants_of
from bexsync.ports.master_data import Account, MasterData
from bexsync.ports.shop import ImportNote, IncomingRecord, InvalidInput
from bexsync.ports.store import RecordState
from bexsync.records import Product, TaxRate
from bexsync.records.quoting import printable
from bexsync.store import Store
from bexsync.vat import VatMap, VatRow

_NO_ACCOUNT = Account(LedgerId(""), "", "", None, active=True, is_income=True)
_HEADER = "# Made by `bexsync vat map` on {day} for {company}: which tax in {ledger} stands for what in the shop.\n"
_ADVICE = "# `bexsync docs vat` explains the rows. Comments are lost when the map is made again, but not in the .bak.\n"


@dataclass(frozen=True)
class Survey:
    """The shop and the ledger side by side; `remarks` are about what of the shop's list cannot be read."""

    company: str
    subject_to_vat: bool
    books: Books
    vat_map: VatMap
    wants: Sequence[TaxUse] = ()
    remarks: Sequence[InvalidInput] = ()
    requests: int = 0


def survey(workspace: Workspace) -> Survey:
    """Reads both sides anew; changes nothing on either."""
    ledger = workspace.make_ledger(workspace.store, lambda _effect: None)
    ledger.forget_master_data()  # a person may have changed it a moment ago, and cron asks for what is new
    master = ledger.master()
    profile = workspace.profile
    today = workspace.clock.now().date()
    account = revenue_account(profile, master) or _NO_ACCOUNT
    books = Books(master, profile.ledger.tax_code, account, today)
    try:
        subject = TaxChooser(master, workspace.vat_map, "", None, today).subject_to_vat
    except RecordProblem as problem:
        raise MappingProblem(problem.message, problem.hint, code=problem.code) from problem
    if not subject:
        return Survey(master.company, False, books, workspace.vat_map, requests=ledger.requests)
    shop = _Shop(workspace)
    wants = wants_of(shop.seen(), workspace.vat_map, master.taxes, today)
    return Survey(master.company, True, books, workspace.vat_map, wants, shop.remarks, ledger.requests)


@dataclass
class _Shop:
    """Where the shop shows its rates and classes: its tax list, its products, and the invoices and orders so far."""

    workspace: Workspace
    remarks: list[InvalidInput] = field(default_factory=list)

    def seen(self) -> list[ObservedRate]:
        return [*self._listed(), *self._products(), *_sales(self.workspace.store)]

    def _listed(self) -> Iterator[ObservedRate]:
        if self.workspace.catalog is None:
            return
        for found in self.workspace.catalog.tax_rates():
            if isinstance(found, InvalidInput):
                self.remarks.append(found)
                continue
            if isinstance(found, ImportNote):
                continue
            rate = cast(TaxRate, found.record)
            yield ObservedRate(Origin.LIST, rate.tax_class, rate.rate, rate.country_code, rate.use, rate.valid_from)

    def _products(self) -> set[ObservedRate]:
        """What cannot be read here is told by `products sync`, whose list it is."""
        seen: set[ObservedRate] = set()
        if self.workspace.catalog is None or not self.workspace.profile.products.enabled:
            return seen
        try:
            for found in self.workspace.catalog.products():
                if isinstance(found, IncomingRecord):
                    product = cast(Product, found.record)
                    seen.add(ObservedRate(Origin.PRODUCT, product.tax_class, product.tax_rate, product.tax_country))
        except ConfigurationProblem:
            pass
        return seen


def _sales(store: Store) -> Iterator[ObservedRate]:
    """Each rate and class once, with the last day of supply it was met on."""
    last: dict[ObservedRate, date] = {}
    for kind, state in itertools.product(("invoice", "order"), RecordState):
        origin = Origin.OPEN if state is RecordState.OPEN else Origin.BOOKED
        for row in store.records.in_state(kind, state):
            record = row.canonical()
            for line in record.get("lines", ()):
                seen = _seen_on(line, record, origin, store)
                if seen is not None:
                    day = date.fromisoformat(line["period_to"]) if line.get("period_to") else _day(record)
                    last[seen] = max(day, last.get(seen, day))
    for seen, day in last.items():
        yield ObservedRate(seen.origin, seen.tax_class, seen.rate, seen.country, seen.use, day=day)


def _day(record: Mapping[str, Any]) -> date:
    """The day of the document of an invoice or an order."""
    if "invoice_date" in record:
        return date.fromisoformat(record["invoice_date"])
    return zurich_day(datetime.fromisoformat(record["ordered_at"]))


def _seen_on(line: Mapping[str, Any], record: Mapping[str, Any], origin: Origin, store: Store) -> ObservedRate | None:
    """What a line says of its tax; one that names the ledger's own code, or is none or a gift card, needs no map."""
    if line.get("tax_code") or line.get("type") in ("text", "subtotal", "gift_card"):
        return None
    rate = line.get("tax_rate")
    return ObservedRate(
        origin,
        line.get("tax_class"),
        None if rate is None else Decimal(rate),
        _country(record, store),
        use_of(line.get("type", "")),
    )


def _country(record: Mapping[str, Any], store: Store) -> str | None:
    """Where a sale goes: goods of an order go where they are delivered."""
    customer = record.get("customer")
    if customer is None and record.get("customer_id"):
        known = store.records.get("customer", record["customer_id"])
        customer = known.canonical() if known is not None else None
    if "ordered_at" in record:
        for place in (record, customer or {}):
            delivered: str | None = (place.get("shipping_address") or {}).get("country_code")
            if delivered:
                return delivered
    address = record.get("billing_address") or (customer or {}).get("billing_address") or {}
    country: str | None = address.get("country_code")
    return country


# the file


class MapFile:
    """The map beside the profile, as it stood when it was looked at."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._target = path.resolve()
        self._before = self._read()

    def _read(self) -> bytes | None:
        try:
            return self._target.read_bytes()
        except FileNotFoundError:
            return None
        except OSError as problem:
            raise ConfigurationProblem(
                f"The VAT map {self.path} cannot be read: {problem.strerror}.", "Give this user the right to read it."
            ) from problem

    @property
    def backup(self) -> Path:
        """Where the map before goes."""
        return self._target.with_name(f"{self._target.name}.bak")

    @property
    def has_comments(self) -> bool:
        """Whether somebody has written into it what a new map does not hold."""
        lines = (self._before or b"").decode(errors="replace").splitlines()
        ours = (_HEADER.partition(" on ")[0], _ADVICE.strip())
        return any("#" in _QUOTED.sub("", line) and not line.startswith(ours) for line in lines)

    def text(self, vat_map: VatMap, master: MasterData, today: date) -> str:
        """The file with these rows; whatever else stands in it stays."""
        others = tomllib.loads((self._before or b"").decode(), parse_float=Decimal)
        others.pop("tax", None)
        company = printable(master.company) or "a company without a name"
        parts = [_HEADER.format(day=today, company=company, ledger=master.words.name) + _ADVICE]
        parts += [tomli_w.dumps(others)] if others else []
        parts += [f"[[tax]]\n{tomli_w.dumps(_table(row))}" for row in vat_map.rows]
        return "\n".join(parts)

    def save(self, text: str) -> Path | None:
        """Replaces the file at once and as a whole; the one before is kept, and where it is, is given back."""
        if self._read() != self._before:
            raise TryLater(
                f"Meanwhile somebody has changed {self.path}; it stays as it is.", "Start again.", code="map_changed"
            )
        try:
            if self._before is None:
                write_privately(self._target, text.encode())
                return None
            replace_alike(self.backup, self._before, like=self._target)
            replace_alike(self._target, text.encode(), like=self._target)
            return self.backup
        except TryLater:
            raise
        except BexsyncError as problem:
            raise ConfigurationProblem(
                f"The VAT map {self.path} cannot be written. {problem.message}",
                "Give this user the right to write its folder, or copy what --dry-run shows.",
                code="map_not_written",
            ) from problem


_QUOTED = re.compile(r'"(?:\\.|[^"\\])*"|\'[^\']*\'')


def _table(row: VatRow) -> dict[str, Any]:
    """A row as the file has it."""
    rate = row.rate
    if rate is not None:
        whole = rate == rate.to_integral_value()
        rate = cast(Decimal, int(rate)) if whole else rate.normalize()
    table = {
        "class": row.tax_class, "rate": rate, "country": row.country, "use": row.use, "code": row.code,
        "valid_from": row.valid_from,
    }  # fmt: skip
    return {key: value for key, value in table.items() if value is not None}
