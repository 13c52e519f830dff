"""Columns without a known name whose cells may decide what is booked: they are asked about, never left out."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from bexsync.records.quoting import printable, shown
from bexsync.shops.folder.pieces import UnusableFile
from bexsync.shops.folder.table.amounts import read_amount
from bexsync.shops.folder.table.cells import WORDS, WORDS_FOR_NOTHING, YES_NO, cleaned
from bexsync.shops.folder.table.headers import FINANCIAL_STATUS, Header, plain_header

_CURRENCY_CODES = frozenset(
    (
        *("AED", "ARS", "AUD", "BAM", "BGN", "BRL", "CAD", "CHF", "CLP", "CNY", "COP", "CZK", "DKK"),
        *("EGP", "EUR", "GBP", "GEL", "HKD", "HRK", "HUF", "IDR", "ILS", "INR", "ISK", "JPY", "KRW"),
        *("KWD", "MAD", "MKD", "MXN", "MYR", "NOK", "NZD", "PEN", "PHP", "PLN", "QAR", "RON", "RSD"),
        *("RUB", "SAR", "SEK", "SGD", "THB", "TND", "TRY", "TWD", "UAH", "USD", "VND", "ZAR"),
    )
)
_CURRENCY_SIGNS = ("€", "£", "$", "fr", "fr.", "sfr", "sfr.", "euro", "franken", "schweizer franken", "francs suisses")
_SWISS_RATES = frozenset(map(Decimal, ("8.1", "2.6", "3.8", "7.7", "2.5", "3.7", "8", "2.4", "3.6")))
_TELLING_RATES = _SWISS_RATES - {Decimal(8)}  # an eight may be anything
_REVENUE_ACCOUNT = re.compile(r"3\d{3}", re.ASCII)
_ACCOUNT = re.compile(r"\d{3,6}", re.ASCII)
_YES_NO_WORDS = frozenset(word for word in YES_NO if len(word) > 1)
_STATUS_WORDS = frozenset(WORDS["status"]) | {"refunded", "partially refunded", "erstattet", "rückerstattet"}
_NOTHING = frozenset(("-", "–", "—", "/", *WORDS_FOR_NOTHING))
_WORD = re.compile(r"[^\W\d_]+")

# Columns of well-known exports that decide nothing while their cells say no more than this; None: whatever they say.
_HARMLESS: Mapping[str, frozenset[str] | None] = {
    "fulfillmentstatus": None,
    "lineitemfulfillmentstatus": None,
    "fulfilledat": None,
    "acceptsmarketing": None,
    "lineitemrequiresshipping": None,
    "lineitemtaxable": frozenset(("true",)),
    "lineitemdiscount": frozenset(("0", "0.00")),
    "isdiscountbeforetax": frozenset(("true",)),
    "isinclusivetax": frozenset(("false",)),
    "discounttype": None,
    "discountcode": None,
    "exchangerate": None,
}
_OF_ADDRESSES = re.compile(r"(?:shipping|liefer|livraison|spedizione|consegna|billing|zip|plz|postal|postleit|npa|cap)")


@dataclass(frozen=True)
class Kind:
    """A meaning that a column may have: by its cells alone, or by a word in its header and looser cells."""

    fields: tuple[str, ...]
    settled_by: tuple[str, ...]
    by_cells: Callable[[str], bool]
    stems: re.Pattern[str]
    by_header: Callable[[str], bool]


def _is_currency(text: str) -> bool:
    return text.upper() in _CURRENCY_CODES or text.casefold() in _CURRENCY_SIGNS


def _number(text: str) -> Decimal | None:
    found = next((amount for sign in ".," if (amount := read_amount(text, sign)) is not None), None)
    return Decimal(found.number) if found else None


def _is_rate(text: str) -> bool:
    number = _number(text)
    return number is not None and ("%" in text or number in _TELLING_RATES or number * 100 in _TELLING_RATES)


def _is_amount(text: str) -> bool:
    return bool(_number(text))


def _is_text(text: str) -> bool:
    return _number(text) is None and not text[0].isdigit()


def _is_anything(_: str) -> bool:
    return True


def _is_never(_: str) -> bool:
    return False


def _stems(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.IGNORECASE)


_TAX_FIELDS = ("tax_rate", "line_tax", "total_tax", "tax_code", "tax_class")
INVOICE_KINDS: tuple[Kind, ...] = (
    Kind(
        ("currency",),
        ("currency",),
        _is_currency,
        _stems(r"w(?:ä|ae|a)?hrung|whg|whrg|curr|ccy|devise|valuta|monnaie|divisa|moneta"),
        _is_text,
    ),
    Kind(
        _TAX_FIELDS,
        _TAX_FIELDS,
        _is_rate,
        _stems(r"mwst|mehrwert|umsatzst|steuer(?!berat|nummer|nr)|\bust\b|\bvat\b|\btva\b|\biva\b|\btax(?:es|e)?\b"),
        _is_amount,
    ),
    Kind(
        ("revenue_account",),
        ("revenue_account",),
        lambda text: _REVENUE_ACCOUNT.fullmatch(text) is not None,
        _stems(r"konto(?!kor|aus)|\bkto\b|account|\bcompte|\bconto"),
        lambda text: _ACCOUNT.fullmatch(text) is not None,
    ),
    Kind(
        ("status", "cancelled", "paid"),
        ("status",),
        lambda text: text.casefold() in _STATUS_WORDS,
        _stems(r"status|statut|\bstato\b|zustand"),
        _is_text,
    ),
    Kind(
        ("document_type",),
        ("document_type",),
        lambda text: text.casefold() in WORDS["document_type"],
        _stems(r"(?!)"),
        _is_never,
    ),
    Kind(
        ("cancelled", "refunded"),
        (),
        _is_never,
        _stems(r"storn|annul|cancel|\bvoid|refund|erstatt|rembours|rimbors|gutgeschrieben"),
        _is_anything,
    ),
    Kind(("paid",), ("paid", "status"), _is_never, _stems(r"bezahlt|beglichen|\bpaid|\bpayé|\bpagat"), _is_anything),
    Kind(
        ("discount_percent", "discount_amount"),
        ("discount_percent", "discount_amount"),
        _is_never,
        _stems(r"rabatt|discount|remise|rabais|\bsconto|nachlass|ermässig|réduction|ristorno"),
        _is_amount,
    ),
    Kind(
        ("quantity",),
        ("quantity",),
        _is_never,
        _stems(r"menge|anzahl|stückzahl|\bqty\b|quantit|\bqté\b|\bqtà\b"),
        lambda text: _number(text) not in (None, Decimal(1)),
    ),
    Kind(
        ("cancelled", "refunded", "paid"), (), lambda text: text.casefold() in _YES_NO_WORDS, _stems(r"(?!)"), _is_never
    ),
)
_ASKED_BY_NO = INVOICE_KINDS[-1]  # of yes and no nobody can say which question they answer


@dataclass
class _Column:
    """A column that is left out, and what it may still mean after the cells seen so far."""

    index: int
    header: str
    harmless: frozenset[str]
    possible: dict[int, Callable[[str], bool]]
    seen: tuple[int, str] | None = None


@dataclass
class LeftOut:
    """Watches the columns of one file that are not read."""

    _columns: list[_Column] = field(default_factory=list)
    _kinds: Sequence[Kind] = INVOICE_KINDS

    @classmethod
    def of(cls, header: Header, kinds: Sequence[Kind] = INVOICE_KINDS) -> LeftOut:
        """The columns of a file that might decide something."""
        columns = []
        has_status = any(plain_header(known.header) == FINANCIAL_STATUS for known in header.fields)
        for index, name in header.unasked:
            plain = plain_header(name)
            harmless = None if plain == "paidat" and has_status else _HARMLESS.get(plain, frozenset())
            if harmless is None:
                continue
            columns.append(_Column(index, name, harmless, _possible(name, plain, header.settled, kinds)))
        return cls(columns, kinds)

    def look_at(self, number: int, given: Sequence[str]) -> None:
        """Take the cells of one row into account."""
        is_over = False
        for column in self._columns:
            if column.index >= len(given) or not (text := cleaned(given[column.index])):
                continue
            word = text.casefold()
            if word in column.harmless or word in _NOTHING or _number(text) == 0:
                continue
            if YES_NO.get(word) != "no":  # a no is nothing to most questions
                column.possible = {kind: fits for kind, fits in column.possible.items() if fits(text)}
                is_over = is_over or not column.possible
            if column.seen is None:
                column.seen = number, text
        if is_over:
            self._columns = [column for column in self._columns if column.possible]

    def refuse(self) -> None:
        """Raise UnusableFile where a column that was left out may decide something."""
        for column in self._columns:
            if column.seen is None:
                continue
            row, text = column.seen
            is_no = YES_NO.get(text.casefold()) == "no"
            kinds = [kind for kind in column.possible if not is_no or self._kinds[kind] is _ASKED_BY_NO]
            if not kinds:
                continue
            names = self._kinds[min(kinds)].fields
            said = " or ".join(f"`{name}`" for name in names)
            header = printable(column.header)
            raise UnusableFile(
                f"has a column `{header}` that is not known but may be {said}: row {row} says {shown(text)}",
                f'Say what it is under [shop.csv.columns] in the profile, as in {names[0]} = "{header}"; '
                f'or, if it means nothing, ignore = ["{header}"] under [shop.csv].',
            )


def _possible(
    header: str, plain: str, settled: frozenset[str], kinds: Sequence[Kind]
) -> dict[int, Callable[[str], bool]]:
    """What a column may mean as far as its header and the other columns tell."""
    words = " ".join(_WORD.findall(header))
    found: dict[int, Callable[[str], bool]] = {}
    for number, kind in enumerate(kinds):
        if settled.intersection(kind.settled_by) or (
            "revenue_account" in kind.fields and _OF_ADDRESSES.search(plain) is not None
        ):
            continue
        found[number] = _either(kind) if kind.stems.search(words) else kind.by_cells
    return found


def _either(kind: Kind) -> Callable[[str], bool]:
    return lambda text: kind.by_cells(text) or kind.by_header(text)
