"""What is to be done for one product of the shop, given its item in the ledger and what was agreed before."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from functools import cached_property
from typing import Any

from bexsync.config.profile import Profile
from bexsync.errors import RecordProblem
from bexsync.ids import LedgerId
from bexsync.money import decimal_text
from bexsync.planning.lookups import currency_called, unit_id
from bexsync.planning.product_fields import (
    FIELDS,
    STOCK,
    TAX,
    Agreed,
    Decision,
    Direction,
    KnownItem,
    agreed_by,
    decide,
    digest,
    enabled,
    item_note,
    ledger_side,
    mark_of_product,
    master_of,
    shop_side,
)
from bexsync.planning.product_taxes import ProductTaxes
from bexsync.ports.item_effects import CreateItem, EditItem
from bexsync.ports.master_data import MasterData, User
from bexsync.ports.steps import LinkDraft, Step, Subject
from bexsync.records import Product
from bexsync.vat import Tax, VatMap

KIND, LEDGER_KIND = "product", "item"
_HALF = 16


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """The same item, linked by another site of the same company."""

    site: str
    profile: str
    shop_id: str


@dataclass(frozen=True)
class LinkedProduct:
    """What the link of a product says: the fields last agreed on, what the shop was told, how much was done so far.

    `takes_stock` is false once the ledger refused the item's stock.
    """

    agreed: Mapping[str, Agreed]
    told: Mapping[str, str] = field(default_factory=dict)
    effects: int = 0
    takes_stock: bool = True


@dataclass(frozen=True)
class Work:
    """What is to be done for a product; without a step and without news for the shop it is only remembered.

    `told` is all that the shop should say by the ledger's word, old and new.
    """

    decisions: tuple[Decision, ...]
    step: Step | None
    agreed: Mapping[str, Any]
    fingerprint: str
    told: Mapping[str, str]
    item: KnownItem | None = None

    @property
    def changes(self) -> tuple[Decision, ...]:
        """The fields that are written on either side."""
        return tuple(d for d in self.decisions if d.direction is not Direction.NOWHERE)

    @property
    def creates(self) -> bool:
        """Whether the item is a new one."""
        return self.step is not None and isinstance(self.step.effect, CreateItem)


@dataclass(frozen=True)
class ProductPlanner:
    """Decides for one product at a time; raises RecordProblem where only a person can."""

    profile: Profile
    master: MasterData
    vat_map: VatMap
    owner: User
    site: str
    today: date

    @cached_property
    def taxes(self) -> ProductTaxes:
        """How taxes are chosen, and prices converted."""
        return ProductTaxes(self.profile, self.master, self.vat_map, self.today)

    @cached_property
    def fields(self) -> tuple[str, ...]:
        """The fields that are synchronised."""
        return enabled(self.profile.products)

    @cached_property
    def rules(self) -> str:
        """Changes when anything beside product and item does that decides."""
        section = self.profile.products
        taxes = [(t.id.wire, t.code, t.rate, t.active, t.valid_on(self.today)) for t in self.master.taxes]
        currency = self.profile.ledger.currency
        account = self.profile.ledger.revenue_account
        masters = [master_of(name, section) for name in FIELDS]
        return digest(masters, section.ledger_price, section.shop_price, self.vat_map.rows, taxes, currency, account)

    def code_of(self, record: Product) -> str:
        """The item's code; "" where the product has none."""
        if record.sku:
            return record.sku
        return f"{self.site}-{record.shop_id}" if self.profile.products.without_sku == "create" else ""

    def mark(self, record: Product) -> str:
        """Changes when the product does, or the rules do."""
        return mark_of_product(record, self.rules, self.fields)

    def create(self, record: Product, key: str) -> Work:
        """A new item; `key` names this attempt at it in the journal."""
        code = self.code_of(record)
        prices = self.taxes.prices(record, None, code)
        sides = {name: shop_side(name, record, prices) for name in (*FIELDS, STOCK)}
        # A title is what the ledger asks for, so that a new item gets one whoever is master of it.
        chosen = [n for n in FIELDS if sides[n].for_other and (n in self.fields or n == "title")]
        values = {name: sides[name].for_other for name in chosen}
        fields: dict[str, Any] = {**values, STOCK: self._first_stock(record)}
        effect = replace(self._frame(record, code), **fields)
        values |= {STOCK: effect.stock or ""}
        item = KnownItem(LedgerId(0), code, values, effect.currency_id, effect.tax_id)
        agreed: dict[str, Any] = {
            name: Agreed(sides[name].mark, values.get(name, ""), self._master(name)).as_json() for name in self.fields
        } | item_note(item)
        rates = self.taxes.rates_of(record, item)
        if rates is not None:
            agreed[TAX] = Agreed(rates[0].mark, rates[0].value, "shop").as_json()
        fingerprint = self.mark(record) + item.mark(self.fields)
        decisions = tuple(
            Decision(name, self._master(name), Direction.LEDGER, "", values[name]) for name in chosen
        ) + self._stock_decision(effect)
        step = Step(
            effect,
            key,
            Subject(KIND, record.shop_id),
            link=LinkDraft(LEDGER_KIND, fingerprint=fingerprint, agreed=agreed, told={}),
            title=f"item {code}",
        )
        return Work(decisions, step, agreed, fingerprint, {}, item)

    def compare(self, record: Product, item: KnownItem, link: LinkedProduct | None) -> Work:
        """A product and its item: field by field, whichever way each goes."""
        self._refuse_other_code(record, item)
        self._refuse_other_currency(record, item)
        before = dict(link.agreed) if link else {}
        prices = self.taxes.prices(record, item, item.code)
        decisions: list[Decision] = []
        agreed: dict[str, Any] = {}
        told: dict[str, str] = {}
        tax = self._retaxed(record, item, before, decisions, agreed)
        names = FIELDS if link is not None and not link.takes_stock else (*FIELDS, *self._stock_of(item))
        for name in names:
            shop = shop_side(name, record, prices)
            ledger = ledger_side(name, item.values.get(name, ""), prices)
            decision = decide(name, self._master(name), shop, ledger, before.get(name))
            decisions.append(decision)
            remember = agreed_by(decision, shop, ledger, before.get(name))
            if remember is not None:
                agreed[name] = remember.as_json()
            was_told = link is not None and name in link.told
            if decision.master == "ledger" and (decision.direction is Direction.SHOP or was_told) and ledger.for_other:
                told[name] = ledger.for_other
        written: dict[str, Any] = {d.field: d.new for d in decisions if d.direction is Direction.LEDGER}
        values = {name: value for name, value in written.items() if name != TAX}
        tax_id = tax.id if tax else item.tax_id
        after = KnownItem(item.ledger_id, item.code, {**item.values, **values}, item.currency_id, tax_id)
        fingerprint = self.mark(record) + after.mark(self.fields)
        agreed |= item_note(after)
        if tax:
            written = {**values, "tax_id": tax.id.wire}
        step = None
        if written:
            # Until the shop is told too, the link must not say that all is agreed on.
            open_fields = {d.field for d in decisions if d.direction is Direction.SHOP}
            done = {name: one for name, one in agreed.items() if name not in open_fields}
            done |= {name: before[name].as_json() for name in open_fields & before.keys()}
            mark = f"{fingerprint[:_HALF]}-" if open_fields else fingerprint
            step = self._edit(record, item, link, written, mark, done)
        return Work(tuple(decisions), step, agreed, fingerprint, told, after)

    def _edit(
        self,
        record: Product,
        item: KnownItem,
        link: LinkedProduct | None,
        fields: Mapping[str, Any],
        fingerprint: str,
        agreed: Mapping[str, Any],
    ) -> Step:
        """The same edit is the same step until it is done; after that, the next one, even if it says the same."""
        effects = link.effects if link else 0
        key = f"{self.site}:{record.shop_id}@{effects}-{digest(item.ledger_id.wire, sorted(fields.items()))[:8]}"
        return Step(
            EditItem(ledger_id=item.ledger_id, fields=dict(fields)),
            key,
            Subject(KIND, record.shop_id),
            scope=self.site,
            link=LinkDraft(LEDGER_KIND, fingerprint=fingerprint, agreed=agreed, told={}),
            title=", ".join(TAX if name == "tax_id" else name for name in fields),
        )

    def _stock_of(self, item: KnownItem) -> tuple[str, ...]:
        """The stock, where the shop is master of it and the ledger counts this item."""
        return (STOCK,) if STOCK in self.fields and item.values.get(STOCK) else ()

    def _retaxed(
        self,
        record: Product,
        item: KnownItem,
        before: dict[str, Agreed],
        decisions: list[Decision],
        agreed: dict[str, Any],
    ) -> Tax | None:
        """The tax that the item is to get, None where it keeps its own; a price follows the rate of its tax."""
        rates = self.taxes.rates_of(record, item)
        if rates is None:
            return None
        shop, ledger = rates
        known = before.get(TAX)
        if not ledger.value and (known is None or known.shop == shop.mark):
            # An item may leave its tax to its account; that is right until the shop names another rate.
            agreed[TAX] = Agreed(shop.mark, "", "shop").as_json()
            return None
        decision = decide(TAX, "shop", shop, ledger, known)
        remember = agreed_by(decision, shop, ledger, known)
        if remember is not None:
            agreed[TAX] = remember.as_json()
        if decision.direction is Direction.NOWHERE:
            return None
        if (price := before.get("price")) is not None:
            before["price"] = replace(price, shop="")
        tax = self.taxes.tax(record, f"Product {item.code}")
        own = self.taxes.tax_of(item)
        decisions.append(replace(decision, old=own.code if own else "", new=tax.code if tax else ""))
        return tax

    def _frame(self, record: Product, code: str) -> CreateItem:
        """All of a new item that is not synchronised afterwards."""
        where = f"Product {code}"
        account = self.taxes.account(record, where)
        tax = self.taxes.tax(record, where)
        currency = currency_called(self.master, record.currency or self.profile.ledger.currency)
        unit = record.unit or self.profile.products.unit
        return CreateItem(
            code=code,
            physical=record.type == "physical",
            user_id=self.owner.id,
            account_id=account.id,
            currency_id=currency.id,
            tax_id=tax.id if tax else None,
            unit_id=unit_id(self.master, unit, where) if unit else None,
            remarks=record.url,
        )

    def _first_stock(self, record: Product) -> str | None:
        """The stock of a new item: the only one that is written where the ledger is master of it."""
        is_wanted = self.profile.products.stock != "disabled" and record.type == "physical" and record.track_stock
        if not is_wanted or record.stock is None or record.stock < 0:
            return None
        return decimal_text(record.stock)

    def _stock_decision(self, effect: CreateItem) -> tuple[Decision, ...]:
        if effect.stock is None:
            return ()
        return (Decision("stock", self.profile.products.stock, Direction.LEDGER, "", effect.stock),)

    def _master(self, name: str) -> Any:
        return master_of(name, self.profile.products)

    def _refuse_other_code(self, record: Product, item: KnownItem) -> None:
        code = self.code_of(record)
        if code == item.code:
            return
        raise RecordProblem(
            f"The product has {f'the SKU {code}' if code else 'no SKU'}, "
            f"its item in {self.master.ledger} has the code {item.code}.",
            "Make them the same again on one side. If it is another product now: "
            f"bexsync links forget product:{record.shop_id}",
            code="sku_changed",
            field="sku",
        )

    def _refuse_other_currency(self, record: Product, item: KnownItem) -> None:
        if self.profile.products.price == "disabled" or item.currency_id is None:
            return
        code = record.currency or self.profile.ledger.currency
        theirs = next((c.code for c in self.master.currencies if c.id == item.currency_id), "another currency")
        if theirs == code:
            return
        raise RecordProblem(
            f"Product {item.code} is sold in {code}, its item in {self.master.ledger} is in {theirs}.",
            "Correct the currency on one side: a price is never converted from one to another.",
            code="currency_differs",
            field="currency",
            subject=f"currency:{code}:{theirs}",
        )


