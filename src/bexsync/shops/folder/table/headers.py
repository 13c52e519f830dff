"""Which column of a table is which field: by the profile, by its standard name, or by what people call it."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from bexsync.records.columns import Column
from bexsync.records.quoting import printable
from bexsync.shops.folder.json_source import UnusableFile
from bexsync.shops.folder.table.vocabulary import INVOICES, Columns, Vocabulary, plain_header

SAY_WHICH = "Say which column is which under [shop.csv.columns] in the profile"
_MOST_SHOWN = 24
_MOST_COMPARED = 100
_LONGEST_COMPARED = 60
_WITH_CURRENCY = re.compile(r"(.*\w)\s*(?:\(in |\[in |in |\(|\[|\s)\s*([A-Z]{3}|€|Fr\.?|SFr\.?)\s*[)\]]?\s*", re.DOTALL)
_CURRENCIES = {"€": "EUR", "Fr": "CHF", "Fr.": "CHF", "SFr": "CHF", "SFr.": "CHF"}
_LOST = "\N{REPLACEMENT CHARACTER}"
_LOST_LETTERS = re.compile(rf"(?<=\w)\?+(?=\w)|{_LOST}+")
_ALIKE = 0.7
_TELLING = 5


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


def count_known(headers: Sequence[str], wanted: Columns, vocabulary: Vocabulary = INVOICES) -> int:
    """How many of these headers are known."""
    ours = {plain_header(header) for chosen in wanted.values() for header in chosen}
    plain = {plain_header(header) for header in headers}
    known = (vocabulary.by_header, vocabulary.candidates, ours)
    return sum(any(header in words for words in known) for header in plain if header)


def fields_in(headers: Sequence[str], columns: Columns, vocabulary: Vocabulary) -> dict[str, str]:
    """The fields that a file has by the profile or by known names, with the header of each."""
    by_plain = {plain_header(header): header for header in headers if header}
    wanted = vocabulary.wanted(headers, columns)
    found = {
        name: by_plain[plain_header(h)]
        for name, chosen in wanted.items()
        for h in chosen
        if plain_header(h) in by_plain
    }
    for header in headers:
        name = _name_of(header, headers, vocabulary)
        if name and name not in wanted:
            found.setdefault(name, header)
    return found


def read_headers(
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
