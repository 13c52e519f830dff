"""Cells as spreadsheets write them: text marks, invisible signs, days, yes and no, and words of four languages."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date, datetime
from zoneinfo import ZoneInfo

_INVISIBLE = ("\ufeff", "\u200b", "\u2060")
_AS_TEXT = re.compile(r'="((?:[^"]|"")*)"', re.DOTALL)
_MARKED_AS_TEXT = re.compile(r"'([=+\-@].*|[\d .,/'-]+)", re.DOTALL)
_SCIENTIFIC = re.compile(r"[+-]?\d(?:[.,]\d+)?[eE][+-]\d{2,3}", re.ASCII)
_DAY = re.compile(r"(\d{1,2})([./-])(\d{1,2})\2(\d{4}|\d{2})", re.ASCII)
_ISO_DAY = re.compile(r"(\d{4})-(\d{2})-(\d{2})", re.ASCII)
_ZURICH = ZoneInfo("Europe/Zurich")
_DAY_AND_TIME = re.compile(r"(\d{4}-\d{2}-\d{2})(?: \d{2}:\d{2}:\d{2})?", re.ASCII)
_MIDNIGHT = re.compile(r"[ T]0?0:00(:00(\.0+)?)?$", re.ASCII)
_DAYS_LONG = re.compile(r"(\d{1,4})\s*(?:t|tage?|days?|jours?|j|giorn[io]|gg?|d)?\.?", re.ASCII | re.IGNORECASE)

_ERROR_NAMES = re.compile(
    r"#(?:REF!|BEZUG!|RIF!|N/A|NV|N/D|NAME\?|NOM\s?\?|NOME\?|VALUE!|WERT!|VALEUR!|VALORE!|DIV/0!|NUM!|ZAHL!|NOMBRE!"
    r"|NULL!|NULLO!|NUL!|SPILL!|CALC!)"
)
FLAW_HINT = "Mend the cell in the program it comes from, save the file, and drop it into in/ again."
_THREE_DECIMALS = re.compile(r"\.\d{3}(?!\d)", re.ASCII)

YES_NO: Mapping[str, str] = {
    **dict.fromkeys(
        ("true", "yes", "y", "1", "x", "ja", "j", "wahr", "oui", "o", "vrai", "sì", "si", "s", "vero"), "yes"
    ),
    **dict.fromkeys(("false", "no", "n", "0", "nein", "falsch", "non", "faux", "falso"), "no"),
}
_COUNTRIES = {
    **dict.fromkeys(("schweiz", "switzerland", "suisse", "svizzera"), "CH"),
    "liechtenstein": "LI",
    **dict.fromkeys(("deutschland", "germany", "allemagne", "germania"), "DE"),
    **dict.fromkeys(("österreich", "austria", "autriche"), "AT"),
    **dict.fromkeys(("frankreich", "france", "francia"), "FR"),
    **dict.fromkeys(("italien", "italy", "italie", "italia"), "IT"),
}
WORDS_FOR_NOTHING = (
    "n/a",
    "n.a.",
    "#n/a",
    "#nv",
    "null",
    "nan",
    "nil",
    "nichts",
    "k.a.",
    "k. a.",
    "keine angabe",
    "n.v.",
    "n.d.",
)
WORDS: Mapping[str, Mapping[str, str]] = {
    "document_type": {
        **dict.fromkeys(
            (
                *("invoice", "rechnung", "ausgangsrechnung", "debitorenrechnung", "kundenrechnung", "teilrechnung"),
                *("akontorechnung", "schlussrechnung", "sammelrechnung", "faktura", "re", "rg", "inv", "sales invoice"),
                *("facture", "facture client", "fattura", "fattura cliente"),
            ),
            "invoice",
        ),
        **dict.fromkeys(
            (
                *("credit_note", "credit note", "credit memo", "credit", "gutschrift", "rechnungskorrektur"),
                *("korrekturrechnung", "gs", "note de crédit", "avoir", "nota di credito", "nota di accredito"),
            ),
            "credit_note",
        ),
        **dict.fromkeys(
            (
                *("cancellation", "cancellation invoice", "invoice cancellation", "void", "reversal", "stornorechnung"),
                *("storno", "stornobeleg", "rechnungsstorno", "storno-rechnung", "annullation", "annullierung", "sr"),
                *("annulation", "facture d'annulation", "annulation de facture", "extourne"),
                *("annullamento", "storno fattura", "fattura di storno", "nota di storno"),
            ),
            "cancellation",
        ),
    },
    "status": {
        **dict.fromkeys(
            ("draft", "entwurf", "vorlage", "provisorisch", "brouillon", "provisoire", "bozza", "provvisorio"), "draft"
        ),
        **dict.fromkeys(
            (
                *("approved", "freigegeben", "genehmigt", "approuvé", "approuvée", "approvato", "approvata"),
                *("open", "unpaid", "not paid", "overdue", "past due", "late", "due", "outstanding"),
                *("offen", "unbezahlt", "nicht bezahlt", "überfällig", "fällig", "ausstehend", "verfallen"),
                *("ouvert", "ouverte", "impayé", "impayée", "non payé", "non payée", "échu", "échue", "en retard"),
                *("à payer", "en souffrance", "validé", "validée", "validated"),
                *("aperto", "aperta", "non pagato", "non pagata", "scaduto", "scaduta", "da pagare", "insoluto"),
                "in sospeso",
            ),
            "approved",
        ),
        **dict.fromkeys(
            (
                *("sent", "versendet", "versandt", "gesendet", "verschickt", "gemailt"),
                *("envoyé", "envoyée", "expédié", "expédiée", "inviato", "inviata", "spedito", "spedita"),
            ),
            "sent",
        ),
        **dict.fromkeys(
            (
                *("paid", "fully paid", "paid in full", "settled", "bezahlt", "vollständig bezahlt", "beglichen"),
                *("ausgeglichen", "payé", "payée", "acquitté", "acquittée", "réglé", "réglée", "soldé", "soldée"),
                *("pagato", "pagata", "saldato", "saldata"),
            ),
            "paid",
        ),
        **dict.fromkeys(
            (
                *("cancelled", "canceled", "void", "voided", "deleted", "reversed", "refunded", "fully refunded"),
                *("storniert", "storno", "annulliert", "abgebrochen", "gelöscht", "ungültig", "erstattet"),
                *("rückerstattet", "zurückerstattet", "annulé", "annulée", "supprimé", "supprimée", "remboursé"),
                *("remboursée", "extourné", "extournée", "annullato", "annullata", "stornato", "stornata"),
                *("eliminato", "eliminata", "rimborsato", "rimborsata"),
            ),
            "cancelled",
        ),
    },
    "financial_status": {
        **dict.fromkeys(
            ("pending", "open", "unpaid", "offen", "unbezahlt", "ausstehend", "impayé", "non payé"), "pending"
        ),
        **dict.fromkeys(("non pagato", "aperto"), "pending"),
        **dict.fromkeys(
            ("authorized", "authorised", "autorisiert", "reserviert", "autorisé", "autorizzato"), "authorized"
        ),
        **dict.fromkeys(("partially_paid", "partially paid", "teilbezahlt", "teilweise bezahlt"), "partially_paid"),
        **dict.fromkeys(("partiellement payé", "parzialmente pagato"), "partially_paid"),
        **dict.fromkeys(("paid", "bezahlt", "vollständig bezahlt", "payé", "payée", "pagato"), "paid"),
        **dict.fromkeys(("partially_refunded", "partially refunded", "teilerstattet"), "partially_refunded"),
        **dict.fromkeys(("teilweise erstattet", "partiellement remboursé"), "partially_refunded"),
        **dict.fromkeys(("refunded", "erstattet", "rückerstattet", "remboursé", "rimborsato"), "refunded"),
        **dict.fromkeys(("voided", "void", "storniert", "annulliert", "annulé", "annullato"), "voided"),
    },
    "fulfillment_status": {
        **dict.fromkeys(("unfulfilled", "offen", "nicht versendet", "nicht versandt", "non expédié"), "unfulfilled"),
        **dict.fromkeys(("partial", "partially fulfilled", "teilweise versendet", "teilweise versandt"), "partial"),
        **dict.fromkeys(("teilgeliefert", "partiellement expédié"), "partial"),
        **dict.fromkeys(("fulfilled", "shipped", "delivered", "versendet", "versandt", "geliefert"), "fulfilled"),
        **dict.fromkeys(("expédié", "expédiée", "livré", "livrée", "spedito", "consegnato"), "fulfilled"),
    },
    "customer_kind": {
        **dict.fromkeys(
            ("company", "firma", "unternehmen", "organisation", "entreprise", "société", "ditta", "azienda"), "company"
        ),
        **dict.fromkeys(
            ("person", "privat", "privatperson", "personne", "particulier", "persona", "privato"), "person"
        ),
    },
    "line_type": {
        **dict.fromkeys(("product", "produkt", "artikel", "produit", "article", "prodotto", "articolo"), "product"),
        **dict.fromkeys(("service", "dienstleistung", "leistung", "prestation", "servizio", "prestazione"), "service"),
        **dict.fromkeys(("shipping", "versand", "porto", "livraison", "port", "spedizione"), "shipping"),
        **dict.fromkeys(("fee", "gebühr", "spesen", "frais", "tassa"), "fee"),
        **dict.fromkeys(("discount", "rabatt", "rabais", "remise", "sconto"), "discount"),
        **dict.fromkeys(("gift_card", "gift card", "gutschein", "geschenkgutschein", "gutscheinkarte"), "gift_card"),
        **dict.fromkeys(("carte cadeau", "bon cadeau", "buono regalo"), "gift_card"),
        **dict.fromkeys(("tip", "trinkgeld", "pourboire", "mancia"), "tip"),
        **dict.fromkeys(("text", "texte", "testo"), "text"),
        **dict.fromkeys(("subtotal", "zwischensumme", "zwischentotal", "sous-total", "subtotale"), "subtotal"),
    },
    "language": {
        **dict.fromkeys(("deutsch", "german", "allemand", "tedesco"), "de"),
        **dict.fromkeys(("französisch", "french", "français", "francese"), "fr"),
        **dict.fromkeys(("italienisch", "italian", "italien", "italiano"), "it"),
        **dict.fromkeys(("englisch", "english", "anglais", "inglese"), "en"),
    },
    "type": {
        **dict.fromkeys(
            (
                *("physical", "physisch", "ware", "handelsware", "produkt", "artikel", "simple", "variation"),
                *("physique", "marchandise", "produit", "fisico", "merce", "prodotto"),
            ),
            "physical",
        ),
        **dict.fromkeys(
            (
                *(
                    "service",
                    "dienstleistung",
                    "leistung",
                    "virtual",
                    "virtuell",
                    "simple, virtual",
                    "variation, virtual",
                ),
                *("prestation", "servizio", "prestazione"),
            ),
            "service",
        ),
    },
    "tax_status": {"taxable": "taxable", "none": "none"},
    "weight_unit": {
        "mg": "mg",
        **dict.fromkeys(("g", "gramm", "gram", "grams", "gr", "grammes", "grammi"), "g"),
        **dict.fromkeys(("kg", "kilo", "kilogramm", "kilogram", "kilogrammes", "chilogrammi"), "kg"),
        **dict.fromkeys(("lb", "lbs", "pound", "pounds"), "lb"),
        **dict.fromkeys(("oz", "ounce", "ounces"), "oz"),
    },
    "use": {
        **dict.fromkeys(("sale", "verkauf", "vente", "vendita"), "sale"),
        **dict.fromkeys(("shipping", "versand", "porto", "livraison", "port", "spedizione"), "shipping"),
        **dict.fromkeys(("fee", "gebühr", "frais", "tassa"), "fee"),
    },
    "country_code": _COUNTRIES,
    "tax_country": _COUNTRIES,
    "shipping_country_code": _COUNTRIES,
}
# Nothing but a word for a sum: an item called "Totalrevision" is none.
TOTALS = re.compile(
    r"(?:(?:grand|end|gesamt|zwischen|sub|sous)[ -]?)?"
    r"(?:totale?|totaux|summen?|somm[ea]|sum|gesamt|(?:total|gesamt|end)betrag)(?: g[ée]n[ée]rale?)?"
    r"(?: *\(?\d+ [^\W\d_]+\)?)?"
    r"[ :]*(?:[A-Z]{3}|(?:in|inkl|exkl|incl|excl|ttc|ht|netto|brutto|net|gross)\b.*)?[ :]*",
    re.IGNORECASE | re.DOTALL,
)


class NumberText(str):
    """A cell that holds a number: its decimals stand after a point, whatever the other cells of the file do."""

    __slots__ = ()


class DateText(str):
    """A cell that holds a day, as 2026-12-31, with the time behind it where there is one."""

    __slots__ = ()


class CellFlaw(str):
    """A cell without a value, as part of a sentence that says why."""

    __slots__ = ()


def flaw_in_cell(cell: str) -> str:
    """Why a cell has no value, as part of a sentence; "" where it has one or is empty."""
    if isinstance(cell, CellFlaw):
        return cell
    if "\N{REPLACEMENT CHARACTER}" in cell:
        return "has lost a letter, which an earlier program could not read"
    return f"holds the error {cell.strip()}" if cell.startswith("#") and _ERROR_NAMES.fullmatch(cell.strip()) else ""


def amount_text(cell: str) -> str:
    """The cell of an amount, written so that a number of a workbook is the same with either decimal sign.

    A number with three decimals could otherwise be taken for thousands.
    """
    text = cleaned(cell)
    if isinstance(cell, NumberText) and _THREE_DECIMALS.search(text):
        return _THREE_DECIMALS.sub(r"\g<0>0", text)
    return text


def cleaned(cell: str) -> str:
    """The text that a cell means: without what makes a spreadsheet show it as text, and without invisible signs."""
    text = cell.strip()
    if not text:
        return ""
    if not text.isascii() and any(sign in text for sign in _INVISIBLE):
        text = "".join(sign for sign in text if sign not in _INVISIBLE).strip()
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    if text.startswith("=") and (wrapped := _AS_TEXT.fullmatch(text)):
        return wrapped[1].replace('""', '"').strip()
    if text.startswith("'") and (marked := _MARKED_AS_TEXT.fullmatch(text)):
        return marked[1].strip()
    return text


def is_scientific(text: str) -> bool:
    """Whether a spreadsheet has made this of a long number, and lost its last digits."""
    return _SCIENTIFIC.fullmatch(text) is not None


def day_of_workbook(text: str) -> str | None:
    """The day of a cell that a workbook keeps as one, whatever the time behind it."""
    found = _DAY_AND_TIME.fullmatch(text)
    return read_day(found[1], "") if found else None


def day_before_time(text: str) -> str:
    """The day of a moment, as it is written before its time."""
    return re.split(r"[T ,]", text, maxsplit=1)[0]


def read_day(text: str, wanted: str) -> str | None:
    """The day in a cell as 2026-12-31, None where it is none; days stand before months.

    A moment with a zone, as the wanted format has it, is the day that it is in Zurich.
    """
    try:
        if wanted:
            moment = datetime.strptime(text, wanted)  # noqa: DTZ007  most days have no zone
            return (moment.astimezone(_ZURICH) if moment.tzinfo else moment).date().isoformat()
        text = _MIDNIGHT.sub("", text)
        if _ISO_DAY.fullmatch(text):
            return date.fromisoformat(text).isoformat()
        found = _DAY.fullmatch(text)
        return date(_year(found[4]), int(found[3]), int(found[1])).isoformat() if found else None
    except ValueError:
        return None


def is_month_first(text: str) -> bool:
    """Whether the cell is a day only when its month stands first, as Americans write it."""
    found = _DAY.fullmatch(_MIDNIGHT.sub("", text))
    if found is None or found[2] == "." or int(found[3]) <= 12:
        return False
    return read_day(f"{found[3]}{found[2]}{found[1]}{found[2]}{found[4]}", "") is not None


def read_whole(text: str) -> str | None:
    """A number of days, with or without the word."""
    found = _DAYS_LONG.fullmatch(text)
    return found[1] if found else None


def _year(digits: str) -> int:
    return int(digits) + 2000 if len(digits) == 2 else int(digits)
