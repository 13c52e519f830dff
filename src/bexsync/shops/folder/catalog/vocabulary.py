"""What columns of catalogs are called, and which of them decide something."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from bexsync.records.columns import BY_NAME, LIST_COLUMNS
from bexsync.shops.folder.table.cells import WORDS, YES_NO
from bexsync.shops.folder.table.decisive import INVOICE_KINDS, Kind, anything, never, stems
from bexsync.shops.folder.table.values import is_amount
from bexsync.shops.folder.table.vocabulary import (
    CURRENCY,
    REVENUE_ACCOUNT,
    SYNONYMS,
    TAX_RATE,
    Vocabulary,
    plain_header,
)

_PRODUCT_ID = (
    *("ID", "Shop ID", "Produkt-ID", "Artikel-ID", "Varianten-ID", "Product ID", "Variant ID", "ID produit"),
    "ID prodotto",
)
_SKU = (
    *("Artikelnummer", "Artikel-Nr", "Artikelnr", "Produktnummer", "Item number", "Product code", "Numéro d'article"),
    *("Référence", "UGS", "Codice articolo", "COD"),
)
_STOCK = (
    *("Bestand", "Lagerbestand", "Lager", "Menge", "Anzahl", "Inventory", "Quantity", "Qty", "Stock quantity"),
    *("Quantité", "Quantité en stock", "En stock", "Giacenza", "Quantità", "Magazzino"),
)
_TAX_CLASS = (
    *("Steuerklasse", "MWST-Klasse", "VAT class", "Classe TVA", "Classe de taxe", "Classe IVA", "Aliquota imposta"),
    "Aliquota di imposta",
)

PRODUCT_SYNONYMS: Mapping[str, tuple[str, ...]] = {
    "shop_id": _PRODUCT_ID,
    "parent_id": ("Parent", "Elternprodukt", "Übergeordnetes Produkt", "Produit parent", "Prodotto padre", "Genitore"),
    "sku": _SKU,
    "gtin": (
        *("EAN", "EAN-Code", "UPC", "ISBN", "Barcode", "Strichcode", "GTIN, UPC, EAN, or ISBN"),
        *("GTIN, UPC, EAN oder ISBN", "Code-barres", "Codice a barre"),
    ),
    "title": (
        *("Titel", "Name", "Bezeichnung", "Artikel", "Artikelname", "Produkt", "Produktname", "Product"),
        *("Product name", "Titre", "Nom", "Désignation", "Produit", "Titolo", "Nome", "Designazione", "Prodotto"),
    ),
    "description": ("Beschreibung", "Produktbeschreibung", "Langbeschreibung", "Descriptif", "Descrizione"),
    "type": ("Typ", "Art", "Produktart", "Produkttyp", "Product type", "Type de produit", "Tipo", "Tipo prodotto"),
    "unit": SYNONYMS["unit"],
    "price": (
        *("Preis", "Verkaufspreis", "Normalpreis", "Regulärer Preis", "Regular price", "Selling price", "Unit price"),
        *("Prix", "Prix de vente", "Tarif régulier", "Prezzo", "Prezzo di vendita", "Prezzo di listino"),
    ),
    "price_net": (
        *("Preis exkl. MWST", "Preis netto", "Nettopreis", "Price excl. VAT", "Net price", "Prix HT"),
        "Prezzo IVA esclusa",
    ),
    "price_gross": (
        *("Preis inkl. MWST", "Preis brutto", "Bruttopreis", "Price incl. VAT", "Gross price", "Prix TTC"),
        "Prezzo IVA inclusa",
    ),
    "currency": CURRENCY,
    "prices_include_tax": SYNONYMS["prices_include_tax"],
    "tax_status": (
        *("Steuerstatus", "Tax status", "Taxable", "Steuerbar", "Steuerpflichtig", "État de la TVA", "Statut TVA"),
        *("Statut de TVA", "Stato delle imposte", "Stato imposta"),
    ),
    "tax_class": _TAX_CLASS,
    "tax_rate": TAX_RATE,
    "tax_country": ("Steuerland", "Tax country", "Pays TVA", "Paese IVA"),
    "revenue_account": REVENUE_ACCOUNT,
    "weight": ("Gewicht", "Gewicht (kg)", "Gewicht kg", "Weight (kg)", "Poids", "Poids (kg)", "Peso", "Peso (kg)"),
    "weight_grams": ("Gewicht (g)", "Gewicht in g", "Gewicht in Gramm", "Weight (g)", "Poids (g)", "Peso (g)"),
    "weight_pounds": ("Gewicht (lb)", "Gewicht (lbs)", "Weight (lbs)", "Weight (lb)", "Poids (lbs)", "Peso (lbs)"),
    "weight_ounces": ("Gewicht (oz)", "Weight (oz)", "Poids (oz)", "Peso (oz)"),
    "weight_unit": ("Gewichtseinheit", "Unité de poids", "Unità di peso"),
    "stock": _STOCK,
    "track_stock": (
        *("Lager führen", "Lagergeführt", "Bestand führen", "Lager verwalten?", "Manage stock", "Manage stock?"),
        *("Gérer le stock", "Gérer le stock?", "Gestire magazzino"),
    ),
    "active": ("Aktiv", "Veröffentlicht", "Published", "Actif", "Publié", "Attivo", "Pubblicato"),
    "url": ("Adresse", "Link", "Permalink", "Produktlink", "Webadresse", "Lien", "Indirizzo"),
}
STOCK_SYNONYMS: Mapping[str, tuple[str, ...]] = {"shop_id": _PRODUCT_ID, "sku": _SKU, "stock": _STOCK}
TAX_SYNONYMS: Mapping[str, tuple[str, ...]] = {
    "shop_id": ("ID", "Shop ID", "Steuer-ID", "Tax ID"),
    "name": ("Bezeichnung", "Titel", "Steuername", "Tax name", "Nom", "Désignation", "Nome"),
    "rate": (*TAX_RATE, "Satz", "Satz %", "Rate %", "Taux", "Taux %"),
    "tax_class": (*_TAX_CLASS, "Klasse", "Class", "Classe"),
    "country_code": SYNONYMS["country_code"],
    "use": ("Verwendung", "Zweck", "Usage", "Utilisation", "Uso"),
    "valid_from": ("Gültig ab", "Gültig von", "From", "Valable dès", "Dès", "Valido dal", "Dal"),
}
# Columns that name their unit.
WEIGHT_UNITS = {"weight_grams": "g", "weight_pounds": "lb", "weight_ounces": "oz"}
_WEIGHT_HEADER = re.compile(r"(?:weight|gewicht|poids|peso)\W+(?:in\s+)?\w+\W*", re.IGNORECASE)
# What WooCommerce calls the price, which tells its own export from other tables.
REGULAR_PRICE = frozenset(
    map(plain_header, ("Regular price", "Regulärer Preis", "Tarif régulier", "Prezzo di listino"))
)
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


def is_weight_of_unknown_unit(header: str) -> bool:
    """Whether a column that no field has holds weights by its name."""
    return _WEIGHT_HEADER.fullmatch(header) is not None


_IN_STOCK = frozenset(map(plain_header, ("In stock", "En stock", "Vorrätig", "Auf Lager", "Disponibile")))


def is_whether(header: str) -> bool:
    """Whether a column says if there is any stock, not how much: shops end its header with a question mark."""
    return header.rstrip().endswith("?") and plain_header(header) in _IN_STOCK


# A shop's words for a product that is only the roof over its variants, and for those that it does not sell itself.
ROOFS = frozenset({"variable", "variabel", "variable-subscription", "variable subscription"})
NOT_SOLD = {
    **dict.fromkeys(("external", "external/affiliate", "affiliate", "extern", "externe", "esterno"), "external"),
    **dict.fromkeys(("grouped", "gruppiert", "groupé", "raggruppato"), "grouped"),
}
# What a shop says beside a type, or in its place, of what is not sent.
_UNSENT = ("downloadable", "herunterladbar", "téléchargeable", "scaricabile", "virtuel", "virtuale")
_SENT = ("subscription", "subscription_variation", "bundle", "composite", "einfach")
PRODUCT_TYPES: Mapping[str, str] = {
    **WORDS["type"],
    **dict.fromkeys(_UNSENT, "service"),
    **dict.fromkeys(_SENT, "physical"),
}
TAX_STATUS: Mapping[str, str] = {
    **dict.fromkeys(("taxable", "steuerpflichtig", "steuerbar", "imposable", "imponibile"), "taxable"),
    **dict.fromkeys(("none", "keine", "aucun", "aucune", "nessuno", "nessuna", "exempt"), "none"),
    # Only the sending of such a product is taxed.
    **dict.fromkeys(("shipping", "nur versand", "shipping only"), "none"),
    **{word: "taxable" if said == "yes" else "none" for word, said in YES_NO.items()},
}
# How shops write that a product is not for sale: a draft, a private one, one that waits or is archived.
STATES: Mapping[str, str] = {
    **dict.fromkeys(("-1", "2", "draft", "private", "pending", "archived", "inactive", "entwurf", "privat"), "no"),
    **dict.fromkeys(("publish", "published", "active", "aktiv", "veröffentlicht"), "yes"),
}
# A variant's word for what its parent says.
OF_PARENT = "parent"
_RATE_OR_CLASS = dict.fromkeys(("MWST", "USt", "Steuer", "VAT", "Tax", "TVA", "IVA"), ("tax_rate", "tax_class"))
PRODUCT_AMBIGUOUS: Mapping[str, tuple[str, ...]] = {
    **_RATE_OR_CLASS,
    **dict.fromkeys(("Nr", "No", "N", "Nummer", "Numéro", "Numero", "Code"), ("sku", "shop_id")),
    **dict.fromkeys(("Text", "Texte", "Testo"), ("title", "description")),
    **dict.fromkeys(("Netto", "Net", "Brutto", "Gross"), ("price_net", "price_gross", "weight")),
}
STOCK_AMBIGUOUS: Mapping[str, tuple[str, ...]] = {
    **dict.fromkeys(("Nr", "No", "N", "Nummer", "Numéro", "Numero", "Code"), ("sku", "shop_id")),
}
PRODUCT_NEEDED = (("shop_id", "sku"), ("title",))
STOCK_NEEDED = (("shop_id", "sku"), ("stock",))
TAX_NEEDED = (("rate",),)


def _vocabulary(
    kind: str,
    synonyms: Mapping[str, tuple[str, ...]],
    ambiguous: Mapping[str, tuple[str, ...]],
    needed: tuple[tuple[str, ...], ...],
) -> Vocabulary:
    columns = {column.name: column for column in LIST_COLUMNS[kind]}
    others = [other for name, table in LIST_COLUMNS.items() if name != kind for other in table]
    shared = columns.keys() & {*BY_NAME, *(column.name for column in others)}
    doubles = {"price_net": "price", "price_gross": "price", **dict.fromkeys(WEIGHT_UNITS, "weight")}
    return Vocabulary(columns, synonyms, ambiguous, needed, doubles, frozenset(shared))


VOCABULARIES: Mapping[str, Vocabulary] = {
    "product": _vocabulary("product", PRODUCT_SYNONYMS, PRODUCT_AMBIGUOUS, PRODUCT_NEEDED),
    "stock_level": _vocabulary("stock_level", STOCK_SYNONYMS, STOCK_AMBIGUOUS, STOCK_NEEDED),
    "tax_rate": _vocabulary("tax_rate", TAX_SYNONYMS, {}, TAX_NEEDED),
}


def named_when_ignored(headers: Iterable[str]) -> list[str]:
    """The columns of which the run says that they are not read: all but those that are known to mean nothing here."""
    return [header for header in headers if not plain_header(header).startswith(_OF_WOOCOMMERCE)]
