"""bexio's items: reading the whole list, and writing single fields (contract 4)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from decimal import Decimal
from typing import Any

from bexsync.errors import LedgerAnswer, NotPermitted, NotSent, Refused
from bexsync.http.clock import Clock
from bexsync.ids import LedgerId
from bexsync.ledgers.bexio.api import Api, Row, criterion
from bexsync.ledgers.bexio.contents import markup, unmarked
from bexsync.ledgers.bexio.effects import Handler, Handlers
from bexsync.ledgers.bexio.learned_facts import EDITS_KEEP_THE_REST
from bexsync.ledgers.bexio.models import ItemAnswer, ItemRemarks
from bexsync.ledgers.bexio.reading import NotUnderstood, after_the_effect, row_of, understood
from bexsync.ports.documents import EffectResult, Item, LookupResult
from bexsync.ports.item_effects import CreateItem, EditItem
from bexsync.ports.steps import Effect, to_wire
from bexsync.records.html_text import plain_text
from bexsync.store.ledger_cache import Facts

ITEMS = "/2.0/article"
BUCKET = "items"
_PHYSICAL, _SERVICE = 1, 2
# Our word for a field, and bexio's.
_TEXTS = {"code": "intern_code", "title": "intern_name", "remarks": "remarks"}
_NUMBERS = {
    "currency_id": "currency_id",
    "tax_id": "tax_income_id",
    "unit_id": "unit_id",
    "account_id": "account_id",
    "user_id": "user_id",
}
_AMOUNTS = {"price": "sale_price", "stock": "stock_nr"}
# What the form of an item takes (contract 4); its stock is set once.
_FORM = (
    *(
        "user_id",
        "article_type_id",
        "contact_id",
        "deliverer_code",
        "deliverer_name",
        "deliverer_description",
        "intern_code",
    ),
    *("intern_name", "intern_description", "purchase_price", "sale_price", "purchase_total", "sale_total"),
    *("currency_id", "tax_income_id", "tax_expense_id", "unit_id", "width", "height", "weight", "volume", "remarks"),
    *("delivery_price", "article_group_id", "account_id", "expense_account_id"),
)
_OF_STOCK = ("is_stock", "stock_id", "stock_place_id", "stock_min_nr")
_TRIAL = "item_edit_tried"
_SPARE = "remarks"


class ItemBook:
    """The items of one company."""

    def __init__(self, api: Api, facts: Facts, clock: Clock, web_url: str) -> None:
        self._api = api
        self._facts = facts
        self._clock = clock
        self._web_url = web_url
        self._takes_stock: bool | None = None  # whether this login may write stock, None until that was seen
        self._trial_of = ""  # the path of the item that an edit under way tries something on

    @property
    def handlers(self) -> Handlers:
        """The effects on items."""
        return (
            Handler(CreateItem, self.create, self.find_created),
            Handler(EditItem, self.edit, self.find_edited, rests_on=EDITS_KEEP_THE_REST),
        )

    def all(self) -> Iterator[Item]:
        """Every item, page by page."""
        for row in self._api.list(ITEMS, bucket=BUCKET):
            yield item_from(row)

    def one(self, ledger_id: LedgerId) -> Item | None:
        """One item, None when it no longer exists."""
        try:
            row = self._api.show(f"{ITEMS}/{ledger_id}", bucket=BUCKET)
        except Refused as problem:
            if problem.status == 404:
                return None
            raise
        with understood("an item"):
            return item_from(row_of(row))

    def with_code(self, code: str) -> Sequence[Item]:
        """The items with exactly this code; what the search thinks equal is compared again here."""
        rows = self._api.search(ITEMS, [criterion("intern_code", "=", code)])
        return [item for item in map(item_from, rows) if item.code == code]

    def url(self, ledger_id: LedgerId) -> str:
        """The deep link of an item."""
        return f"{self._web_url}/index.php/article/show/id/{ledger_id}"

    def create(self, effect: CreateItem) -> EffectResult:
        """A new item; where this login may not write stock, one without."""
        row, with_stock = self._created(effect)
        with after_the_effect(), understood("the new item"):
            item = item_from(row_of(row))
            if item.code != effect.code:
                raise NotUnderstood("it is another one")
            done = self._done(item)
        return done if with_stock else replace(done, data={**done.data, "without_stock": "yes"})

    def _created(self, effect: CreateItem) -> tuple[Any, bool]:
        body = item_to({name: value for name, value in effect.written.items() if name != "stock"})
        body["article_type_id"] = _PHYSICAL if effect.physical else _SERVICE
        stock = effect.stock
        if stock is not None and self._takes_stock is not False:
            try:
                with_stock = {**body, "is_stock": True, "stock_nr": stock}
                row = self._api.write("POST", ITEMS, with_stock, bucket=BUCKET)
                self._takes_stock = True
                return row, True
            except NotSent as problem:  # a 403 has had no effect
                if not isinstance(problem.cause, NotPermitted):
                    raise
        row = self._api.write("POST", ITEMS, body, bucket=BUCKET)
        if stock is not None:
            self._takes_stock = False  # it was permitted without: the others need not be asked for
        return row, stock is None

    def find_created(self, effect: CreateItem) -> LookupResult:
        """The item that was to be created carries its code; several are for a person to judge."""
        found = self.with_code(effect.code)
        if len(found) > 1:
            links = ", ".join(self.url(item.ledger_id) for item in found)
            return LookupResult(conflict=f"bexio has {len(found)} items with the code {effect.code}: {links}")
        return LookupResult(done=self._done(found[0])) if found else LookupResult()

    def edit(self, effect: EditItem) -> EffectResult:
        """Some fields of an item; the others stay as they are."""
        self._mend_trial()
        row, without_stock = self._edited_with_stock(f"{ITEMS}/{effect.ledger_id}", effect.fields)
        with after_the_effect(), understood("the edited item"):
            item = item_from(row_of(row))
            if item.ledger_id != effect.ledger_id:
                raise NotUnderstood("it is another one")
            done = self._done(item)
        return replace(done, data={**done.data, "without_stock": without_stock}) if without_stock else done

    def _edited_with_stock(self, path: str, fields: Mapping[str, Any]) -> tuple[Any, str]:
        """The answer, and why the stock is not part of it: once something was booked on an item, bexio takes none.

        What is refused with the stock and taken without it was refused because of the stock.
        """
        try:
            return self._edited(path, item_to(fields)), ""
        except Refused:
            if "stock" not in fields:
                raise
            reason = "booked"
        except NotSent as problem:  # a 403 has had no effect
            if "stock" not in fields or not isinstance(problem.cause, NotPermitted):
                raise
            reason = "right"
        rest = {name: value for name, value in fields.items() if name != "stock"}
        if not rest:
            with understood("an item"):
                item = item_from(row_of(self._api.show(path, bucket=BUCKET)))
            rest = {"title": item.title}
        return self._edited(path, item_to(rest)), reason

    def _edited(self, path: str, body: Mapping[str, Any]) -> Any:
        """Nobody says what an edit makes of fields it does not name: until that is known, all are named."""
        if self._facts.get(EDITS_KEEP_THE_REST):
            try:
                return self._write(path, body)
            except Refused:
                row = self._write(path, {**self._form(path), **body})
                self._learn_partial(False)  # it was the rest that was missing
                return row
        form = self._form(path)
        if self._facts.get(EDITS_KEEP_THE_REST) is None and form.get(_SPARE) and not self._trial_of:
            return self._try_without_spare(path, form, body)
        return self._write(path, {**form, **body})

    def _form(self, path: str) -> dict[str, Any]:
        with understood("an item"):
            return whole_form(row_of(self._api.show(path, bucket=BUCKET)))

    def _try_without_spare(self, path: str, form: Mapping[str, Any], body: Mapping[str, Any]) -> Any:
        """All but the remarks: are they still there, an edit may name only what changes; else they are written again.

        They are kept until that is certain, so that no death in between loses them.
        """
        whole = {**form, **body}
        self._facts.learn(_TRIAL, {"path": path, "form": whole}, self._clock.now())
        self._trial_of = path
        try:
            return self._tried_without_spare(path, whole)
        finally:
            self._trial_of = ""

    def _tried_without_spare(self, path: str, whole: Mapping[str, Any]) -> Any:
        try:
            row = self._write(path, {name: value for name, value in whole.items() if name != _SPARE})
        except (NotSent, Refused):
            self._facts.forget(_TRIAL)
            raise
        with after_the_effect():
            with understood("the edited item"):
                is_kept = bool(ItemRemarks.read(row).remarks)
            if not is_kept:
                row = self._write(path, whole)
        self._learn_partial(is_kept)
        self._facts.forget(_TRIAL)
        return row

    def _learn_partial(self, is_kept: bool) -> None:
        self._facts.learn(EDITS_KEEP_THE_REST, is_kept, self._clock.now())

    def is_proved(self, effect: Effect) -> bool:
        """Whether an effect may be under way beside others.

        Not the first item with stock, since this login may not write any, and not an edit that has to mend first what
        an earlier run left of an item.
        """
        if isinstance(effect, CreateItem):
            return effect.stock is None or self._takes_stock is not None
        trial = self._facts.get(_TRIAL) if isinstance(effect, EditItem) else None
        return trial is None or trial["path"] == self._trial_of

    def _mend_trial(self) -> None:
        """A trial that was cut short may have cost an item its remarks; its whole form is written again."""
        trial = self._facts.get(_TRIAL)
        if trial is None or trial["path"] == self._trial_of:
            return
        with suppress(Refused):  # it was deleted, or the form does not take it any more
            self._write(trial["path"], trial["form"])
        self._facts.forget(_TRIAL)

    def _write(self, path: str, body: Mapping[str, Any]) -> Any:
        return self._api.write("POST", path, body, bucket=BUCKET)

    def find_edited(self, effect: EditItem) -> LookupResult:
        """An edit took effect when the item says what was written; otherwise it may simply be repeated."""
        try:
            self._mend_trial()
        except LedgerAnswer:
            return LookupResult()
        item = self.one(effect.ledger_id)
        if item is None:
            return LookupResult(conflict=f"The item {effect.ledger_id} was deleted in bexio.")
        says: dict[str, Any] = {**fields_of(item), "tax_id": to_wire(item.tax_id)}
        is_written = all(says.get(name) == value for name, value in effect.fields.items() if name in says)
        return LookupResult(done=self._done(item)) if is_written else LookupResult()

    def _done(self, item: Item) -> EffectResult:
        url = self.url(item.ledger_id)
        seen = {"ledger_id": str(item.ledger_id), "ledger_code": item.code, "url": url}
        return EffectResult(item.ledger_id, item.code, url, seen=seen, data=fields_of(item))


def item_from(row: Row) -> Item:
    """An item as bexio shows it."""
    with understood(f"the item {row.get('intern_code') or row.get('id')!r}"):
        found = ItemAnswer.read(row)
    return Item(
        ledger_id=LedgerId(found.id),
        code=found.intern_code,
        title=unmarked(found.intern_name),
        description=plain_text(found.intern_description),
        price=_plain(found.sale_price),
        weight=_plain(found.weight),
        currency_id=LedgerId.known(found.currency_id),
        tax_id=LedgerId.known(found.tax_income_id),
        unit_id=LedgerId.known(found.unit_id),
        physical=found.article_type_id == _PHYSICAL,
        stock=_plain(found.stock_nr) if found.is_stock else None,
        available=_plain(found.stock_available_nr) if found.is_stock else None,
    )


def fields_of(item: Item) -> dict[str, str]:
    """The fields that are synchronised, as decimal strings and texts; "" where bexio holds nothing."""
    return {
        "title": item.title,
        "description": item.description,
        "weight": _written(item.weight),
        "price": _written(item.price),
        "stock": _written(item.stock),
    }


def item_to(values: Mapping[str, Any]) -> dict[str, Any]:
    """Fields as bexio's form wants them; what is not named is not sent."""
    body: dict[str, Any] = {}
    for name, theirs in _TEXTS.items():
        if name in values:
            body[theirs] = values[name]
    if "description" in values:
        body["intern_description"] = markup(values["description"])
    for name, theirs in _NUMBERS.items():
        if values.get(name) is not None:
            body[theirs] = values[name]
    for name, theirs in _AMOUNTS.items():
        if values.get(name):
            body[theirs] = values[name]
    if values.get("weight"):
        body["weight"] = int(Decimal(values["weight"]))
    return body


def whole_form(row: Row) -> dict[str, Any]:
    """An item as the form that leaves it as it is; of its stock only what the form needs to know."""
    names = (*_FORM, *_OF_STOCK) if row.get("is_stock") else _FORM
    values = {name: row[name] for name in names if name in row}
    return {name: str(value) if isinstance(value, Decimal) else value for name, value in values.items()}


def _plain(value: Decimal | None) -> Decimal | None:
    return None if value is None else plain(value)


def plain(value: Decimal) -> Decimal:
    """One spelling per number, so that 1.50 and 1.5 are the same."""
    if not value:
        return Decimal(0)
    value = value.normalize()
    return value.quantize(Decimal(1)) if value == value.to_integral_value() else value


def _written(value: Decimal | None) -> str:
    return "" if value is None else f"{plain(value):f}"
