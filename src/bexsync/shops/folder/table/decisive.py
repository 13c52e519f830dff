"""Columns without a known name whose cells may decide what is booked: they are asked about, never left out."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from bexsync.records.quoting import printable, shown
from bexsync.shops.folder.json_source import UnusableFile
from bexsync.shops.folder.table.cells import WORDS, WORDS_FOR_NOTHING, YES_NO, cleaned
from bexsync.shops.folder.table.headers import Header
from bexsync.shops.folder.table.values import read_amount
from bexsync.shops.folder.table.vocabulary import FINANCIAL_STATUS, plain_header

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
_CODE_BESIDE_A_NAME = re.compile(r"^[A-Z]{3}(?=[ ]?[-–(/:,])|(?<=\()[A-Z]{3}(?=\)$)|(?<=[-–/] )[A-Z]{3}$", re.ASCII)
_LONGEST_CURRENCY = 30
_CLEARLY = 100  # cells

# Columns of well-known exports that decide nothing while their cells say no more than this; None: whatever they say.
_MEANINGLESS: Mapping[str, frozenset[str] | None] = {
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
    """Whether a cell is a currency and nothing else: `EUR`, `€`, `EUR (Euro)`, `Euro - EUR`."""
    if text.upper() in _CURRENCY_CODES or text.casefold() in _CURRENCY_SIGNS:
        return True
    return len(text) < _LONGEST_CURRENCY and any(code in _CURRENCY_CODES for code in _CODE_BESIDE_A_NAME.findall(text))


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


def anything(_: str) -> bool:
    return True


def never(_: str) -> bool:
    return False


def stems(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.IGNORECASE)


_PAYMENT = (
    r"bezahlt|beglichen|anzahlung|vorauszahlung|erhaltene zahlung|\bgezahlt|\bpaid|\bprepaid|\bprepayment|\bdeposit"
    r"|payments? received|\bpayé|\bacompte|\bencaissé|\bpagat|\bacconto|\bincassat"
)
_TAX_FIELDS = ("tax_rate", "line_tax", "total_tax", "tax_code", "tax_class")
INVOICE_KINDS: tuple[Kind, ...] = (
    Kind(
        ("currency",),
        ("currency",),
        _is_currency,
        stems(r"w(?:ä|ae|a)?hrung|whg|whrg|curr|ccy|devise|valuta|monnaie|divisa|moneta"),
        _is_text,
    ),
    Kind(
        _TAX_FIELDS,
        _TAX_FIELDS,
        _is_rate,
        stems(r"mwst|mehrwert|umsatzst|steuer(?!berat|nummer|nr)|\bust\b|\bvat\b|\btva\b|\biva\b|\btax(?:es|e)?\b"),
        _is_amount,
    ),
    Kind(
        ("revenue_account",),
        ("revenue_account",),
        lambda text: _REVENUE_ACCOUNT.fullmatch(text) is not None,
        stems(r"konto(?!kor|aus)|\bkto\b|account|\bcompte|\bconto"),
        lambda text: _ACCOUNT.fullmatch(text) is not None,
    ),
    Kind(
        ("status", "cancelled", "paid"),
        ("status",),
        lambda text: text.casefold() in _STATUS_WORDS,
        stems(r"status|statut|\bstato\b|zustand"),
        _is_text,
    ),
    Kind(
        ("document_type",),
        ("document_type",),
        lambda text: text.casefold() in WORDS["document_type"],
        stems(r"(?!)"),
        never,
    ),
    Kind(
        ("cancelled", "refunded"),
        (),
        never,
        stems(r"storn|annul|cancel|\bvoid|refund|erstatt|rembours|rimbors|gutgeschrieben"),
        anything,
    ),
    Kind(("paid",), ("paid", "status"), never, stems(_PAYMENT), anything),
    Kind(
        ("discount_percent", "discount_amount"),
        ("discount_percent", "discount_amount"),
        never,
        stems(r"rabatt|discount|remise|rabais|\bsconto|nachlass|ermässig|réduction|ristorno"),
        _is_amount,
    ),
    Kind(
        ("quantity",),
        ("quantity",),
        never,
        stems(r"menge|anzahl|stückzahl|\bqty\b|quantit|\bqté\b|\bqtà\b"),
        lambda text: _number(text) not in (None, Decimal(1)),
    ),
    Kind(("cancelled", "refunded", "paid"), (), lambda text: text.casefold() in _YES_NO_WORDS, stems(r"(?!)"), never),
)
_ASKED_BY_NO = INVOICE_KINDS[-1]  # yes and no do not show which question they answer


@dataclass
class _Doubt:
    """What a column may mean, and how many of its cells so far fit that and do not."""

    kind: Kind
    named_by_header: bool
    hits: int = 0
    misses: int = 0
    first: tuple[int, str] | None = None

    @property
    def one_is_enough(self) -> bool:
        """Whether a single cell tells; the cells of a column about something else are never currencies."""
        return self.named_by_header or self.kind.fields == ("currency",)

    @property
    def is_over(self) -> bool:
        """Whether so many cells say otherwise that the rest need not be looked at."""
        return not self.one_is_enough and self.misses - self.hits > _CLEARLY

    @property
    def holds(self) -> bool:
        """A few odd cells (`unknown`, `exempt`) between good ones do not make a column mean nothing."""
        return self.hits > 0 and (self.one_is_enough or self.hits >= self.misses)

    def look_at(self, number: int, text: str) -> None:
        """Take one cell into account; a no is nothing to most questions."""
        if YES_NO.get(text.casefold()) == "no":
            if self.kind is not _ASKED_BY_NO:
                return
            fits = True
        else:
            fits = self.kind.by_cells(text) or (self.named_by_header and self.kind.by_header(text))
        if fits:
            self.hits += 1
            self.first = self.first or (number, text)
        else:
            self.misses += 1


@dataclass
class _Column:
    """A column that is left out, and what it may still mean after the cells seen so far."""

    index: int
    header: str
    meaningless: frozenset[str]
    doubts: list[_Doubt]


@dataclass
class LeftOut:
    """Watches the columns of one file that are not read."""

    _columns: list[_Column] = field(default_factory=list)

    @classmethod
    def of(cls, header: Header, kinds: Sequence[Kind] = INVOICE_KINDS) -> LeftOut:
        """The columns of a file that might decide something."""
        columns = []
        has_status = any(plain_header(known.header) == FINANCIAL_STATUS for known in header.fields)
        for index, name in header.unasked:
            plain = plain_header(name)
            meaningless = None if plain == "paidat" and has_status else _MEANINGLESS.get(plain, frozenset())
            if meaningless is None:
                continue
            columns.append(_Column(index, name, meaningless, _doubts(name, plain, header.settled, kinds)))
        return cls(columns)

    def look_at(self, number: int, given: Sequence[str]) -> None:
        """Take the cells of one row into account."""
        for column in self._columns:
            if column.index >= len(given) or not (text := cleaned(given[column.index])):
                continue
            word = text.casefold()
            if word in column.meaningless or word in _NOTHING or _number(text) == 0:
                continue
            for doubt in column.doubts:
                doubt.look_at(number, text)
            if any(doubt.is_over for doubt in column.doubts):
                column.doubts = [doubt for doubt in column.doubts if not doubt.is_over]

    def refuse(self) -> None:
        """Raise UnusableFile where a column that was left out may decide something."""
        for column in self._columns:
            doubt = next((doubt for doubt in column.doubts if doubt.holds), None)
            if doubt is None or doubt.first is None:
                continue
            row, text = doubt.first
            names = doubt.kind.fields
            said = " or ".join(f"`{name}`" for name in names)
            header = printable(column.header)
            raise UnusableFile(
                f"has a column `{header}` that is not known but may be {said}: row {row} says {shown(text)}",
                f'Say what it is under [shop.csv.columns] in the profile, as in {names[0]} = "{header}"; '
                f'or, if it means nothing, ignore = ["{header}"] under [shop.csv].',
            )


def _doubts(header: str, plain: str, settled: frozenset[str], kinds: Sequence[Kind]) -> list[_Doubt]:
    """What a column may mean as far as its header and the other columns tell."""
    words = " ".join(_WORD.findall(header))
    return [
        _Doubt(kind, kind.stems.search(words) is not None)
        for kind in kinds
        if not settled.intersection(kind.settled_by)
        and not ("revenue_account" in kind.fields and _OF_ADDRESSES.search(plain) is not None)
    ]
