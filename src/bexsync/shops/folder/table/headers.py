"""Which column of a table is which field: by the profile, by its standard name, or by what people call it."""

from __future__ import annotations

import difflib
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from bexsync.records.columns import BY_NAME, Column
from bexsync.records.quoting import printable
from bexsync.shops.folder.pieces import UnusableFile

SYNONYMS: Mapping[str, tuple[str, ...]] = {
    "number": (
        *("Rechnungsnummer", "Rechnungsnr", "Rechnung Nr", "Belegnummer", "Belegnr", "Invoice number", "Invoice no"),
        *("Invoice", "Numéro de facture", "No facture", "Numero fattura", "N. fattura", "source_number"),
    ),
    "shop_id": ("Shop ID", "Rechnungs-ID", "Invoice ID", "ID facture", "ID fattura"),
    "document_type": ("Dokumentart", "Belegart", "Type de document", "Tipo documento"),
    "status": ("Rechnungsstatus", "Invoice status", "Statut", "Stato"),
    "original_shop_id": (
        "Originalrechnung",
        "Zu Rechnung",
        "Original invoice",
        "Facture d'origine",
        "Fattura originale",
    ),
    "invoice_date": (
        *("Datum", "Rechnungsdatum", "Belegdatum", "Date", "Date de facture", "Date facture"),
        *("Data", "Data fattura"),
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
    "currency": ("Währung", "Devise", "Monnaie", "Moneta", "Divisa"),
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
    ),
    "total_tax": (
        *("Total MWST", "MWST total", "MWST-Betrag", "Steuerbetrag", "VAT total", "Total VAT", "VAT amount"),
        *("Total TVA", "Montant TVA", "Totale IVA", "Importo IVA"),
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
    "quantity": ("Menge", "Anzahl", "Qty", "Quantité", "Qté", "Quantità", "Qtà"),
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
    ),
    "discount_amount": ("Rabattbetrag", "Rabatt CHF", "Montant remise", "Montant rabais", "Importo sconto"),
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
    ),
    "tax_class": ("Steuerklasse", "MWST-Klasse", "VAT class", "Classe TVA", "Classe IVA"),
    "tax_code": ("Steuercode", "MWST-Code", "MWST-Schlüssel", "VAT code", "Code TVA", "Codice IVA"),
    "revenue_account": (
        *("Konto", "Ertragskonto", "Erlöskonto", "Account", "Compte", "Compte de produits", "Conto", "Conto ricavi"),
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
_ALIKE = 0.7
_TELLING = 5


@dataclass(frozen=True)
class Field:
    """A column of the file that stands for a field."""

    index: int
    header: str
    column: Column


def plain_header(text: str) -> str:
    """A header without case, accents, spaces and punctuation."""
    spelled = unicodedata.normalize("NFKD", text.replace("%", " percent ").casefold())
    return "".join(sign for sign in spelled if sign.isalnum() and not unicodedata.combining(sign))


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

    def __post_init__(self) -> None:
        table = {plain_header(word): name for name, words in self.synonyms.items() for word in words}
        object.__setattr__(self, "by_header", table | {plain_header(name): name for name in self.columns})
        object.__setattr__(self, "candidates", {plain_header(word): names for word, names in self.ambiguous.items()})

    def wanted(self, headers: Sequence[str], columns: Mapping[str, str]) -> Mapping[str, str]:
        """What of the profile's names is meant for a table with these headers."""
        plain = {plain_header(header) for header in headers}
        needed = {names[0] for names in self.needed if len(names) == 1}
        return {
            name: header
            for name, header in columns.items()
            if name in self.columns
            and (name not in self.shared or (plain_header(header) in plain if header else name not in needed))
        }


INVOICES = Vocabulary(BY_NAME, SYNONYMS, AMBIGUOUS, NEEDED, doubles={"unit_price_gross": "unit_price"})


@dataclass(frozen=True)
class Header:
    """The columns of one file: those that are read, and those that are left out."""

    fields: tuple[Field, ...]
    ignored: tuple[str, ...]
    width: int

    def field(self, *names: str) -> Field | None:
        """The first of these fields that the file has."""
        return next((f for name in names for f in self.fields if f.column.name == name), None)


def recognised(headers: Sequence[str], wanted: Mapping[str, str], vocabulary: Vocabulary = INVOICES) -> int:
    """How many of these headers say something to us."""
    ours = {plain_header(header) for header in wanted.values()}
    plain = {plain_header(header) for header in headers}
    known = (vocabulary.by_header, vocabulary.candidates, ours)
    return sum(any(header in words for words in known) for header in plain if header)


def understood(
    headers: Sequence[str], columns: Mapping[str, str], *, has_currency: bool, vocabulary: Vocabulary = INVOICES
) -> Header:
    """The columns by their headers, those of the profile first; raises UnusableFile."""
    wanted = vocabulary.wanted(headers, columns)
    fields = list(_of_profile(headers, wanted, vocabulary))
    taken = {field.index for field in fields}
    settled = set(wanted)
    by_name: dict[str, list[int]] = {}
    for index, header in enumerate(headers):
        name = _name_of(header, headers, vocabulary)
        if index not in taken and name and name not in settled:
            by_name.setdefault(name, []).append(index)
    _refuse_doubled(by_name, headers)
    fields += [Field(indexes[0], headers[indexes[0]], vocabulary.columns[name]) for name, indexes in by_name.items()]
    fields = _without_doubles(fields, vocabulary)
    known = {field.column.name for field in fields} | settled
    taken = {field.index for field in fields}
    left = [header for index, header in enumerate(headers) if header and index not in taken]
    filled = known - {name for name, header in wanted.items() if not header}
    if missing := _missing(filled, has_currency, vocabulary):
        raise _refusal(missing, left, headers, vocabulary)
    _refuse_ambiguous(left, known, vocabulary)
    return Header(tuple(sorted(fields, key=lambda f: f.index)), tuple(left), len(headers))


def _of_profile(headers: Sequence[str], wanted: Mapping[str, str], vocabulary: Vocabulary) -> Iterator[Field]:
    """What the profile says of a column holds, so that a wrong word in it must not pass in silence."""
    for name, header in wanted.items():
        if not header:
            continue
        found = [i for i, given in enumerate(headers) if given == header] or [
            i for i, given in enumerate(headers) if plain_header(given) == plain_header(header)
        ]
        if not found:
            raise UnusableFile(
                f"has no column `{printable(header)}`, which the profile names as `{name}`; {_listed(headers)}",
                f"Correct {name} under [shop.csv.columns] in the profile{_nearest(header, headers)}.",
            )
        if len(found) > 1:
            raise UnusableFile(
                f"has {len(found)} columns `{printable(header)}`, one of which the profile names as `{name}`",
                "Rename one of them in the file.",
            )
        yield Field(found[0], headers[found[0]], vocabulary.columns[name])


def _name_of(header: str, headers: Iterable[str], vocabulary: Vocabulary) -> str:
    plain, names = plain_header(header), vocabulary.by_header
    if plain in names:
        return names[plain]
    if plain in ("name", "nom", "nome") and any(names.get(plain_header(h)) == "first_name" for h in headers):
        return "last_name"
    return ""


def _refuse_doubled(by_name: Mapping[str, list[int]], headers: Sequence[str]) -> None:
    for name, indexes in by_name.items():
        if len(indexes) > 1:
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
        f"{SAY_WHICH}, as in {example}, or rename it. docs/format.md lists the names that are known.",
    )


