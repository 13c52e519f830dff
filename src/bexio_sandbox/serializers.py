"""Rows as bexio shows them: the keys in their order, and how precise the numbers are where."""

from __future__ import annotations

from decimal import Decimal

from bexio_sandbox.decimals import padded, plain
from bexio_sandbox.pictures import grey_square
from bexio_sandbox.state import contacts, fulfilment, items, orders, positions
from bexio_sandbox.state.documents import HEAD
from bexio_sandbox.state.tables import Row, State
from bexio_sandbox.state.totals import sum_text

# How normalised an answer is depends on the operation: fresh rows echo what was sent.
FRESH, COPIED, CONVERTED, EDITED, READ = "fresh", "copied", "converted", "edited", "read"
_NEW = (FRESH, COPIED, CONVERTED)


def json_number(value: Decimal) -> int | float:
    """Return a number for JSON, whole where it is whole."""
    return int(value) if value == value.to_integral_value() else float(value)


def contact(row: Row, manner: str, *, is_single: bool) -> Row:
    """Return a contact; only single answers hold its picture."""
    shown = {
        "id": row["id"],
        "nr": str(row["nr"]).rjust(6, "0"),
        "contact_type_id": row["contact_type_id"],
        "name_1": row["name_1"],
        "name_2": row["name_2"],
        # Reads show 0 where an answer to a write shows null.
        "salutation_id": row["salutation_id"] or (0 if manner == READ else None),
        "salutation_form": row["salutation_form"],
        "title_id": row["title_id"],
        "birthday": row["birthday"],
        "address": contacts.street(row),
        "street_name": row["street_name"],
        "house_number": row["house_number"],
        "address_addition": row["address_addition"],
        "postcode": row["postcode"],
        "city": row["city"],
        "country_id": row["country_id"],
        "mail": row["mail"],
        "mail_second": row["mail_second"],
        "phone_fixed": row["phone_fixed"],
        "phone_fixed_second": row["phone_fixed_second"],
        "phone_mobile": row["phone_mobile"],
        "fax": row["fax"],
        "url": row["url"],
        "skype_name": row["skype_name"],
        "remarks": row["remarks"],
        "language_id": row["language_id"],
        "is_lead": row["is_lead"],
        "contact_group_ids": row["contact_group_ids"],
        "contact_branch_ids": row["contact_branch_ids"],
        "user_id": row["user_id"],
        "owner_id": row["owner_id"],
    }
    picture = {"profile_image": grey_square()} if is_single else {}
    return {**shown, **picture, "updated_at": row["updated_at"]}


def additional_address(row: Row) -> Row:
    """Return one more address of a contact."""
    return {
        "id": row["id"],
        "name": row["name"],
        "name_addition": row["name_addition"],
        "address": contacts.street(row),
        "street_name": row["street_name"],
        "house_number": row["house_number"],
        "address_addition": row["address_addition"],
        "postcode": row["postcode"],
        "city": row["city"],
        "country_id": row["country_id"],
        "subject": row["subject"],
        "description": row["description"],
    }


def item(row: Row, manner: str) -> Row:
    """Return an item: answers to writes hold some of the numbers of the stock as texts."""
    amounts = {
        "stock_nr": items.in_stock(row),
        "stock_min_nr": Decimal(row["stock_min_nr"]),
        "stock_reserved_nr": Decimal(row["reserved_nr"]),
        "stock_available_nr": items.available(row),
        "stock_picked_nr": Decimal(0),
        "stock_disposed_nr": Decimal(0),
        "stock_ordered_nr": Decimal(0),
    }
    written = {FRESH: set(amounts) - {"stock_available_nr"}, EDITED: {"stock_nr", "stock_min_nr"}}.get(manner, set())
    return {
        "id": row["id"],
        **{name: row[name] for name in _ITEM_HEAD},
        "purchase_price": _price(row["purchase_price"], manner),
        "sale_price": _price(row["sale_price"], manner),
        "purchase_total": _amount(row["purchase_total"]),
        "sale_total": _amount(row["sale_total"]),
        "currency_id": row["currency_id"],
        "tax_income_id": row["tax_income_id"],
        "tax_id": None,
        **{name: row[name] for name in _ITEM_STOCK},
        **{name: plain(value) if name in written else json_number(value) for name, value in amounts.items()},
        **{name: row[name] for name in _ITEM_MEASURES},
        "delivery_price": _amount(row["delivery_price"]),
        **{name: row[name] for name in ("article_group_id", "account_id", "expense_account_id")},
    }


def _price(text: str | None, manner: str) -> str | None:
    return None if text is None else _number(text, manner)


def _amount(text: str | None) -> int | float | None:
    return None if text is None else json_number(Decimal(text))


