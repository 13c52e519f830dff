"""What people call the columns of invoices, and how two names of a column are compared."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from bexsync.records.columns import BY_NAME, Column

Columns = Mapping[str, Sequence[str]]

_UMLAUTS = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "Ä": "Ae", "Ö": "Oe", "Ü": "Ue"})
FINANCIAL_STATUS = "financialstatus"  # Shopify's, which tells of payments and of refunds

# What columns of invoices and of products are called alike.
TAX_RATE = (
    *("MWST %", "MWST in %", "MWST-Satz", "MWST-Satz %", "Steuersatz", "Steuersatz %", "USt %", "VAT %", "VAT rate"),
    *("VAT rate %", "Tax %", "TVA %", "TVA en %", "Taux TVA", "Taux de TVA", "IVA %", "Aliquota", "Aliquota IVA"),
)
CURRENCY = ("Währung", "Devise", "Monnaie", "Moneta", "Divisa")
REVENUE_ACCOUNT = (
    *("Konto", "Ertragskonto", "Erlöskonto", "Account", "Compte", "Compte de produits", "Conto", "Conto ricavi"),
)

SYNONYMS: Mapping[str, tuple[str, ...]] = {
    "number": (
        *("Rechnungsnummer", "Rechnungsnr", "Rechnung Nr", "Belegnummer", "Belegnr", "Invoice number", "Invoice no"),
        *("Invoice", "Numéro de facture", "No facture", "Numero fattura", "N. fattura", "source_number", "Rechnung"),
        *("Rg-Nr", "Rechnungs-No", "Fakturanummer", "Faktura-Nr", "Invoice Nr", "N° facture", "N° de facture"),
        *("Facture no", "Facture n°", "Nr fattura", "Numero documento", "Document number", "Document no"),
    ),
    "shop_id": ("Shop ID", "Rechnungs-ID", "Invoice ID", "ID facture", "ID fattura"),
    "document_type": (
        *("Dokumentart", "Belegart", "Type de document", "Tipo documento", "Dokumenttyp", "Belegtyp", "Rechnungsart"),
        *("Rechnungstyp", "Document type", "Invoice type", "Transaction type", "Type de facture", "Tipo di documento"),
        "Tipo fattura",
    ),
    "status": (
        *("Rechnungsstatus", "Invoice status", "Statut", "Stato", "Zahlungsstatus", "Bezahlstatus", "Belegstatus"),
        *("Statut de la facture", "Statut facture", "Statut de paiement", "État", "État de la facture"),
        *("Stato fattura", "Stato pagamento", "Payment status", "Invoice state"),
    ),
    "cancelled": (
        *("Storno", "Storniert", "Storniert am", "Stornodatum", "Stornokennzeichen", "Annulliert", "Annulliert am"),
        *("Canceled", "Cancelled at", "Canceled at", "Cancelled on", "Cancellation date", "Void", "Voided"),
        *("Voided at", "Annulé", "Annulée", "Annulé le", "Date d'annulation", "Annullato", "Annullata", "Stornato"),
        "Stornata",
    ),
    "refunded": (
        *("Erstattet", "Rückerstattet", "Rückerstattung", "Erstattungsbetrag", "Rückerstattet am", "Erstattet am"),
        *("Financial Status", "Refund", "Refunds", "Refunded amount", "Amount refunded", "Refunded at"),
        *("Total refunded", "Refund amount", "Remboursé", "Remboursement", "Montant remboursé", "Rimborsato"),
        *("Rimborso", "Importo rimborsato"),
    ),
    "paid": (
        *("Bezahlt", "Bezahlt am", "Bereits bezahlt", "Bezahlter Betrag", "Zahlungsdatum", "Zahldatum", "Beglichen"),
        *("Paid on", "Amount paid", "Paid amount", "Date paid", "Payment date", "Payé", "Payée", "Payé le"),
        *("Date de paiement", "Montant payé", "Pagato", "Pagata", "Data pagamento", "Importo pagato"),
    ),
    "paid_moment": ("Zahlungszeitpunkt", "Moment of payment", "Moment du paiement", "Momento del pagamento"),
    "open_amount": (
        *("Offen", "Offener Betrag", "Offener Rechnungsbetrag", "Noch offen", "Restbetrag", "Offener Saldo"),
        *("Saldo offen", "Balance", "Balance due", "Invoice balance", "Open amount", "Outstanding"),
        *("Outstanding amount", "Unpaid amount", "Solde", "Solde dû", "Montant ouvert", "Reste à payer"),
        *("Solde ouvert", "Importo aperto", "Importo scoperto", "Saldo aperto", "Da pagare"),
    ),
    "original_shop_id": (
        *("Originalrechnung", "Zu Rechnung", "Original invoice", "Facture d'origine", "Fattura originale", "Bezug"),
        *("Bezugsrechnung", "Bezugsbeleg", "Bezug Rechnung", "Referenzrechnung", "Ursprungsrechnung", "Ursprungsbeleg"),
        *("Originalbeleg", "Original Rechnungsnummer", "Stornierte Rechnung", "Storno zu", "Storno von"),
        *("Storniert Rechnung", "Zu Rechnung Nr", "Zu Rechnungsnummer", "Gutschrift zu", "Gutschrift zu Rechnung"),
        *("Related invoice", "Credited invoice", "Cancelled invoice", "Corrected invoice", "Original invoice number"),
        *("Facture de référence", "Facture annulée", "Facture liée", "Facture corrigée", "Fattura di riferimento"),
        *("Fattura stornata", "Fattura collegata"),
    ),
    "invoice_date": (
        *("Datum", "Rechnungsdatum", "Belegdatum", "Date", "Date de facture", "Date facture", "Data", "Data fattura"),
        *("Rechnungsdat", "Fakturadatum", "Ausstellungsdatum", "Invoice date", "Issue date", "Date of issue"),
        *("Document date", "Date d'émission", "Date de la facture", "Data di emissione", "Data della fattura"),
        "Data documento",
    ),
    "due_date": (
        *("Fällig", "Fällig am", "Fälligkeit", "Fälligkeitsdatum", "Zahlbar bis", "Due", "Due on", "Échéance"),
        *("Date d'échéance", "Payable jusqu'au", "Scadenza", "Data scadenza", "Data di scadenza"),
    ),
    "payment_terms_days": (
        *("Zahlungsfrist", "Zahlungsfrist (Tage)", "Zahlungsziel", "Frist", "Payment terms", "Terms (days)"),
        *("Délai de paiement", "Termine di pagamento"),
    ),
    "payment_method": ("Zahlungsart", "Zahlungsmittel", "Mode de paiement", "Metodo di pagamento"),
    "currency": (
        *CURRENCY,
        *("Währungscode", "Währungskürzel", "Währungskennzeichen", "Rechnungswährung", "Belegwährung", "Whg", "Whrg"),
        *("WKZ", "Currency code", "Currency ISO", "ISO currency", "ISO-Code Währung", "ISO Währung", "Curr", "Cur"),
        *("Ccy", "Invoice currency", "Document currency", "Transaction currency", "Code devise"),
        *("Devise de facturation", "Devise facture", "Code monnaie", "Monnaie de facturation", "Codice valuta"),
        *("Codice divisa", "Valuta fattura", "Valuta della fattura"),
    ),
    "prices_include_tax": (
        *("Preise inkl. MWST", "Inkl. MWST", "Prices include VAT", "Prix TVA comprise", "TVA comprise", "IVA compresa"),
    ),
    "language": ("Sprache", "Langue", "Lingua"),
    "title": ("Titel", "Betreff", "Rechnungstitel", "Titre", "Objet", "Titolo", "Oggetto"),
    "header_text": ("Einleitung", "Einleitungstext", "Kopftext", "Introduction", "Introduzione"),
    "footer_text": ("Schlusstext", "Fusstext", "Footer", "Texte de fin", "Testo finale"),
    "contract_reference": ("Vertrag", "Vertragsnummer", "Contract", "Contrat", "Contratto"),
    "project_number": ("Projektnummer", "Projekt-Nr", "Numéro de projet", "Numero progetto"),
    "project_name": ("Projekt", "Project", "Projet", "Progetto"),
    "auto_send": ("Mailen", "Per Mail senden", "Send by mail", "Envoyer par mail", "Inviare per mail"),
    "leave_as_draft": ("Als Entwurf", "Leave as draft", "Laisser en brouillon", "Lasciare come bozza"),
    "total": (
        *("Rechnungsbetrag", "Rechnungstotal", "Gesamtbetrag", "Gesamttotal", "Totalbetrag", "Endbetrag"),
        *("Total inkl. MWST", "Betrag inkl. MWST", "Brutto total", "Total brutto", "Total incl. VAT", "Total amount"),
        *("Invoice total", "Grand total", "Gross total", "Total TTC", "Montant TTC", "Montant total", "Totale"),
        *("Totale IVA inclusa", "Importo totale", "Totale fattura", "Rechnungssumme", "Gesamtsumme", "Bruttobetrag"),
        *("Betrag brutto", "Total inkl", "Amount due incl. VAT", "Total including tax", "Total incl. tax"),
        *("Montant total TTC", "Totale documento"),
    ),
    "total_net": (
        *("Total exkl. MWST", "Total netto", "Netto total", "Nettototal", "Nettobetrag", "Total excl. VAT"),
        *("Net total", "Total HT", "Montant HT", "Totale netto", "Totale IVA esclusa", "Imponibile", "Betrag netto"),
        *("Nettosumme", "Total exkl", "Total excluding tax", "Total excl. tax", "Net amount", "Montant net"),
        "Importo netto",
    ),
    "total_tax": (
        *("Total MWST", "MWST total", "MWST-Betrag", "Steuerbetrag", "VAT total", "Total VAT", "VAT amount"),
        *("Total TVA", "Montant TVA", "Totale IVA", "Importo IVA", "Taxes", "Tax total", "Tax amount"),
        *("Mehrwertsteuerbetrag", "Betrag MWST", "MWST Betrag total", "Umsatzsteuerbetrag", "USt-Betrag"),
        *("Steuer total", "Total Steuer", "Montant de la TVA", "Importo dell'IVA"),
    ),
    "total_rounding": (
        *("Rundung", "Rundungsdifferenz", "Rundungsbetrag", "Rounding", "Rounding difference", "Round off", "Arrondi"),
        *("Différence d'arrondi", "Arrotondamento", "Differenza di arrotondamento"),
    ),
    "customer_id": ("Kunden-ID", "ID client", "ID cliente"),
    "customer_kind": ("Kundenart", "Kundentyp", "Customer type", "Type de client", "Tipo cliente"),
    "customer_number": ("Kundennummer", "Kunden-Nr", "Customer no", "Numéro de client", "No client", "Numero cliente"),
    "company_name": (
        *("Firma", "Firmenname", "Unternehmen", "Kunde", "Kundenname", "Company", "Customer", "Customer name"),
        *("Entreprise", "Société", "Raison sociale", "Client", "Nom du client", "Ditta", "Azienda", "Ragione sociale"),
        "Cliente",
    ),
    "salutation": ("Anrede", "Civilité", "Appellativo"),
    "first_name": ("Vorname", "Given name", "Prénom"),
    "last_name": ("Nachname", "Familienname", "Surname", "Family name", "Nom de famille", "Cognome"),
    "email": ("E-Mail", "E-Mail-Adresse", "Mail", "Mailadresse", "Email address", "Courriel", "Adresse e-mail"),
    "phone": ("Telefon", "Telefonnummer", "Tel", "Telephone", "Téléphone", "Telefono"),
    "vat_number": (
        *("UID", "UID-Nummer", "MWST-Nummer", "MWST-Nr", "USt-IdNr", "VAT no", "VAT ID", "Numéro TVA", "Partita IVA"),
    ),
    "address_line1": ("Adresse", "Adresszeile 1", "Address", "Address 1", "Adresse 1", "Indirizzo"),
    "address_line2": (
        *("Adresszusatz", "Zusatz", "Adresszeile 2", "Address 2", "Adresse 2", "Complément d'adresse", "Indirizzo 2"),
    ),
    "street": ("Strasse", "Strasse und Nr", "Rue", "Via"),
    "house_number": ("Hausnummer", "Hausnr", "House no", "Numéro de rue", "Numero civico"),
    "postal_code": ("PLZ", "Postleitzahl", "ZIP", "ZIP code", "Postcode", "NPA", "Code postal", "CAP", "NAP"),
    "city": ("Ort", "Ortschaft", "Stadt", "Town", "Ville", "Localité", "Lieu", "Città", "Località", "Luogo"),
    "region": ("Kanton", "State", "Province", "Canton", "Cantone", "Provincia"),
    "country_code": ("Land", "Ländercode", "Country", "Pays", "Code pays", "Paese", "Nazione"),
    "contact_salutation": ("Anrede Kontakt",),
    "contact_first_name": ("Vorname Kontakt", "Prénom contact", "Nome contatto"),
    "contact_last_name": ("Nachname Kontakt", "Nom contact", "Cognome contatto"),
    "contact_email": ("E-Mail Kontakt", "E-mail contact", "E-mail contatto"),
    "contact_phone": ("Telefon Kontakt", "Téléphone contact", "Telefono contatto"),
    "mail_to": ("Mail an", "Rechnungsmail"),
    "mail_subject": ("Mail Betreff",),
    "mail_text": ("Mailtext",),
    "mail_attach_pdf": ("PDF anhängen",),
    "line_id": ("Positions-ID", "ID position", "ID riga"),
    "line_type": ("Positionsart", "Positionstyp", "Zeilenart", "Type de ligne", "Tipo riga"),
    "sku": ("Artikelnummer", "Artikel-Nr", "Item number", "Product code", "Numéro d'article", "Codice articolo"),
    "item": (
        *("Artikel", "Artikelname", "Bezeichnung", "Leistung", "Produkt", "Item name", "Product", "Product name"),
        *("Article", "Désignation", "Prestation", "Produit", "Articolo", "Designazione", "Prodotto", "Voce"),
    ),
    "description": ("Beschreibung", "Positionstext", "Details", "Libellé", "Descrizione"),
    "quantity": (
        *("Menge", "Anzahl", "Qty", "Quantité", "Qté", "Quantità", "Qtà", "Mng", "Anz", "Stückzahl", "Anzahl Stunden"),
        *("Units", "Nombre", "Qté facturée", "Numero pezzi"),
    ),
    "unit": ("Einheit", "Unité", "Unità"),
    "unit_price": (
        *("Einzelpreis", "Preis", "Stückpreis", "Preis pro Einheit", "Ansatz", "Einzelpreis exkl. MWST"),
        *("Einzelpreis netto", "Price", "Net price", "Unit price excl. VAT", "Prix unitaire", "Prix"),
        *("Prix unitaire HT", "Prix HT", "Prezzo", "Prezzo unitario", "Prezzo IVA esclusa"),
    ),
    "unit_price_gross": (
        *("Einzelpreis inkl. MWST", "Preis inkl. MWST", "Einzelpreis brutto", "Gross price", "Unit price incl. VAT"),
        *("Price incl. VAT", "Prix unitaire TTC", "Prix TTC", "Prezzo IVA inclusa"),
    ),
    "discount_percent": (
        *("Rabatt %", "Rabatt in %", "Rabattsatz", "Discount %", "Remise %", "Remise en %", "Rabais %", "Sconto %"),
        *("Nachlass %", "Rabatt Prozent", "Rabatt in Prozent", "Discount percentage", "Discount rate"),
        *("Remise pourcent", "Taux de remise", "Percentuale sconto"),
    ),
    "discount_amount": (
        *("Rabattbetrag", "Rabatt CHF", "Montant remise", "Montant rabais", "Importo sconto", "Nachlassbetrag"),
        *("Rabatt in CHF", "Discount value", "Discount total", "Montant de la remise", "Valore sconto"),
    ),
    "line_total": (
        *("Zeilentotal", "Zeilenbetrag", "Positionstotal", "Positionsbetrag", "Line amount", "Total ligne"),
        *("Montant ligne", "Totale riga", "Importo riga"),
    ),
    "line_tax": ("MWST Position", "VAT line", "Line VAT", "TVA ligne", "IVA riga"),
    "tax_rate": (
        *TAX_RATE,
        *("Mehrwertsteuer %", "Mehrwertsteuersatz", "Umsatzsteuersatz", "Umsatzsteuer %", "USt-Satz", "USt-Satz %"),
        *("USt in %", "MWST Prozent", "MWST Prozentsatz", "MWST Satz in %", "Steuer %", "Steuer in %", "Steuerprozent"),
        *("Steuerprozentsatz", "Tax rate %", "Tax percentage", "VAT percentage", "Taux TVA %", "Taux de TVA %"),
        *("TVA pourcent", "Percentuale IVA", "Tasso IVA", "Aliquota IVA %", "Aliquota %"),
    ),
    "tax_class": ("Steuerklasse", "MWST-Klasse", "VAT class", "Classe TVA", "Classe IVA", "Tax class", "Steuerart"),
    "tax_code": (
        *("Steuercode", "MWST-Code", "MWST-Schlüssel", "VAT code", "Code TVA", "Codice IVA", "Steuerschlüssel"),
        *("USt-Schlüssel", "Steuerkennzeichen", "MWST-Kürzel", "Tax code", "VAT key", "Code de TVA", "Code taxe"),
        "Codice imposta",
    ),
    "revenue_account": (
        *REVENUE_ACCOUNT,
        *("Sachkonto", "Sachkonto Nr", "Sachkontonummer", "Fibu-Konto", "Fibu-Konto Nr", "Konto Nr", "Konto-Nummer"),
        *("Erlöskonto Nr", "Erlöskontonummer", "Ertragskonto Nr", "Ertragskontonummer", "Konto Ertrag", "Konto Erlös"),
        *("Umsatzkonto", "Buchungskonto", "Haben-Konto", "Konto Haben", "Account code", "Account no", "Account number"),
        *("GL account", "GL code", "Ledger account", "Nominal account", "Nominal code", "Revenue account no"),
        *("Income account", "Sales account", "Compte de vente", "Compte de ventes", "Compte de produit"),
        *("Compte de revenu", "Compte de revenus", "Compte général", "N° de compte", "No de compte"),
        *("Numéro de compte", "Compte comptable", "Conto di ricavo", "Conto ricavo", "Conto vendite"),
        *("Conto contabile", "Numero conto", "N. conto"),
    ),
    "period_from": ("Leistung von", "Zeitraum von", "Period from", "Période du", "Periodo dal"),
    "period_to": ("Leistung bis", "Zeitraum bis", "Period to", "Période au", "Periodo al"),
}
# What people write over columns that may hold one thing or another: never guessed.
AMBIGUOUS: Mapping[str, tuple[str, ...]] = {
    **dict.fromkeys(("Nr", "No", "N", "Nummer", "Numéro", "Numero", "ID"), ("number", "line_id")),
    **dict.fromkeys(
        ("MWST", "USt", "Steuer", "VAT", "Tax", "TVA", "IVA"), ("tax_rate", "line_tax", "total_tax", "tax_code")
    ),
    **dict.fromkeys(
        ("Betrag", "Amount", "Montant", "Importo", "Summe", "Sum", "Somme", "Somma", "Netto", "Net", "Brutto", "Gross"),
        ("line_total", "total", "total_net", "unit_price"),
    ),
    **dict.fromkeys(("Rabatt", "Discount", "Remise", "Rabais", "Sconto"), ("discount_percent", "discount_amount")),
    **dict.fromkeys(("Typ", "Type", "Art", "Tipo"), ("document_type", "line_type")),
    **dict.fromkeys(("Name", "Nom", "Nome"), ("item", "company_name", "last_name")),
    **dict.fromkeys(("Position", "Pos"), ("line_id", "item")),
    **dict.fromkeys(("Text", "Texte", "Testo"), ("item", "description", "title")),
    "Valuta": ("currency", "due_date"),
    "ISO": ("currency", "country_code"),
    **dict.fromkeys(("ISO-Code", "ISO Code"), ("currency", "country_code")),
    **dict.fromkeys(
        ("Mehrwertsteuer", "Umsatzsteuer", "MWST CHF", "Taxe", "Imposta"), ("tax_rate", "line_tax", "total_tax")
    ),
    **dict.fromkeys(("Gegenkonto", "Contra account", "Contrepartie", "Contropartita"), ("revenue_account",)),
    **dict.fromkeys(
        ("Nachlass", "Ermässigung", "Réduction", "Reduction", "Ribasso"), ("discount_percent", "discount_amount")
    ),
    **dict.fromkeys(
        ("Stunden", "Std", "Hours", "Heures", "Ore", "Stück", "Stk", "Pièces", "Pezzi", "Pcs"), ("quantity",)
    ),
}
NEEDED: tuple[tuple[str, ...], ...] = (
    ("number", "shop_id"),
    ("invoice_date",),
    ("currency",),
    ("company_name", "last_name", "email", "customer_id"),
    ("item", "description", "line_id"),
    ("unit_price", "unit_price_gross", "line_total"),
    ("total", "total_net"),
)


@lru_cache(maxsize=1 << 16)  # each header is looked up many times, and a file may have thousands
def plain_header(text: str) -> str:
    """A header without case, accents, spaces and punctuation."""
    spelled = unicodedata.normalize("NFKD", text.replace("%", " percent ").casefold())
    return "".join(sign for sign in spelled if sign.isalnum() and not unicodedata.combining(sign))


def header_letters(text: str) -> str:
    """A header without case, spaces and punctuation, with its accents."""
    spelled = unicodedata.normalize("NFC", text.casefold())
    return "".join(sign for sign in spelled if sign.isalnum())


def spellings(word: str) -> set[str]:
    """A known name as plain headers: as it stands, and with ae, oe, ue in place of umlauts."""
    return {plain_header(word), plain_header(word.translate(_UMLAUTS))}


@dataclass(frozen=True)
class Vocabulary:
    """The fields of one sort of table, and what people call their columns.

    `doubles` names fields that are left out where the other one is there; names that the profile gives to `shared`
    fields may be meant for another table.
    """

    columns: Mapping[str, Column]
    synonyms: Mapping[str, tuple[str, ...]]
    ambiguous: Mapping[str, tuple[str, ...]]
    needed: tuple[tuple[str, ...], ...]
    doubles: Mapping[str, str] = field(default_factory=dict)
    shared: frozenset[str] = frozenset()
    by_header: Mapping[str, str] = field(init=False)
    candidates: Mapping[str, tuple[str, ...]] = field(init=False)
    spelled: frozenset[str] = field(init=False)

    def __post_init__(self) -> None:
        table = {plain: name for name, words in self.synonyms.items() for word in words for plain in spellings(word)}
        object.__setattr__(self, "by_header", table | {plain_header(name): name for name in self.columns})
        names = (*self.columns, *self.ambiguous, *(word for words in self.synonyms.values() for word in words))
        object.__setattr__(self, "spelled", frozenset(map(header_letters, names)))
        object.__setattr__(self, "candidates", {plain_header(word): names for word, names in self.ambiguous.items()})

    def wanted(self, headers: Sequence[str], columns: Columns) -> Columns:
        """What of the profile's names is meant for a table with these headers."""
        plain = {plain_header(header) for header in headers}
        needed = {names[0] for names in self.needed if len(names) == 1}
        return {
            name: chosen
            for name, chosen in columns.items()
            if name in self.columns
            and (
                name not in self.shared
                or (any(plain_header(header) in plain for header in chosen) if any(chosen) else name not in needed)
            )
        }


INVOICES = Vocabulary(BY_NAME, SYNONYMS, AMBIGUOUS, NEEDED, doubles={"unit_price_gross": "unit_price"})
