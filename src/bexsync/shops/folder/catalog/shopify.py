"""Shopify's own export of products: one row per variant, below a first row that names what its variants share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from bexsync.shops.folder.table.cells import amount_text, flaw_in_cell
from bexsync.shops.folder.table.vocabulary import plain_header

# Our name of a column, and what Shopify calls it: in the export of today, and in the one before.
_COLUMNS: Mapping[str, tuple[str, ...]] = {
    "parent_id": ("Handle", "URL handle"),
    "sku": ("Variant SKU", "SKU"),
    "gtin": ("Variant Barcode", "Barcode"),
    "title": ("Title",),
    "description": ("Body (HTML)", "Body HTML", "Description"),
    "type": ("Variant Requires Shipping", "Requires shipping", "Gift Card"),
    "price": ("Variant Price", "Price"),
    "tax_status": ("Variant Taxable", "Charge tax"),
    "weight_grams": ("Variant Grams", "Weight value (grams)"),
    "stock": ("Variant Inventory Qty", "Inventory quantity"),
    "track_stock": ("Variant Inventory Tracker", "Inventory tracker"),
    "active": ("Status", "Published", "Published on online store"),
}
_STATUS, _PUBLISHED, _GIFT_CARD = ("Status",), ("Published", "Published on online store"), ("Gift Card",)
_SHIPPING = ("Variant Requires Shipping", "Requires shipping")
_OPTIONS = ("Option1 Value", "Option2 Value", "Option3 Value")
# What the first row of a product says for all of its variants.
_SHARED = (*_COLUMNS["title"], *_COLUMNS["description"], *_COLUMNS["active"], *_GIFT_CARD)
# A row without any of this holds one more picture.
_OF_VARIANT = (*_COLUMNS["title"], *_COLUMNS["sku"], *_COLUMNS["price"], *_COLUMNS["stock"], *_OPTIONS)
# Columns that say nothing of products in the accounting, by the beginnings of their plain headers.
_MEANINGLESS = (
    *("option", "image", "productimage", "variantimage", "seo", "googleshopping", "metafield", "unitprice"),
    *(
        "vendor",
        "productcategory",
        "type",
        "tags",
        "giftcard",
        "costperitem",
        "compareatprice",
        "variantcompareatprice",
    ),
    *("variantweightunit", "weightunit", "variantinventorypolicy", "continueselling", "variantfulfillment"),
    *("fulfillmentservice", "published", "status", "varianttaxcode", "taxcode", "included", "variantrequiresshipping"),
)
_ONLY_VARIANT = "default title"
_STATES = {"active": "yes", "unlisted": "yes", "draft": "no", "archived": "no"}
_LONGEST_TITLE = 255


def is_shopify(headers: Sequence[str]) -> bool:
    """Whether these are the headers of Shopify's export."""
    plain = {plain_header(header) for header in headers}
    return bool(plain & _plain(_COLUMNS["parent_id"])) and bool(plain & _plain((*_COLUMNS["sku"], *_COLUMNS["price"])))


def _plain(headers: Sequence[str]) -> set[str]:
    return {plain_header(header) for header in headers}


class ShopifyRows:
    """Turns Shopify's rows into rows of one sellable variant each, under the standard names of their columns.

    Columns that the profile names are passed on beside them, under their own headers.
    """

    def __init__(self, headers: Sequence[str], of_profile: Sequence[str]) -> None:
        self._at = {plain_header(header): index for index, header in reversed(list(enumerate(headers)))}
        self._names = [name for name, theirs in _COLUMNS.items() if self._found(theirs) is not None]
        wanted = _plain(of_profile)
        self._passed_on = [i for i, h in enumerate(headers) if plain_header(h) in wanted and h not in self._names]
        self.headers = ["shop_id", *self._names, *(headers[index] for index in self._passed_on)]
        self.originals = {
            name: headers[index] for name in self._names if (index := self._found(_COLUMNS[name])) is not None
        }
        read = {
            self._at[plain] for theirs in _COLUMNS.values() for h in theirs if (plain := plain_header(h)) in self._at
        }
        left = [h for index, h in enumerate(headers) if h and index not in read and index not in self._passed_on]
        self.ignored = [header for header in left if not plain_header(header).startswith(_MEANINGLESS)]
        self._shared: dict[str, str] = {}

    def row(self, given: Sequence[str]) -> list[str] | None:
        """The row of a variant with all that is known of it, None where it is one of a picture."""
        handle = self._cell(given, _COLUMNS["parent_id"])
        if handle != self._shared.get("handle"):
            self._shared = {"handle": handle}
        for header in _plain(_SHARED):
            if text := self._cell(given, (header,)):
                self._shared.setdefault(header, text)
        if not any(self._cell(given, (header,)) for header in _OF_VARIANT):
            return None
        cells = [self._value(given, name) for name in self._names]
        return [self._shop_id(given, handle), *cells, *(given[i] if i < len(given) else "" for i in self._passed_on)]

    def _shop_id(self, given: Sequence[str], handle: str) -> str:
        """Its SKU, by which the shop itself knows it; the export has no numbers."""
        return self._cell(given, _COLUMNS["sku"]) or "/".join((handle, *self._options(given)))

    def _value(self, given: Sequence[str], name: str) -> str:
        text = self._cell(given, _COLUMNS[name])
        match name:
            case "title":
                return self._title(given)
            case "description":
                return self._of_product(_COLUMNS["description"])
            case "active":
                state = self._of_product(_STATUS)
                return _STATES.get(state.casefold(), state) if state else self._of_product(_PUBLISHED)
            case "type":
                is_gift_card = self._of_product(_GIFT_CARD).casefold() == "true"
                is_sent = self._cell(given, _SHIPPING).casefold() != "false"
                return "physical" if is_sent and not is_gift_card else "service"
            case "track_stock":
                return "yes" if text else "no"
            case _:
                return text

    def _title(self, given: Sequence[str]) -> str:
        """The product's title and what tells the variant apart, as Shopify writes it on an order."""
        title, options = self._of_product(_COLUMNS["title"]), " / ".join(self._options(given))
        if not title or not options:
            return title
        return f"{title[: _LONGEST_TITLE - len(options) - 3]} - {options}"

    def _options(self, given: Sequence[str]) -> list[str]:
        values = [text for header in _OPTIONS if (text := self._cell(given, (header,)))]
        return [] if [value.casefold() for value in values] == [_ONLY_VARIANT] else values

    def _of_product(self, headers: Sequence[str]) -> str:
        return next((text for header in headers if (text := self._shared.get(plain_header(header), ""))), "")

    def _cell(self, given: Sequence[str], headers: Sequence[str]) -> str:
        index = self._found(headers)
        cell = given[index] if index is not None and index < len(given) else ""
        return cell if flaw_in_cell(cell) else amount_text(cell)

    def _found(self, headers: Sequence[str]) -> int | None:
        return next((self._at[plain] for header in headers if (plain := plain_header(header)) in self._at), None)