_ITEM_HEAD = (
    "user_id",
    "article_type_id",
    "contact_id",
    "deliverer_code",
    "deliverer_name",
    "deliverer_description",
    "intern_code",
    "intern_name",
    "intern_description",
)
_ITEM_STOCK = ("tax_expense_id", "unit_id", "is_stock", "stock_id", "stock_place_id")
_ITEM_MEASURES = ("width", "height", "weight", "volume", "html_text", "remarks")
_DOCUMENT_HEAD = ("id", *HEAD)
_INVOICE_FOOT = (
    "mwst_type",
    "mwst_is_net",
    "show_position_taxes",
    "is_valid_from",
    "is_valid_to",
    "contact_address",
    "kb_item_status_id",
    "reference",
    "api_reference",
    "viewed_by_client_at",
    "updated_at",
    "esr_id",
    "qr_invoice_id",
    "template_slug",
    "taxs",
)


def invoice(state: State, row: Row, manner: str, *, with_positions: bool) -> Row:
    """Return an invoice; lists and searches leave the positions out."""
    sums = READ if manner == READ else FRESH
    payments = FRESH if manner in _NEW else READ
    shown = {
        **{name: row[name] for name in _DOCUMENT_HEAD},
        **_sums(row, sums),
        "total_received_payments": _number(row["total_received_payments"], payments),
        "total_credit_vouchers": _number(row["total_credit_vouchers"], payments),
        "total_remaining_payments": padded(row["total_remaining_payments"], 4),
        **_total(row, sums),
        **{name: row[name] for name in _INVOICE_FOOT},
    }
    return {**shown, **_lines(state, row, manner, with_positions), "network_link": row["network_link"]}


def order(state: State, row: Row, manner: str, *, with_positions: bool) -> Row:
    """Return an order; lists and searches leave the positions out."""
    sums = READ if manner == READ else FRESH
    shown = {
        **{name: row[name] for name in _DOCUMENT_HEAD},
        **_sums(row, sums),
        **_total(row, sums),
        **{name: row[name] for name in ("mwst_type", "mwst_is_net", "show_position_taxes", "is_valid_from")},
        **_addresses(row),
        **{name: row[name] for name in ("kb_item_status_id", "is_recurring", *_TRACES, "template_slug", "taxs")},
    }
    return {**shown, **_lines(state, row, manner, with_positions), "network_link": row["network_link"]}


def delivery(state: State, row: Row, manner: str, *, with_positions: bool) -> Row:
    """Return a delivery; lists leave the positions out."""
    sums = READ if manner == READ else FRESH
    shown = {
        **{name: row[name] for name in _DOCUMENT_HEAD if name not in ("project_id", "payment_type_id")},
        **_sums(row, sums),
        **_total(row, sums),
        **{name: row[name] for name in ("mwst_type", "mwst_is_net", "is_valid_from")},
        **_addresses(row),
        **{name: row[name] for name in ("kb_item_status_id", *_TRACES, "taxs")},
    }
    return {**shown, **_lines(state, row, manner, with_positions)}


_TRACES = ("api_reference", "viewed_by_client_at", "updated_at")


def _addresses(row: Row) -> Row:
    return {
        "contact_address": row["contact_address"],
        "delivery_address_type": row["delivery_address_type"],
        "delivery_address": orders.delivery_address(row),
    }


def _sums(row: Row, manner: str) -> Row:
    return {
        "total_gross": _number(row["total_gross"], manner),
        "total_net": _number(row["total_net"], manner),
        "total_taxes": padded(row["total_taxes"], 4),
    }


def _total(row: Row, manner: str) -> Row:
    difference = json_number(Decimal(row["total_rounding_difference"]))
    return {"total": _number(row["total"], manner), "total_rounding_difference": difference}


def _lines(state: State, row: Row, manner: str, with_positions: bool) -> Row:
    # An edited header comes back with its positions as a read shows them.
    shown = READ if manner == EDITED else manner
    return {"positions": document_positions(state, row, shown)} if with_positions else {}


def document_positions(state: State, document: Row, manner: str) -> list[Row]:
    """Return all positions of a document in their order."""
    rows = positions.of_document(state, document)
    numbers = positions.numbers(rows)
    shares = fulfilment.progress(state, document)
    return [_position(state, rows, index, numbers[index], manner, shares) for index in range(len(rows))]


def position(state: State, document: Row, row: Row, manner: str) -> Row:
    """Return one position of a document."""
    rows = positions.of_document(state, document)
    index = next(i for i, each in enumerate(rows) if positions.key(each) == positions.key(row))
    shares = fulfilment.progress(state, document)
    return _position(state, rows, index, positions.numbers(rows)[index], manner, shares)