def sku_conflict(code: str, site: str, other: Elsewhere, ledger: str) -> RecordProblem:
    """Another site sells the same item, and nobody said that it is the same product."""
    return RecordProblem(
        f"The SKU {code} is sold on the sites {site} and {other.site} ({other.profile}, product {other.shop_id}); "
        f"{ledger} has one item for both, so that `stock pull` would give both the same stock.",
        'If it is the same product, say [products] sku_conflicts = "share" in both profiles; '
        "if not, give one of them another SKU.",
        code="sku_conflict",
        field="sku",
    )


def sku_twice(code: str, shop_ids: Sequence[str]) -> RecordProblem:
    """Which of them the item would be, nobody can say."""
    named = " and ".join([", ".join(shop_ids[:-1]), shop_ids[-1]])
    return RecordProblem(
        f"The shop has the SKU {code} on {len(shop_ids)} products: {named}; none of them is synchronised.",
        "Give each its own SKU in the shop.",
        code="sku_twice",
        field="sku",
        subject=f"sku:{code}",
    )


def items_ambiguous(code: str, urls: Sequence[str], ledger: str) -> RecordProblem:
    """Items of one code in the ledger."""
    return RecordProblem(
        f"{ledger} has {len(urls)} items with the code {code}: {', '.join(urls)}.",
        f"Give all but one another code in {ledger}, or delete them there.",
        code="item_ambiguous",
        field="sku",
    )
