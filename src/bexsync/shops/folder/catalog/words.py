"""What people call the columns of products, stock and taxes."""

from __future__ import annotations

from collections.abc import Mapping

from bexsync.records.columns import BY_NAME, LIST_COLUMNS
from bexsync.shops.folder.table.headers import Vocabulary

_PRODUCT_ID = (
    *("ID", "Shop ID", "Produkt-ID", "Artikel-ID", "Varianten-ID", "Product ID", "Variant ID"),
    *("ID produit", "ID prodotto"),
)
_SKU = (
    *("Artikelnummer", "Artikel-Nr", "Artikelnr", "Produktnummer", "Item number", "Product code"),
    *("Numéro d'article", "Référence", "UGS", "Codice articolo", "COD"),
)
_STOCK = (
    *("Bestand", "Lagerbestand", "Lager", "Menge", "Anzahl", "Inventory", "Quantity", "Qty", "Stock quantity"),
    *("Quantité", "Quantité en stock", "En stock", "Giacenza", "Quantità", "Magazzino"),
)
_TAX_CLASS = (
    "Steuerklasse",
    "MWST-Klasse",
    "VAT class",
    "Classe TVA",
    "Classe de taxe",
    "Classe IVA",
    "Aliquota imposta",
)
_TAX_RATE = (
    *("MWST %", "MWST in %", "MWST-Satz", "MWST-Satz %", "Steuersatz", "Steuersatz %", "USt %", "VAT %", "VAT rate"),
    *("VAT rate %", "Tax %", "TVA %", "TVA en %", "Taux TVA", "Taux de TVA", "IVA %", "Aliquota", "Aliquota IVA"),
)
_COUNTRY = ("Land", "Ländercode", "Country", "Pays", "Code pays", "Paese", "Nazione")

PRODUCT_SYNONYMS: Mapping[str, tuple[str, ...]] = {
    "shop_id": _PRODUCT_ID,
    "parent_id": (
        *("Parent", "Elternprodukt", "Übergeordnetes Produkt", "Produit parent", "Prodotto padre", "Genitore"),
    ),
    "sku": _SKU,
    "gtin": (
        *(
            "EAN",
            "EAN-Code",
            "UPC",
            "ISBN",
            "Barcode",
            "Strichcode",
            "GTIN, UPC, EAN, or ISBN",
            "GTIN, UPC, EAN oder ISBN",
        ),
        *("Code-barres", "Codice a barre"),
    ),
    "title": (
        *(
            "Titel",
            "Name",
            "Bezeichnung",
            "Artikel",
            "Artikelname",
            "Produkt",
            "Produktname",
            "Product",
            "Product name",
        ),
        *("Titre", "Nom", "Désignation", "Produit", "Titolo", "Nome", "Designazione", "Prodotto"),
    ),
    "description": ("Beschreibung", "Produktbeschreibung", "Langbeschreibung", "Descriptif", "Descrizione"),
    "type": ("Typ", "Art", "Produktart", "Produkttyp", "Product type", "Type de produit", "Tipo", "Tipo prodotto"),
    "unit": ("Einheit", "Unité", "Unità"),
    "price": (
        *("Preis", "Verkaufspreis", "Normalpreis", "Regulärer Preis", "Regular price", "Selling price", "Unit price"),
        *("Prix", "Prix de vente", "Tarif régulier", "Prezzo", "Prezzo di vendita", "Prezzo di listino"),
    ),
    "price_net": (
        *(
            "Preis exkl. MWST",
            "Preis netto",
            "Nettopreis",
            "Price excl. VAT",
            "Net price",
            "Prix HT",
            "Prezzo IVA esclusa",
        ),
    ),
    "price_gross": (
        *("Preis inkl. MWST", "Preis brutto", "Bruttopreis", "Price incl. VAT", "Gross price", "Prix TTC"),
        "Prezzo IVA inclusa",
    ),
    "currency": ("Währung", "Devise", "Monnaie", "Moneta", "Divisa"),
    "prices_include_tax": (
        *("Preise inkl. MWST", "Inkl. MWST", "Prices include VAT", "Prix TVA comprise", "TVA comprise", "IVA compresa"),
    ),
    "tax_class": _TAX_CLASS,
    "tax_rate": _TAX_RATE,
    "tax_country": ("Steuerland", "Tax country", "Pays TVA", "Paese IVA"),
    "revenue_account": (
        *("Konto", "Ertragskonto", "Erlöskonto", "Account", "Compte", "Compte de produits", "Conto", "Conto ricavi"),
    ),
    "weight": ("Gewicht", "Gewicht (kg)", "Gewicht kg", "Weight (kg)", "Poids", "Poids (kg)", "Peso", "Peso (kg)"),
    "weight_grams": ("Gewicht (g)", "Gewicht in g", "Gewicht in Gramm", "Weight (g)", "Poids (g)", "Peso (g)"),
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
    "rate": (*_TAX_RATE, "Satz", "Satz %", "Rate %", "Taux", "Taux %"),
    "tax_class": (*_TAX_CLASS, "Klasse", "Class", "Classe"),
    "country_code": (*_COUNTRY,),
    "use": ("Verwendung", "Zweck", "Usage", "Utilisation", "Uso"),
    "valid_from": ("Gültig ab", "Gültig von", "From", "Valable dès", "Dès", "Valido dal", "Dal"),
}
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
    doubles = {"price_net": "price", "price_gross": "price", "weight_grams": "weight"}
    return Vocabulary(columns, synonyms, ambiguous, needed, doubles, frozenset(shared))


VOCABULARIES: Mapping[str, Vocabulary] = {
    "product": _vocabulary("product", PRODUCT_SYNONYMS, PRODUCT_AMBIGUOUS, PRODUCT_NEEDED),
    "stock_level": _vocabulary("stock_level", STOCK_SYNONYMS, STOCK_AMBIGUOUS, STOCK_NEEDED),
    "tax_rate": _vocabulary("tax_rate", TAX_SYNONYMS, {}, TAX_NEEDED),
}