def _position(
    state: State, rows: list[Row], index: int, number: str | None, manner: str, shares: fulfilment.Shares | None
) -> Row:
    row = rows[index]
    kind = row["type"]
    place = {"pos": number, "internal_pos": index + 1}
    kin = {"parent_id": row["parent_id"], "is_optional": bool(row.get("is_optional"))}
    head = {"id": row["id"], "type": kind}
    if kind in positions.PRICED:
        article = {"article_id": row["article_id"]} if kind == "KbPositionArticle" else {}
        return {**head, **_priced(state, row, manner, shares), **place, **kin, **article}
    if kind == "KbPositionText":
        return {**head, "text": row["text"], "show_pos_nr": row["show_pos_nr"], **place, **kin}
    if kind == "KbPositionSubtotal":
        value = _number(sum_text(positions.sum_before(state, rows, index)), manner)
        return {**head, "text": row["text"], "value": value, **place, **kin}
    if kind == "KbPositionDiscount":
        total = _number(sum_text(positions.discount_total(state, rows, index)), manner)
        value = row["value"] if manner == FRESH else padded(row["value"], 6)
        deal = {"text": row["text"], "is_percentual": row["is_percentual"], "value": value}
        return {**head, **deal, "discount_total": total, **place, **kin}
    if kind == positions.GROUP:
        total = _number(sum_text(positions.group_sum(state, rows, row["id"])), manner)
        sums = {"total_sum": total, "show_pos_prices": True}
        return {**head, "text": row["text"], **place, "show_pos_nr": row["show_pos_nr"], **kin, **sums}
    return {**head, **place, **kin}


def _priced(state: State, row: Row, manner: str, shares: fulfilment.Shares | None) -> Row:
    unit = state.tables["units"].get(row["unit_id"] or 0)
    rate = positions.tax_rate(state, row)
    amount, price, discount = row["amount"], row["unit_price"], row["discount_in_percent"]
    if manner in (COPIED, READ):
        amount = padded(amount, 6)
    if manner in (COPIED, CONVERTED, READ):
        price, discount = padded(price, 6), padded(discount, 4)
    total = sum_text(positions.position_total(state, row))
    return {
        "amount": amount,
        **_progress(row, manner, shares),
        "unit_id": row["unit_id"],
        "account_id": row["account_id"],
        "unit_name": unit["name"] if unit else None,
        "tax_id": row["tax_id"],
        "tax_value": None if rate is None else padded(str(rate), 2),
        "text": row["text"],
        "unit_price": price,
        "discount_in_percent": discount,
        "position_total": padded(total, 6) if manner == READ else total,
    }


def _progress(row: Row, manner: str, shares: fulfilment.Shares | None) -> Row:
    names = ("amount_reserved", "amount_open", "amount_completed")
    if manner in _NEW:
        return dict.fromkeys(names)
    if shares is None:
        return dict.fromkeys(names, "0.000000")
    share = shares.get((row["type"], row["id"]), fulfilment.Share())
    values = (share.reserved, Decimal(row["amount"]) - share.taken, share.completed)
    return {name: padded(plain(value), 6) for name, value in zip(names, values, strict=True)}


def _number(text: str, manner: str) -> str:
    return padded(text, 6) if manner == READ else text


def payment(row: Row, manner: str) -> Row:
    """Return a payment of an invoice."""
    hidden = ("is_credit", "recorded_at")
    shown = {name: value for name, value in row.items() if name not in hidden}
    return {**shown, "value": _number(row["value"], manner)}


def reminder(row: Row, manner: str) -> Row:
    """Return a reminder of an invoice."""
    shown = {name: value for name, value in row.items() if name != "created_at"}
    received = padded(row["received_total"], 6)
    return {**shown, "remaining_price": _number(row["remaining_price"], manner), "received_total": received}


def tax(row: Row, language: str) -> Row:
    """Return a VAT rate with its name in the reader's language."""
    shown = {name: value for name, value in row.items() if name not in ("names", "start_month", "end_month")}
    name = row["names"].get(language, row["names"]["en" if language == "en" else "de"])
    display_name = f"{row['code']} - {name} {padded(str(row['value']), 2)}%"
    months = {"start_month": row["start_month"], "end_month": row["end_month"]}
    return {**shown, "display_name": display_name, **months}


def company_profile(row: Row) -> Row:
    """Return the company with its logo."""
    return {**row, "logo_base64": grey_square()}


def exchange_rate(row: Row, base: Row, day: str) -> Row:
    """Return what one currency is worth in another."""
    return {
        "factor_nr": row["rate"],
        "exchange_currency": base,
        "ratio": 1,
        "factor_nr_to_ratio": row["rate"],
        "source": "custom",
        "source_reason": "source_custom",
        "exchange_rate_date": day,
    }