def _refuse_ambiguous(left: Sequence[str], known: set[str], vocabulary: Vocabulary) -> None:
    """A column whose field another column or the profile settles is merely left out."""
    for header in left:
        names = vocabulary.candidates.get(plain_header(header), ())
        if names and not known & set(names):
            choice = " or ".join(f"`{name}`" for name in names)
            raise UnusableFile(
                f"has a column `{printable(header)}`, which may be {choice}",
                f'{SAY_WHICH}, as in {names[0]} = "{header}"; {names[0]} = "" leaves it out.',
            )


def _nearest_of(names: Sequence[str], left: Sequence[str], vocabulary: Vocabulary) -> str:
    """The header that may mean one of these fields, or looks most like one."""
    for header in left:
        if set(vocabulary.candidates.get(plain_header(header), ())) & set(names):
            return header
    words = [plain_header(word) for name in names for word in (name, *vocabulary.synonyms[name])]
    likeness = {header: max(_likeness(plain_header(header), word) for word in words) for header in left}
    best = max(likeness, key=lambda header: likeness[header], default="")
    return best if likeness.get(best, 0) >= _ALIKE else ""


def _likeness(header: str, word: str) -> float:
    if len(word) >= _TELLING and word in header:
        return _ALIKE
    return difflib.SequenceMatcher(None, header, word).ratio()


def _nearest(header: str, headers: Sequence[str]) -> str:
    close = difflib.get_close_matches(header, [h for h in headers if h], n=1)
    return f"; did you mean `{printable(close[0])}`?" if close else ""


def _listed(headers: Sequence[str]) -> str:
    shown = [f"`{printable(header)}`" for header in headers if header]
    more = f" and {len(shown) - _MOST_SHOWN} more" if len(shown) > _MOST_SHOWN else ""
    return f"its columns are {', '.join(shown[:_MOST_SHOWN])}{more}" if shown else "its first row is empty"


def _and(parts: Sequence[str]) -> str:
    return " and ".join(part for part in (", ".join(parts[:-1]), parts[-1]) if part)
