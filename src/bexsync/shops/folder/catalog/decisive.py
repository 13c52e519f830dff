"""Columns of products without a known name: those that may decide something are asked about, the others named."""

from __future__ import annotations

from collections.abc import Iterable

from bexsync.shops.folder.catalog.vocabulary import STATES
from bexsync.shops.folder.table.decisive import INVOICE_KINDS, Kind, anything, never, stems
from bexsync.shops.folder.table.values import is_amount
from bexsync.shops.folder.table.vocabulary import plain_header

_TAX = ("tax_rate", "tax_class", "tax_status")
_CURRENCY, _RATE, _ACCOUNT = INVOICE_KINDS[0], INVOICE_KINDS[1], INVOICE_KINDS[2]


PRODUCT_KINDS: tuple[Kind, ...] = (
    Kind(("currency",), ("currency",), _CURRENCY.by_cells, _CURRENCY.stems, _CURRENCY.by_header),
    Kind(_TAX, _TAX, _RATE.by_cells, _RATE.stems, anything),
    Kind(
        ("price", "price_net", "price_gross"),
        ("price", "price_net", "price_gross"),
        never,
        stems(r"preis|price|\bprix|prezzo|tarif|\bvk\b|betrag|amount|montant|importo"),
        is_amount,
    ),
    Kind(
        ("stock",),
        ("stock",),
        never,
        stems(
            r"^(?!.*(?:mindest|melde|gering|low|min\b|seuil|soglia)).*(?:bestand|lager|stock|inventory|giacenza|magazz)"
        ),
        is_amount,
    ),
    Kind(("revenue_account",), ("revenue_account",), never, _ACCOUNT.stems, _ACCOUNT.by_header),
    Kind(
        ("active",),
        ("active",),
        lambda text: text.casefold() in STATES and not text.lstrip("-").isdigit(),
        stems(r"(?!)"),
        never,
    ),
)
# What WooCommerce exports beside what an item can have, by the beginnings of its plain headers.
_OF_WOOCOMMERCE = (
    *("isfeatured", "visibilityincatalog", "shortdescription", "datesaleprice", "instock", "lowstock", "backorders"),
    *("soldindividually", "length", "width", "height", "allowcustomerreviews", "purchasenote", "saleprice"),
    *("categories", "tags", "shippingclass", "images", "downloadlimit", "downloadexpiry", "groupedproducts", "upsells"),
    *("crosssells", "externalurl", "buttontext", "position", "attribute", "swatches", "brands"),
)


def named_when_ignored(headers: Iterable[str]) -> list[str]:
    """The columns of which the run says that they are not read: all but those that are known to mean nothing here."""
    return [header for header in headers if not plain_header(header).startswith(_OF_WOOCOMMERCE)]
