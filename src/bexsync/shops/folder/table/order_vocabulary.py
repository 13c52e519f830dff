"""What people call the columns of orders, and which of those without a known name may decide something."""

from __future__ import annotations

from collections.abc import Mapping

from bexsync.records.columns import ORDERS_BY_NAME
from bexsync.shops.folder.table.decisive import INVOICE_KINDS, Kind, anything, never, stems
from bexsync.shops.folder.table.vocabulary import AMBIGUOUS, SYNONYMS, Vocabulary


def _of_address(german: str, *others: str) -> tuple[str, ...]:
    """A part of the delivery address as it is called after the address, before it, and in other languages."""
    return (f"{german} Lieferung", f"Lieferung {german}", f"Lieferadresse {german}", f"{german} Lieferadresse", *others)


_OF_ORDERS: Mapping[str, tuple[str, ...]] = {
    "order_number": (
        *("Bestellnummer", "Bestell-Nr", "Bestellnr", "Bestellung", "Bestellung Nr", "Auftragsnummer", "Auftrags-Nr"),
        *("Auftragsnr", "Auftrag", "Auftrag Nr", "Order", "Order no", "Order Nr", "Order name", "Order reference"),
        *("Numéro de commande", "No commande", "N° commande", "N° de commande", "Commande", "Numero ordine"),
        *("N. ordine", "Ordine"),
    ),
    "shop_id": (
        *("Shop ID", "Bestell-ID", "Bestellungs-ID", "Auftrags-ID", "Order ID", "ID commande", "ID de commande"),
        "ID ordine",
    ),
    "order_status": (
        *("Status", "Bestellstatus", "Auftragsstatus", "Status der Bestellung", "Statut", "Statut de la commande"),
        *("Statut commande", "État", "État de la commande", "Stato", "Stato ordine", "Stato dell'ordine"),
    ),
    "financial_status": (
        *("Zahlungsstatus", "Bezahlstatus", "Payment status", "Statut de paiement", "Statut du paiement"),
        "Stato pagamento",
    ),
    "fulfillment_status": (
        *("Versandstatus", "Lieferstatus", "Fulfilment status", "Shipping status", "Delivery status"),
        *("Statut de livraison", "Statut d'expédition", "Stato spedizione"),
    ),
    "ordered_at": (
        *("Bestelldatum", "Bestellt am", "Bestellzeitpunkt", "Auftragsdatum", "Order date", "Ordered on", "Ordered"),
        *("Order placed", "Date de commande", "Date de la commande", "Commandé le", "Data ordine"),
        *("Data dell'ordine", "Ordinato il"),
    ),
    "updated_at": (
        *("Geändert am", "Aktualisiert am", "Letzte Änderung", "Updated", "Last updated", "Modified at"),
        *("Last modified", "Modifié le", "Mis à jour le", "Dernière modification", "Modificato il"),
    ),
    "paid_at": (
        *("Bezahlt am", "Zahlungsdatum", "Zahldatum", "Paid on", "Date paid", "Payment date", "Payé le"),
        *("Date de paiement", "Pagato il", "Data pagamento"),
    ),
    "cancelled_at": (
        *("Storniert am", "Stornodatum", "Annulliert am", "Canceled at", "Cancelled on", "Cancellation date"),
        *("Annulé le", "Date d'annulation", "Annullato il"),
    ),
    "completed_at": ("Abgeschlossen am", "Completed on", "Date completed", "Terminé le", "Completato il"),
    "site": (),
    "is_test": ("Test", "Testbestellung", "Test order", "Commande test", "Ordine di prova"),
    "refunded": tuple(word for word in SYNONYMS["refunded"] if word != "Financial Status"),
    "payment_method": (*SYNONYMS["payment_method"], "Zahlungsmethode", "Mode de règlement", "Payment"),
    "payment_method_title": ("Bezeichnung der Zahlungsart", "Titre du mode de paiement"),
    "transaction_id": (
        *("Transaktions-ID", "Transaktionsnummer", "Transaktions-Nr", "Transaction", "Transaction number"),
        *("Payment ID", "Payment reference", "ID de transaction", "Numéro de transaction", "ID transazione"),
    ),
    "purchase_order_number": (
        *("Bestellreferenz", "Kundenreferenz", "Ihre Referenz", "PO", "PO number", "Purchase order"),
        *("Référence client", "Numéro de bon de commande", "Riferimento cliente"),
    ),
    "customer_note": (
        *("Kundennotiz", "Kundenbemerkung", "Bemerkung des Kunden", "Kundenkommentar", "Customer comment"),
        *("Order note", "Order notes", "Note du client", "Remarque du client", "Nota del cliente"),
    ),
    "total": (
        *SYNONYMS["total"],
        *("Bestelltotal", "Bestellwert", "Bestellsumme", "Auftragstotal", "Auftragssumme", "Order total"),
        *("Total commande", "Total de la commande", "Totale ordine"),
    ),
    "total_discount": ("Rabatt gesamt", "Gesamtrabatt", "Total Rabatt", "Total remise", "Totale sconto"),
    "total_outstanding": SYNONYMS["open_amount"],
    "shipping_company": _of_address("Firma", "Delivery company", "Société livraison", "Entreprise livraison"),
    "shipping_first_name": _of_address("Vorname", "Delivery first name", "Prénom livraison"),
    "shipping_last_name": _of_address("Nachname", "Delivery last name", "Nom livraison"),
    "shipping_address_line1": (
        *("Lieferadresse", "Shipping address", "Shipping address 1", "Delivery address", "Adresse de livraison"),
        "Indirizzo di consegna",
    ),
    "shipping_address_line2": (
        *("Lieferadresse 2", "Lieferadresse Zusatz", "Shipping address 2", "Delivery address 2"),
        "Complément d'adresse de livraison",
    ),
    "shipping_street": _of_address("Strasse", "Delivery street", "Rue livraison", "Rue de livraison"),
    "shipping_house_number": _of_address("Hausnummer", "Delivery house number", "Numéro de rue livraison"),
    "shipping_postal_code": _of_address(
        "PLZ", "Shipping zip", "Shipping postcode", "Delivery zip", "Delivery postcode", "Code postal livraison",
        "NPA livraison",
    ),
    "shipping_city": _of_address("Ort", "Lieferort", "Delivery city", "Ville livraison", "Localité livraison"),
    "shipping_region": _of_address("Kanton", "Shipping state", "Shipping province", "Canton livraison"),
    "shipping_country_code": _of_address("Land", "Lieferland", "Shipping country", "Pays livraison"),
    "virtual": ("Virtuell", "Digital", "Download", "Virtuel", "Virtuale"),
}  # fmt: skip
ORDER_SYNONYMS = {name: _OF_ORDERS[name] if name in _OF_ORDERS else SYNONYMS[name] for name in ORDERS_BY_NAME}
_RENAMED = {"number": "order_number", "document_type": "line_type"}
ORDER_AMBIGUOUS: Mapping[str, tuple[str, ...]] = {
    **{
        word: tuple(dict.fromkeys(name for part in names if (name := _RENAMED.get(part, part)) in ORDERS_BY_NAME))
        for word, names in AMBIGUOUS.items()
    },
    **dict.fromkeys(("Datum", "Date", "Data"), ("ordered_at",)),
    **dict.fromkeys(("Name", "Nom", "Nome"), ("order_number", "item", "company_name", "last_name")),
    **dict.fromkeys(("Bezahlt", "Paid", "Payé", "Payée", "Pagato"), ("paid_at", "financial_status")),
    **dict.fromkeys(("Storniert", "Cancelled", "Canceled", "Annulé", "Annullato"), ("cancelled_at",)),
    **dict.fromkeys(("Referenz", "Reference", "Référence"), ("order_number", "purchase_order_number")),
}
ORDERS_NEED: tuple[tuple[str, ...], ...] = (
    ("order_number", "shop_id"),
    ("ordered_at",),
    ("order_status",),
    ("currency",),
    ("company_name", "last_name", "email", "customer_id"),
    ("item", "description", "line_id"),
    ("unit_price", "unit_price_gross", "line_total"),
    ("total",),
)
ORDERS = Vocabulary(
    ORDERS_BY_NAME,
    ORDER_SYNONYMS,
    ORDER_AMBIGUOUS,
    ORDERS_NEED,
    doubles={"unit_price_gross": "unit_price"},
    shared=frozenset(SYNONYMS).intersection(ORDERS_BY_NAME),
)
_CURRENCY, _TAX, _ACCOUNT, _, _, _, _PAID, _DISCOUNT, _QUANTITY, _ = INVOICE_KINDS
ORDER_KINDS: tuple[Kind, ...] = (
    *(_CURRENCY, _TAX, _ACCOUNT, _DISCOUNT, _QUANTITY),
    Kind(("refunded",), (), never, stems(r"refund|erstatt|rembours|rimbors|gutgeschrieben"), anything),
    Kind(("cancelled_at",), ("cancelled_at",), never, stems(r"storn|annul|cancel|\bvoid"), anything),
    Kind(("paid_at", "financial_status"), ("paid_at", "financial_status"), never, _PAID.stems, anything),
)
