"""Which column of a table is which field: by the profile, by its standard name, or by what people call it."""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from bexsync.records.columns import BY_NAME, Column
from bexsync.records.quoting import printable
from bexsync.shops.folder.json_source import UnusableFile

SYNONYMS: Mapping[str, tuple[str, ...]] = {
    "number": (
        *("Rechnungsnummer", "Rechnungsnr", "Rechnung Nr", "Belegnummer", "Belegnr", "Invoice number", "Invoice no"),
        *("Invoice", "Numéro de facture", "No facture", "Numero fattura", "N. fattura", "source_number"),
        *(
            "Rechnung",
            "Rg-Nr",
            "Rechnungs-No",
            "Fakturanummer",
            "Faktura-Nr",
            "Invoice Nr",
            "N° facture",
            "N° de facture",
            "Facture no",
            "Facture n°",
            "Nr fattura",
            "Numero documento",
            "Document number",
            "Document no",
        ),
    ),
    "shop_id": ("Shop ID", "Rechnungs-ID", "Invoice ID", "ID facture", "ID fattura"),
    "document_type": (
        "Dokumentart",
        "Belegart",
        "Type de document",
        "Tipo documento",
        *(
            "Dokumenttyp",
            "Belegtyp",
            "Rechnungsart",
            "Rechnungstyp",
            "Document type",
            "Invoice type",
            "Transaction type",
            "Type de facture",
            "Tipo di documento",
            "Tipo fattura",
        ),
    ),
    "status": (
        "Rechnungsstatus",
        "Invoice status",
        "Statut",
        "Stato",
        *(
            "Zahlungsstatus",
            "Bezahlstatus",
            "Belegstatus",
            "Statut de la facture",
            "Statut facture",
            "Statut de paiement",
            "État",
            "État de la facture",
            "Stato fattura",
            "Stato pagamento",
            "Payment status",
            "Invoice state",
        ),
    ),
    "cancelled": (
        *("Storno", "Storniert", "Storniert am", "Stornodatum", "Stornokennzeichen", "Annulliert", "Annulliert am"),
        *(
            "Canceled",
            "Cancelled at",
            "Canceled at",
            "Cancelled on",
            "Cancellation date",
            "Void",
            "Voided",
            "Voided at",
        ),
        *("Annulé", "Annulée", "Annulé le", "Date d'annulation", "Annullato", "Annullata", "Stornato", "Stornata"),
    ),
    "refunded": (
        *("Erstattet", "Rückerstattet", "Rückerstattung", "Erstattungsbetrag", "Rückerstattet am", "Erstattet am"),
        *(
            "Financial Status",
            "Refund",
            "Refunds",
            "Refunded amount",
            "Amount refunded",
            "Refunded at",
            "Total refunded",
            "Refund amount",
        ),
        *("Remboursé", "Remboursement", "Montant remboursé", "Rimborsato", "Rimborso", "Importo rimborsato"),
    ),
    "paid": (
        *("Bezahlt", "Bezahlt am", "Bereits bezahlt", "Bezahlter Betrag", "Zahlungsdatum", "Zahldatum", "Beglichen"),
        *("Paid on", "Amount paid", "Paid amount", "Date paid", "Payment date", "Payé", "Payée", "Payé le"),
        *("Date de paiement", "Montant payé", "Pagato", "Pagata", "Data pagamento", "Importo pagato"),
    ),
    "open_amount": (
        *(
            "Offen",
            "Offener Betrag",
            "Offener Rechnungsbetrag",
            "Noch offen",
            "Restbetrag",
            "Offener Saldo",
            "Saldo offen",
        ),
        *(
            "Balance",
            "Balance due",
            "Invoice balance",
            "Open amount",
            "Outstanding",
            "Outstanding amount",
            "Unpaid amount",
        ),
        *("Solde", "Solde dû", "Montant ouvert", "Reste à payer", "Solde ouvert"),
        *("Importo aperto", "Importo scoperto", "Saldo aperto", "Da pagare"),
    ),
    "original_shop_id": (
        "Originalrechnung",
        "Zu Rechnung",
        "Original invoice",
        "Facture d'origine",
        "Fattura originale",
        *(
            "Bezug",
            "Bezugsrechnung",
            "Bezugsbeleg",
            "Bezug Rechnung",
            "Referenzrechnung",
            "Ursprungsrechnung",
            "Ursprungsbeleg",
            "Originalbeleg",
            "Original Rechnungsnummer",
            "Stornierte Rechnung",
            "Storno zu",
            "Storno von",
            "Storniert Rechnung",
            "Zu Rechnung Nr",
            "Zu Rechnungsnummer",
            "Gutschrift zu",
            "Gutschrift zu Rechnung",
            "Related invoice",
            "Credited invoice",
            "Cancelled invoice",
            "Corrected invoice",
            "Original invoice number",
            "Facture de référence",
            "Facture annulée",
            "Facture liée",
            "Facture corrigée",
            "Fattura di riferimento",
            "Fattura stornata",
            "Fattura collegata",
        ),
    ),
    "invoice_date": (
        *("Datum", "Rechnungsdatum", "Belegdatum", "Date", "Date de facture", "Date facture"),
        *("Data", "Data fattura"),
        *(
            "Rechnungsdat",
            "Fakturadatum",
            "Ausstellungsdatum",
            "Invoice date",
            "Issue date",
            "Date of issue",
            "Document date",
            "Date d'émission",
            "Date de la facture",
            "Data di emissione",
            "Data della fattura",
            "Data documento",
        ),
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
        "Währung",
        "Devise",
        "Monnaie",
        "Moneta",
        "Divisa",
        *(
            "Währungscode",
            "Währungskürzel",
            "Währungskennzeichen",
            "Rechnungswährung",
            "Belegwährung",
            "Whg",
            "Whrg",
            "WKZ",
            "Currency code",
            "Currency ISO",
            "ISO currency",
            "ISO-Code Währung",
            "ISO Währung",
            "Curr",
            "Cur",
            "Ccy",
            "Invoice currency",
            "Document currency",
            "Transaction currency",
            "Code devise",
            "Devise de facturation",
            "Devise facture",
            "Code monnaie",
            "Monnaie de facturation",
            "Codice valuta",
            "Codice divisa",
            "Valuta fattura",
            "Valuta della fattura",
        ),
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
        *("Totale IVA inclusa", "Importo totale", "Totale fattura"),
        *(
            "Rechnungssumme",
            "Gesamtsumme",
            "Bruttobetrag",
            "Betrag brutto",
            "Total inkl",
            "Amount due incl. VAT",
            "Total including tax",
            "Total incl. tax",
            "Montant total TTC",
            "Totale documento",
        ),
    ),
    "total_net": (
        *(
            "Total exkl. MWST",
            "Total netto",
            "Netto total",
            "Nettototal",
            "Nettobetrag",
            "Total excl. VAT",
            "Net total",
        ),
        *("Total HT", "Montant HT", "Totale netto", "Totale IVA esclusa", "Imponibile"),
        *(
            "Betrag netto",
            "Nettosumme",
            "Total exkl",
            "Total excluding tax",
            "Total excl. tax",
            "Net amount",
            "Montant net",
            "Importo netto",
        ),
    ),
    "total_tax": (
        *("Total MWST", "MWST total", "MWST-Betrag", "Steuerbetrag", "VAT total", "Total VAT", "VAT amount"),
        *("Total TVA", "Montant TVA", "Totale IVA", "Importo IVA"),
        *(
            "Taxes",
            "Tax total",
            "Tax amount",
            "Mehrwertsteuerbetrag",
            "Betrag MWST",
            "MWST Betrag total",
            "Umsatzsteuerbetrag",
            "USt-Betrag",
            "Steuer total",
            "Total Steuer",
            "Montant de la TVA",
            "Importo dell'IVA",
        ),
    ),
    "total_rounding": (
        *("Rundung", "Rundungsdifferenz", "Rundungsbetrag", "Rounding", "Rounding difference", "Round off"),
        *("Arrondi", "Différence d'arrondi", "Arrotondamento", "Differenza di arrotondamento"),
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
        "UID",
        "UID-Nummer",
        "MWST-Nummer",
        "MWST-Nr",
        "USt-IdNr",
        "VAT no",
        "VAT ID",
        "Numéro TVA",
        "Partita IVA",
    ),
    "address_line1": ("Adresse", "Adresszeile 1", "Address", "Address 1", "Adresse 1", "Indirizzo"),
    "address_line2": (
        "Adresszusatz",
        "Zusatz",
        "Adresszeile 2",
        "Address 2",
        "Adresse 2",
        "Complément d'adresse",
        "Indirizzo 2",
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
    "sku": (
        "Artikelnummer",
        "Artikel-Nr",
        "Item number",
        "Product code",
        "Numéro d'article",
        "Codice articolo",
    ),
    "item": (
        *("Artikel", "Artikelname", "Bezeichnung", "Leistung", "Produkt", "Item name", "Product", "Product name"),
        *("Article", "Désignation", "Prestation", "Produit", "Articolo", "Designazione", "Prodotto", "Voce"),
    ),
    "description": ("Beschreibung", "Positionstext", "Details", "Libellé", "Descrizione"),
    "quantity": (
        "Menge",
        "Anzahl",
        "Qty",
        "Quantité",
        "Qté",
        "Quantità",
        "Qtà",
        *(
            "Mng",
            "Anz",
            "Stückzahl",
            "Anzahl Stunden",
            "Units",
            "Nombre",
            "Qté facturée",
            "Numero pezzi",
        ),
    ),
    "unit": ("Einheit", "Unité", "Unità"),
    "unit_price": (
        *(
            "Einzelpreis",
            "Preis",
            "Stückpreis",
            "Preis pro Einheit",
            "Ansatz",
            "Einzelpreis exkl. MWST",
            "Einzelpreis netto",
        ),
        *("Price", "Net price", "Unit price excl. VAT", "Prix unitaire", "Prix", "Prix unitaire HT", "Prix HT"),
        *("Prezzo", "Prezzo unitario", "Prezzo IVA esclusa"),
    ),
    "unit_price_gross": (
        *("Einzelpreis inkl. MWST", "Preis inkl. MWST", "Einzelpreis brutto", "Gross price", "Unit price incl. VAT"),
        *("Price incl. VAT", "Prix unitaire TTC", "Prix TTC", "Prezzo IVA inclusa"),
    ),
    "discount_percent": (
        *("Rabatt %", "Rabatt in %", "Rabattsatz", "Discount %", "Remise %", "Remise en %", "Rabais %", "Sconto %"),
        *(
            "Nachlass %",
            "Rabatt Prozent",
            "Rabatt in Prozent",
            "Discount percentage",
            "Discount rate",
            "Remise pourcent",
            "Taux de remise",
            "Percentuale sconto",
        ),
    ),
    "discount_amount": (
        "Rabattbetrag",
        "Rabatt CHF",
        "Montant remise",
        "Montant rabais",
        "Importo sconto",
        *(
            "Nachlassbetrag",
            "Rabatt in CHF",
            "Discount value",
            "Discount total",
            "Montant de la remise",
            "Valore sconto",
        ),
    ),
    "line_total": (
        *("Zeilentotal", "Zeilenbetrag", "Positionstotal", "Positionsbetrag", "Line amount"),
        *("Total ligne", "Montant ligne", "Totale riga", "Importo riga"),
    ),
    "line_tax": ("MWST Position", "VAT line", "Line VAT", "TVA ligne", "IVA riga"),
    "tax_rate": (
        *(
            "MWST %",
            "MWST in %",
            "MWST-Satz",
            "MWST-Satz %",
            "Steuersatz",
            "Steuersatz %",
            "USt %",
            "VAT %",
            "VAT rate",
        ),
        *("VAT rate %", "Tax %", "TVA %", "TVA en %", "Taux TVA", "Taux de TVA", "IVA %", "Aliquota", "Aliquota IVA"),
        *(
            "Mehrwertsteuer %",
            "Mehrwertsteuersatz",
            "Umsatzsteuersatz",
            "Umsatzsteuer %",
            "USt-Satz",
            "USt-Satz %",
            "USt in %",
            "MWST Prozent",
            "MWST Prozentsatz",
            "MWST Satz in %",
            "Steuer %",
            "Steuer in %",
            "Steuerprozent",
            "Steuerprozentsatz",
            "Tax rate %",
            "Tax percentage",
            "VAT percentage",
            "Taux TVA %",
            "Taux de TVA %",
            "TVA pourcent",
            "Percentuale IVA",
            "Tasso IVA",
            "Aliquota IVA %",
            "Aliquota %",
        ),
    ),
    "tax_class": (
        "Steuerklasse",
        "MWST-Klasse",
        "VAT class",
        "Classe TVA",
        "Classe IVA",
        *(
            "Tax class",
            "Steuerart",
        ),
    ),
    "tax_code": (
        "Steuercode",
        "MWST-Code",
        "MWST-Schlüssel",
        "VAT code",
        "Code TVA",
        "Codice IVA",
        *(
            "Steuerschlüssel",
            "USt-Schlüssel",
            "Steuerkennzeichen",
            "MWST-Kürzel",
            "Tax code",
            "VAT key",
            "Code de TVA",
            "Code taxe",
            "Codice imposta",
        ),
    ),
    "revenue_account": (
        *("Konto", "Ertragskonto", "Erlöskonto", "Account", "Compte", "Compte de produits", "Conto", "Conto ricavi"),
        *(
            "Sachkonto",
            "Sachkonto Nr",
            "Sachkontonummer",
            "Fibu-Konto",
            "Fibu-Konto Nr",
            "Konto Nr",
            "Konto-Nummer",
            "Erlöskonto Nr",
            "Erlöskontonummer",
            "Ertragskonto Nr",
            "Ertragskontonummer",
            "Konto Ertrag",
            "Konto Erlös",
            "Umsatzkonto",
            "Buchungskonto",
            "Haben-Konto",
            "Konto Haben",
            "Account code",
            "Account no",
            "Account number",
            "GL account",
            "GL code",
            "Ledger account",
            "Nominal account",
            "Nominal code",
            "Revenue account no",
            "Income account",
            "Sales account",
            "Compte de vente",
            "Compte de ventes",
            "Compte de produit",
            "Compte de revenu",
            "Compte de revenus",
            "Compte général",
            "N° de compte",
            "No de compte",
            "Numéro de compte",
            "Compte comptable",
            "Conto di ricavo",
            "Conto ricavo",
            "Conto vendite",
            "Conto contabile",
            "Numero conto",
            "N. conto",
        ),
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
SAY_WHICH = "Say which column is which under [shop.csv.columns] in the profile"
_MOST_SHOWN = 24
_MOST_COMPARED = 100
_LONGEST_COMPARED = 60
_UMLAUTS = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "Ä": "Ae", "Ö": "Oe", "Ü": "Ue"})
_WITH_CURRENCY = re.compile(r"(.*\w)\s*(?:\(in |\[in |in |\(|\[|\s)\s*([A-Z]{3}|€|Fr\.?|SFr\.?)\s*[)\]]?\s*", re.DOTALL)
_CURRENCIES = {"€": "EUR", "Fr": "CHF", "Fr.": "CHF", "SFr": "CHF", "SFr.": "CHF"}
_LOST = "\N{REPLACEMENT CHARACTER}"
_LOST_LETTERS = re.compile(rf"(?<=\w)\?+(?=\w)|{_LOST}+")
_ALIKE = 0.7
_TELLING = 5


Columns = Mapping[str, Sequence[str]]


@dataclass(frozen=True)
class Field:
    """A column of the file that stands for a field.

    Where the profile names several columns, `others` are those that count in rows in which the first is empty. A
    `currency` is one that the header names.
    """

    index: int
    header: str
    column: Column
    others: tuple[int, ...] = ()
    currency: str = ""

    def cell(self, row: Sequence[str]) -> str:
        """The cell of this field in a row of the file."""
        cell = row[self.index] if self.index < len(row) else ""
        if self.others and not cell.strip():
            return next((row[i] for i in self.others if i < len(row) and row[i].strip()), cell)
        return cell


FINANCIAL_STATUS = "financialstatus"  # Shopify's, which tells of payments and of refunds


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


@dataclass(frozen=True)
class Header:
    """The columns of one file: those that are read, and those that are left out.

    `unasked` are the places of those left out that neither the profile nor a known name settles, `settled` the fields
    of which it is known where they stand, or that they stand nowhere.
    """

    fields: tuple[Field, ...]
    ignored: tuple[str, ...]
    width: int
    unasked: tuple[tuple[int, str], ...] = ()
    settled: frozenset[str] = frozenset()

    @property
    def currency(self) -> str:
        """The currency that headers name, where there is no column for it."""
        return next((f.currency for f in self.fields if f.currency), "")

    def field(self, *names: str) -> Field | None:
        """The first of these fields that the file has."""
        return next((f for name in names for f in self.fields if f.column.name == name), None)


def recognised(headers: Sequence[str], wanted: Columns, vocabulary: Vocabulary = INVOICES) -> int:
    """How many of these headers say something to us."""
    ours = {plain_header(header) for chosen in wanted.values() for header in chosen}
    plain = {plain_header(header) for header in headers}
    known = (vocabulary.by_header, vocabulary.candidates, ours)
    return sum(any(header in words for words in known) for header in plain if header)


def understood(
    headers: Sequence[str],
    columns: Columns,
    *,
    has_currency: bool,
    vocabulary: Vocabulary = INVOICES,
    ignore: Sequence[str] = (),
) -> Header:
    """The columns by their headers, those of the profile first; raises UnusableFile."""
    _refuse_damaged(headers, vocabulary)
    wanted = vocabulary.wanted(headers, columns)
    fields = list(_of_profile(headers, wanted, vocabulary))
    taken = {index for field in fields for index in (field.index, *field.others)}
    meaningless = {plain_header(header) for header in ignore}
    meaningless_at = {i for i, header in enumerate(headers) if header and plain_header(header) in meaningless} - taken
    taken |= meaningless_at
    settled = set(wanted)
    by_name: dict[str, list[int]] = {}
    for index, header in enumerate(headers):
        name = _name_of(header, headers, vocabulary)
        if index not in taken and name and name not in settled:
            by_name.setdefault(name, []).append(index)
    _refuse_doubled(by_name, headers, vocabulary)
    fields += [
        _field(index, headers[index], name, vocabulary) for name, indexes in by_name.items() for index in indexes
    ]
    fields = _without_doubles(fields, vocabulary)
    known = {field.column.name for field in fields} | settled
    read = {index for field in fields for index in (field.index, *field.others)}
    ignored = [header for index, header in enumerate(headers) if header and index not in read | meaningless_at]
    left = [(index, header) for index, header in enumerate(headers) if header and index not in taken | read]
    names_left = [header for _, header in left]
    filled = known - {name for name, chosen in wanted.items() if not any(chosen)}
    lends = has_currency or any(field.currency for field in fields)
    if missing := _missing(filled, lends, vocabulary):
        raise _refusal(missing, names_left, headers, vocabulary)
    _refuse_ambiguous(names_left, known, vocabulary)
    _refuse_two_currencies(fields)
    unasked = tuple((index, header) for index, header in left if not _name_of(header, headers, vocabulary))
    return Header(tuple(sorted(fields, key=lambda f: f.index)), tuple(ignored), len(headers), unasked, frozenset(known))


def _field(index: int, header: str, name: str, vocabulary: Vocabulary) -> Field:
    """A field by its known name, or by one with a currency behind it."""
    if plain_header(header) in vocabulary.by_header:
        return Field(index, header, vocabulary.columns[name])
    return Field(index, header, vocabulary.columns[name], currency=_split_currency(header)[1])


def _split_currency(header: str) -> tuple[str, str]:
    """The header without the currency at its end, and that currency; of `Total EUR` these are `Total` and EUR."""
    found = _WITH_CURRENCY.fullmatch(header)
    return (found[1], _CURRENCIES.get(found[2], found[2])) if found else (header, "")


def _refuse_two_currencies(fields: Sequence[Field]) -> None:
    named = {field.currency: field.header for field in fields if field.currency}
    if len(named) > 1:
        both = " and ".join(f"`{printable(header)}`" for header in list(named.values())[:2])
        raise UnusableFile(
            f"names two currencies in its headers: {both}",
            "Say under [shop.csv.columns] in the profile which columns count, or leave those of one currency away.",
        )


def _refuse_damaged(headers: Sequence[str], vocabulary: Vocabulary) -> None:
    """A header that has lost a letter would be an unknown one, and its column left out."""
    for header in headers:
        if plain_header(header) in vocabulary.by_header:
            continue
        parts = _LOST_LETTERS.split(header.strip())
        if len(parts) == 1:
            continue
        pattern = re.compile(".{1,2}".join(map(re.escape, parts)), re.IGNORECASE)
        known = (word for name, words in vocabulary.synonyms.items() for word in (name, *words))
        meant = next((word for word in known if pattern.fullmatch(word)), "")
        if meant or _LOST in header:
            perhaps = f", perhaps `{meant}`" if meant else ""
            raise UnusableFile(
                f"has a column `{printable(header)}` whose header has lost a letter{perhaps}",
                "Export the file again as UTF-8; letters that are lost in the header are lost in the rows as well.",
            )


def _of_profile(headers: Sequence[str], wanted: Columns, vocabulary: Vocabulary) -> Iterator[Field]:
    """What the profile says of a column holds, so that a wrong word in it must not pass in silence."""
    for name, chosen in wanted.items():
        if not any(chosen):
            continue
        indexes: list[int] = []
        for header in chosen:
            found = [i for i, given in enumerate(headers) if given == header] or [
                i for i, given in enumerate(headers) if plain_header(given) == plain_header(header)
            ]
            if len(found) > 1:
                raise UnusableFile(
                    f"has {len(found)} columns `{printable(header)}`, one of which the profile names as `{name}`",
                    "Rename one of them in the file.",
                )
            indexes += found
        if not indexes:
            told = " or ".join(f"`{printable(header)}`" for header in chosen)
            raise UnusableFile(
                f"has no column {told}, which the profile names as `{name}`; {_listed(headers)}",
                f"Correct {name} under [shop.csv.columns] in the profile{_nearest(chosen[0], headers)}.",
            )
        yield Field(indexes[0], headers[indexes[0]], vocabulary.columns[name], tuple(indexes[1:]))


def _name_of(header: str, headers: Iterable[str], vocabulary: Vocabulary) -> str:
    plain, names = plain_header(header), vocabulary.by_header
    if plain in names:
        return names[plain]
    if plain in ("name", "nom", "nome") and any(names.get(plain_header(h)) == "first_name" for h in headers):
        return "last_name"
    bare, currency = _split_currency(header)
    if currency and (name := names.get(plain_header(bare), "")) and vocabulary.columns[name].sort == "amount":
        return name
    return ""


def _refuse_doubled(by_name: Mapping[str, list[int]], headers: Sequence[str], vocabulary: Vocabulary) -> None:
    for name, indexes in by_name.items():
        if len(indexes) > 1 and vocabulary.columns[name].sort != "mark":  # each mark counts
            both = " and ".join(f"`{printable(headers[index])}`" for index in indexes[:2])
            raise UnusableFile(
                f"has two columns that may be `{name}`: {both}", f'{SAY_WHICH}, as in {name} = "{headers[indexes[0]]}".'
            )


def _without_doubles(fields: list[Field], vocabulary: Vocabulary) -> list[Field]:
    """Where a file gives the price without and with VAT, one of them is enough."""
    names = {field.column.name for field in fields}
    return [f for f in fields if vocabulary.doubles.get(f.column.name) not in names]


def _missing(known: set[str], has_currency: bool, vocabulary: Vocabulary) -> list[tuple[str, ...]]:
    lent = {"currency"} if has_currency else set()
    return [names for names in vocabulary.needed if not (known | lent) & set(names)]


def _refusal(
    missing: Sequence[tuple[str, ...]], left: Sequence[str], headers: Sequence[str], vocabulary: Vocabulary
) -> UnusableFile:
    free, wishes, example = list(left), [], ""
    for names in missing:
        found = _nearest_of(names, free, vocabulary)
        wishes.append(f"`{names[0]}`" + (f" (perhaps `{printable(found)}`)" if found else ""))
        if found:
            free.remove(found)
            example = example or f'{names[0]} = "{printable(found)}"'
    example = example or f'{missing[0][0]} = "..."'
    return UnusableFile(
        f"has no column for {_and(wishes)}; {_listed(headers)}",
        f"{SAY_WHICH}, as in {example}, or rename it. `bexsync docs format` lists the names that are known.",
    )


def _refuse_ambiguous(left: Sequence[str], known: set[str], vocabulary: Vocabulary) -> None:
    """A column whose field another column or the profile settles is merely left out."""
    for header in left:
        names = vocabulary.candidates.get(plain_header(header), ())
        if names and not known & set(names):
            choice = " or ".join(f"`{name}`" for name in names)
            raise UnusableFile(
                f"has a column `{printable(header)}`, which may be {choice}",
                f'{SAY_WHICH}, as in {names[0]} = "{printable(header)}"; {names[0]} = "" leaves it out.',
            )


def _nearest_of(names: Sequence[str], left: Sequence[str], vocabulary: Vocabulary) -> str:
    """The header that may mean one of these fields, or looks most like one."""
    for header in left:
        if set(vocabulary.candidates.get(plain_header(header), ())) & set(names):
            return header
    words = [plain_header(word) for name in names for word in (name, *vocabulary.synonyms[name])]
    few = [header for header in left if len(header) <= _LONGEST_COMPARED][:_MOST_COMPARED]
    likeness = {header: max(_likeness(plain_header(header), word) for word in words) for header in few}
    best = max(likeness, key=lambda header: likeness[header], default="")
    return best if likeness.get(best, 0) >= _ALIKE else ""


def _likeness(header: str, word: str) -> float:
    if len(word) >= _TELLING and word in header:
        return _ALIKE
    matcher = difflib.SequenceMatcher(None, header, word)
    return matcher.ratio() if min(matcher.real_quick_ratio(), matcher.quick_ratio()) >= _ALIKE else 0


def _nearest(header: str, headers: Sequence[str]) -> str:
    few = [h for h in headers if h and len(h) <= _LONGEST_COMPARED][:_MOST_COMPARED]
    close = difflib.get_close_matches(header, few, n=1)
    return f"; did you mean `{printable(close[0])}`?" if close else ""


def _listed(headers: Sequence[str]) -> str:
    shown = [f"`{printable(header)}`" for header in headers if header]
    more = f" and {len(shown) - _MOST_SHOWN} more" if len(shown) > _MOST_SHOWN else ""
    return f"its columns are {', '.join(shown[:_MOST_SHOWN])}{more}" if shown else "its first row is empty"


def _and(parts: Sequence[str]) -> str:
    return " and ".join(part for part in (", ".join(parts[:-1]), parts[-1]) if part)
