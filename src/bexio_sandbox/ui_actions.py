"""What a person does in bexio's own pages, which no API client sees coming."""

from __future__ import annotations

from datetime import date as Date
from decimal import Decimal, InvalidOperation
from typing import Any

from bexio_sandbox.decimals import plain
from bexio_sandbox.errors import ApiError
from bexio_sandbox.forms import is_day
from bexio_sandbox.item_form import ITEM_FORM, by_hand
from bexio_sandbox.rights import Rights
from bexio_sandbox.seed import TAX_TYPES, tax_row
from bexio_sandbox.state import (
    contacts,
    conversions,
    deliveries,
    documents,
    fulfilment,
    invoices,
    items,
    orders,
    payments,
    positions,
)
from bexio_sandbox.state.documents import Documents
from bexio_sandbox.state.tables import Row, State

Money = Decimal | str | int


class UiActions:
    """Acts on the books the way a person does; what is impossible there too is a ValueError."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._rights = Rights(state)

    def pay(
        self,
        invoice_id: int,
        amount: Money | None = None,
        date: Date | str | None = None,
        bank_account_id: int | None = None,
    ) -> int:
        """Matches a bank entry with an issued invoice, over what remains if no amount is given."""
        with self._state.transaction():
            invoice = self._invoice(invoice_id)
            if invoice["kb_item_status_id"] not in invoices.ISSUED:
                raise ValueError(f"invoice {invoice_id} is not issued")
            value = _positive(invoice["total_remaining_payments"] if amount is None else amount)
            day = date.isoformat() if isinstance(date, Date) else date
            _refuse_odd_days(day)
            if bank_account_id is not None and bank_account_id not in self._state.tables["bank_accounts"]:
                raise ValueError(f"there is no bank account {bank_account_id}")
            return int(payments.record(self._state, invoice, plain(value), day, bank_account_id)["id"])

    def unpay(self, payment_id: int) -> None:
        """Deletes a payment or takes back a credit voucher."""
        with self._state.transaction():
            payment = self._state.payments.get(payment_id)
            if payment is None:
                raise ValueError(f"there is no payment {payment_id}")
            payments.remove(self._state, self._invoice(payment["kb_invoice_id"]), payment_id)

    def credit(self, invoice_id: int, amount: Money) -> int:
        """Sets off a credit voucher against an issued invoice."""
        with self._state.transaction():
            invoice = self._invoice(invoice_id)
            if invoice["kb_item_status_id"] not in invoices.ISSUED:
                raise ValueError(f"invoice {invoice_id} is not issued")
            return int(payments.credit(self._state, invoice, plain(_positive(amount)))["id"])

    def issue(self, invoice_id: int) -> None:
        """Issues a draft."""
        self._act(invoices.issue, invoice_id)

    def revert(self, invoice_id: int) -> None:
        """Turns an issued invoice back into a draft."""
        self._act(invoices.revert, invoice_id)

    def cancel(self, invoice_id: int) -> None:
        """Cancels an issued invoice, paid or not."""
        self._act(invoices.cancel, invoice_id, is_person=True)

    def delete(self, invoice_id: int) -> None:
        """Deletes an invoice in any status, with its payments."""
        self._act(invoices.delete, invoice_id, is_person=True)

    def edit(self, invoice_id: int, **fields: Any) -> None:
        """Changes header fields of an invoice in any status."""
        with self._state.transaction():
            invoice = self._invoice(invoice_id)
            _refuse_unknown_fields(invoice, fields, "an invoice")
            _refusal_as_value_error(invoices.change_header, self._state, invoice, fields, "de")

    def edit_price(self, invoice_id: int, position_index: int, unit_price: Money) -> None:
        """Changes the price of a position in any status; the first position has index 0."""
        with self._state.transaction():
            self._edit_price(invoices.INVOICES, self._invoice(invoice_id), position_index, unit_price)

    def edit_order(self, order_id: int, **fields: Any) -> None:
        """Changes header fields of an order in any status."""
        with self._state.transaction():
            order = self._order(order_id)
            _refuse_unknown_fields(order, fields, "an order")
            _refusal_as_value_error(orders.change_header, self._state, order, fields, "de")

    def edit_order_price(self, order_id: int, position_index: int, unit_price: Money) -> None:
        """Changes the price of a position of an order in any status; the first position has index 0."""
        with self._state.transaction():
            self._edit_price(orders.ORDERS, self._order(order_id), position_index, unit_price)

    def finish_order(self, order_id: int) -> None:
        """Marks an order as done, whatever was delivered and invoiced."""
        self._close(order_id, fulfilment.DONE)

    def cancel_order(self, order_id: int) -> None:
        """Cancels an order; documents made from it stay."""
        self._close(order_id, fulfilment.CANCELLED)

    def reopen_order(self, order_id: int) -> None:
        """Opens an order again that was finished or cancelled by hand."""
        self._close(order_id, None)

    def delete_order(self, order_id: int) -> None:
        """Deletes an order in any status; documents made from it stay."""
        self._order(order_id)
        self._act(orders.delete, order_id, is_person=True)

    def deliver_order(self, order_id: int) -> int:
        """Makes a delivery of all that is left of an order, as a draft, and returns its id."""
        return self._convert(order_id, conversions.DELIVERY)

    def invoice_order(self, order_id: int) -> int:
        """Makes an invoice of all that is left of an order, as a draft, and returns its id."""
        return self._convert(order_id, conversions.INVOICE)

    def issue_delivery(self, delivery_id: int) -> None:
        """Issues a delivery, which books its goods out of the stock."""
        self._refuse_missing_delivery(delivery_id)
        self._act(deliveries.issue, delivery_id)

    def cancel_delivery(self, delivery_id: int) -> None:
        """Cancels a delivery in any status; its goods are in the stock again."""
        self._refuse_missing_delivery(delivery_id)
        self._act(deliveries.cancel, delivery_id)

    def delete_delivery(self, delivery_id: int) -> None:
        """Deletes a delivery in any status; its goods are in the stock again."""
        self._refuse_missing_delivery(delivery_id)
        self._act(deliveries.delete, delivery_id)

    def add_position(self, invoice_id: int, text: str, unit_price: Money, tax_id: int = 16) -> None:
        """Adds a position to a draft."""
        values = {"text": text, "amount": "1", "unit_price": plain(_finite(unit_price)), "tax_id": tax_id}
        self._act(invoices.INVOICES.add_position, invoice_id, "KbPositionCustom", values)

    def archive_contact(self, contact_id: int) -> None:
        """Moves a contact into the archive."""
        self._act(contacts.archive, contact_id)

    def restore_contact(self, contact_id: int) -> None:
        """Brings a contact back from the archive."""
        self._act(contacts.archive, contact_id, is_archived=False)

    def edit_contact(self, contact_id: int, **fields: Any) -> None:
        """Changes fields of a contact."""
        with self._state.transaction():
            contact = self._state.contacts.get(contact_id)
            if contact is None or not set(fields) <= set(contact):
                raise ValueError(f"contact {contact_id} does not exist or has no such field")
            _refusal_as_value_error(contacts.edit, self._state, contact_id, fields, "de")

    def merge_contacts(self, keep: int, drop: int) -> None:
        """Merges two contacts; documents of the dropped one go to the kept one."""
        if keep == drop:
            raise ValueError("a contact can not be merged with itself")
        self._act(contacts.merge, keep, drop)

    def create_item(self, code: str, title: str, price: Money | None = None, **fields: Any) -> int:
        """Creates an item, a physical one if nothing else is said, and returns its id."""
        named = {"intern_code": code, "intern_name": title, "sale_price": price}
        with self._state.transaction():
            values = _item_fields(self._state, {"user_id": 1, "article_type_id": 1, **named, **fields})
            return int(_refusal_as_value_error(items.create, self._state, values, "en")["id"])

    def edit_item(self, item_id: int, **fields: Any) -> None:
        """Changes fields of an item, by the names they have in the API."""
        with self._state.transaction():
            self._refuse_missing_item(item_id)
            values = _item_fields(self._state, fields, is_edit=True)
            _refusal_as_value_error(items.change, self._state, item_id, values, "en")

    def delete_item(self, item_id: int) -> None:
        """Deletes an item for good."""
        with self._state.transaction():
            self._refuse_missing_item(item_id)
            items.delete(self._state, item_id)

    def book_stock(self, item_id: int, amount: Money) -> None:
        """Books pieces of an item in, or out if the amount is negative."""
        with self._state.transaction():
            self._refuse_missing_item(item_id)
            _refusal_as_value_error(items.book, self._state, item_id, _finite(amount))

    def reserve_stock(self, item_id: int, amount: Money) -> None:
        """Promises pieces of an item to customers, or frees them if the amount is negative."""
        with self._state.transaction():
            self._refuse_missing_item(item_id)
            _refusal_as_value_error(items.reserve, self._state, item_id, _finite(amount))

    def load_items(self, count: int, first: int = 1, **fields: Any) -> None:
        """Brings in a long list of items, numbered from `first` on: `ITEM-000001`, `Item 1`."""
        if count < 0 or first < 1:
            raise ValueError("items are counted from 1")
        with self._state.lock:
            values = _item_fields(self._state, {"unit_id": 1, "sale_price": "10", **fields}, is_edit=True)
            items.load(self._state, count, first, values)

    def add_tax(
        self,
        code: str,
        value: Money,
        type: str = "sales_tax",
        *,
        is_active: bool = True,
        name: str = "Umsatz",
        start: str | None = None,
        end: str | None = None,
    ) -> int:
        """Adds a VAT rate, valid from one month to another like 2027-01, and returns its id."""
        if type not in TAX_TYPES:
            raise ValueError(f"there is no type of tax {type!r}; there are {', '.join(TAX_TYPES)}")
        period = {**_month("start", start), **_month("end", end)}
        with self._state.transaction():
            accounts = self._state.tables["accounts"].values()
            account = next(row["id"] for row in accounts if row["account_no"] == "2200")
            number = _finite(value)
            shown = int(number) if number == number.to_integral_value() else float(number)
            row = tax_row(code, "303", type, shown, account, (name, name), is_active)
            return int(self._state.add("taxes", {**row, **period})["id"])

    def set_tax_active(self, code: str, is_active: bool) -> None:
        """Switches a VAT rate on or off."""
        self._change_tax(code, {"is_active": is_active})

    def end_tax(self, code: str, end: str | None) -> None:
        """Lets a VAT rate be valid until the end of a month like 2026-12, or without an end."""
        self._change_tax(code, _month("end", end))

    def set_right(self, user_id: int, module: str, *, show: str | None = None, edit: str | None = None) -> None:
        """Sets what a user may see and change in a module: none, own or all."""
        with self._state.transaction():
            self._rights.set(user_id, module, show, edit)

    def book_module(self, module: str) -> None:
        """Books a module for the company."""
        with self._state.transaction():
            self._rights.book(module)

    def unbook_module(self, module: str) -> None:
        """Takes a module away from the company."""
        with self._state.transaction():
            self._rights.unbook(module)

    def set_automatic_numbering(self, is_automatic: bool, document_class: str = "KbInvoice") -> None:
        """Lets bexio number documents, or leaves that to whoever creates them."""
        with self._state.transaction():
            if all(row["kb_item_class"] != document_class for row in self._state.tables["document_settings"].values()):
                raise ValueError(f"there is no {document_class}")
            row = documents.settings(self._state, document_class)
            self._state.put("document_settings", {**row, "use_automatic_enumeration": is_automatic})

    def set_rounding(self, currency: str, step: Money) -> None:
        """Sets to which step totals in a currency are rounded, such as 0.05 or 0.01."""
        with self._state.transaction():
            found = [row for row in self._state.tables["currencies"].values() if row["name"] == currency]
            if not found:
                raise ValueError(f"there is no currency {currency}")
            self._state.put("currencies", {**found[0], "round_factor": float(_positive(step))})

    def _change_tax(self, code: str, changes: Row) -> None:
        with self._state.transaction():
            found = [row for row in self._state.taxes.values() if row["code"] == code]
            if not found:
                raise ValueError(f"there is no tax {code}")
            for row in found:
                self._state.put("taxes", {**row, **changes})

    def _refuse_missing_item(self, item_id: int) -> None:
        if item_id not in self._state.tables[items.ITEMS]:
            raise ValueError(f"there is no item {item_id}")

    def _invoice(self, invoice_id: int) -> Row:
        invoice = self._state.invoices.get(invoice_id)
        if invoice is None:
            raise ValueError(f"there is no invoice {invoice_id}")
        return invoice

    def _order(self, order_id: int) -> Row:
        order = self._state.orders.get(order_id)
        if order is None:
            raise ValueError(f"there is no order {order_id}")
        return order

    def _refuse_missing_delivery(self, delivery_id: int) -> None:
        if delivery_id not in self._state.deliveries:
            raise ValueError(f"there is no delivery {delivery_id}")

    def _close(self, order_id: int, status: int | None) -> None:
        self._order(order_id)
        self._act(orders.close, order_id, status)

    def _convert(self, order_id: int, target: conversions.Target) -> int:
        with self._state.transaction():
            order = self._order(order_id)
            _refusal_as_value_error(orders.refuse_closed, order)
            wanted = _refusal_as_value_error(conversions.everything_left, self._state, order, target)
            draft = _refusal_as_value_error(conversions.convert, self._state, order, target, wanted, "en")
            return int(draft["id"])

    def _edit_price(self, kind: Documents, document: Row, position_index: int, unit_price: Money) -> None:
        rows = positions.of_document(self._state, document)
        if not 0 <= position_index < len(rows) or rows[position_index]["type"] not in positions.PRICED:
            raise ValueError(f"{document['document_nr']} has no priced position {position_index}")
        price = {"unit_price": plain(_finite(unit_price))}
        kind.change_position(self._state, document, rows[position_index], price)

    def _act(self, action: Any, *arguments: Any, **options: Any) -> None:
        with self._state.transaction():
            _refusal_as_value_error(action, self._state, *arguments, **options)


def _finite(amount: Money) -> Decimal:
    try:
        number = Decimal(amount)
    except (InvalidOperation, TypeError, ValueError):
        number = Decimal("NaN")
    if not number.is_finite():
        raise ValueError(f"{amount!r} is no amount; write it like 12.50")
    return number


def _positive(amount: Money) -> Decimal:
    number = _finite(amount)
    if number <= 0:
        raise ValueError(f"{amount} has to be more than 0")
    return number


def _refuse_unknown_fields(document: Row, fields: dict[str, Any], noun: str) -> None:
    unknown = [name for name in fields if name not in document]
    if unknown:
        raise ValueError(f"{noun} has no field {', '.join(unknown)}")
    _refuse_odd_days(*(fields.get(name) for name in ("is_valid_from", "is_valid_to")))


def _refuse_odd_days(*days: Any) -> None:
    for day in days:
        if day is not None and not (isinstance(day, str) and is_day(day)):
            raise ValueError(f"{day} is no date like 2026-01-31")


def _month(name: str, written: str | None) -> Row:
    if written is not None and not is_day(f"{written}-01"):
        raise ValueError(f"{written} is no month like 2026-12")
    year, month = written.split("-") if written else (None, None)
    return {f"{name}_year": year and int(year), f"{name}_month": month and int(month)}


def _item_fields(state: State, fields: dict[str, Any], *, is_edit: bool = False) -> dict[str, Any]:
    form: dict[str, Any] = _refusal_as_value_error(ITEM_FORM.read, by_hand(fields), state, "en", is_edit=is_edit)
    return form


def _refusal_as_value_error(action: Any, *arguments: Any, **options: Any) -> Any:
    try:
        return action(*arguments, **options)
    except ApiError as error:
        raise ValueError("; ".join(error.errors or [error.message])) from error
