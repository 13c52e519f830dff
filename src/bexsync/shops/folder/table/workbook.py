"""XLSX workbooks: the cells of one sheet as the texts that a person sees in them."""

from __future__ import annotations

import io
import posixpath
import re
import zipfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any, BinaryIO
from xml.etree import ElementTree

from python_calamine import CalamineError, CalamineSheet, CalamineWorkbook, SheetTypeEnum, SheetVisibleEnum

from bexsync.records.quoting import printable
from bexsync.shops.folder.json_source import UnusableFile
from bexsync.shops.folder.table.cells import CellFlaw, DateText, NumberText, cleaned
from bexsync.shops.folder.table.headers import count_known
from bexsync.shops.folder.table.vocabulary import INVOICES, Columns, Vocabulary

SAVE_AGAIN = "Open it in a spreadsheet program and save it as an Excel workbook (.xlsx)."
LARGEST_UNPACKED = 300 * 1024 * 1024
_MOST_CELLS = 20_000_000
_LONG_NUMBER = 1e15  # a spreadsheet keeps 15 digits; the rest of such a number is lost
_CHUNK = 1 << 20
_FEWEST_HEADERS = 2
_OLD_FORMAT = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_ENCRYPTED = "EncryptedPackage".encode("utf-16-le")
_RELATION_ID = re.compile(r"\{[^}]*\}id")

# A cell of the sheet's XML; calamine tells neither errors nor number formats nor formulas without a value.
_ADDRESS = rb'(?=[^>]*?\sr="([A-Z]{1,3})([0-9]{1,7})")'
_OPENING = rb"<(?:\w+:)?c"
_NAMELESS = re.compile(_OPENING + rb'(?:\s(?![^>]*?\br=")[^>]*)?>')
_FILLED = re.compile(rb'\sr="([A-Z]{1,3})([0-9]{1,7})"[^>]*(?<!/)>')
_ERROR = re.compile(_OPENING + _ADDRESS + rb'(?=[^>]*?\st="e")[^>]*>.*?<(?:\w+:)?v>([^<]*)<', re.DOTALL)
_UNCALCULATED = re.compile(
    _OPENING + _ADDRESS + rb"[^>]*>\s*<(?:\w+:)?f\b(?:[^>]*/>|[^>]*>[^<]*</(?:\w+:)?f>)\s*</(?:\w+:)?c>"
)
_FORMULA = re.compile(rb"<(?:\w+:)?f[ />]")
_NOT_SHOWN = re.compile(r'"[^"]*"|\\.|_.|\*.|\[[^\]]*\]')
_CURRENCY_SIGN = re.compile(r'\[\$([^\]-]+)[^\]]*\]|"\s*([A-Z]{3}|S?Fr\.?|€|£)\s*"|(€|£)')
_CURRENCY_NAMES = {"€": "EUR", "£": "GBP", "$": "USD", "fr.": "CHF", "fr": "CHF", "sfr.": "CHF", "sfr": "CHF"}
_DAMAGES = (
    *(CalamineError, ElementTree.ParseError, zipfile.BadZipFile, zlib.error, EOFError, OSError),
    *(LookupError, NotImplementedError, RuntimeError, ValueError),
)
_BUILT_IN_PERCENTAGES = (9, 10)


@dataclass(frozen=True)
class _Scan:
    """A sheet, with the number formats and flaws of its cells by row and column."""

    sheet: CalamineSheet
    formats: Mapping[int, list[tuple[int, _Format]]]
    flaws: Mapping[int, list[tuple[int, CellFlaw]]]


class Workbook:
    """One workbook; raises UnusableFile for what is none, or cannot be read as a whole."""

    def __init__(self, stream: BinaryIO) -> None:
        stream.seek(0)
        content = stream.read()
        with _damage_named():
            self._archive = _opened(content)
            self._parts = _sheet_parts(self._archive)
            self._formats = _special_formats(self._archive)
            self._workbook = CalamineWorkbook.from_filelike(io.BytesIO(content))
        self._sheets = [sheet for sheet in self._workbook.sheets_metadata if sheet.typ is SheetTypeEnum.WorkSheet]
        self._scans: dict[str, _Scan] = {}

    def sheet_names(self, *, hidden: bool = False) -> list[str]:
        """The sheets a person sees, or those that are hidden."""
        return [sheet.name for sheet in self._sheets if (sheet.visible is not SheetVisibleEnum.Visible) == hidden]

    def rows(self, name: str) -> Iterator[tuple[int, list[str]]]:
        """Each row with its number, empty ones left out but counted; raises UnusableFile."""
        with _damage_named():
            if name not in self._scans:
                self._scans[name] = self._scanned(name)
            scan = self._scans[name]
            _, first = scan.sheet.start or (0, 0)
            for number, found in enumerate(scan.sheet.iter_rows(), 1):
                values = [*[""] * first, *found]  # the reader leaves out empty columns before the first filled one
                cells = [_text(value) for value in values]
                for column, number_format in scan.formats.get(number, ()):
                    if column < len(cells):
                        cells[column] = number_format.text(values[column], cells[column])
                for column, flaw in scan.flaws.get(number, ()):
                    cells += [""] * (column + 1 - len(cells))
                    cells[column] = flaw
                if any(cell.strip() for cell in cells):
                    yield number, cells

    def _scanned(self, name: str) -> _Scan:
        """What the sheet's XML says of single cells beside their values."""
        xml = self._archive.read(self._parts[name])
        if _NAMELESS.search(xml):
            raise UnusableFile("holds cells without an address, so nobody can say where they belong", SAVE_AGAIN)
        _refuse_wide(xml)
        formats: dict[int, list[tuple[int, _Format]]] = {}
        if self._formats:
            ids = b"|".join(str(number).encode() for number in self._formats)
            styled = re.compile(_OPENING + _ADDRESS + rb'(?=[^>]*?\ss="(' + ids + rb')")')
            for letters, row, style in styled.findall(xml):
                formats.setdefault(int(row), []).append((_column(letters), self._formats[int(style)]))
        flaws: dict[int, list[tuple[int, CellFlaw]]] = {}
        for letters, row, said in _ERROR.findall(xml) if b't="e"' in xml else ():
            flaw = CellFlaw(f"holds the error {printable(said.decode(errors='replace'))}")
            flaws.setdefault(int(row), []).append((_column(letters), flaw))
        for letters, row in _UNCALCULATED.findall(xml) if _FORMULA.search(xml) else ():
            flaw = CellFlaw("holds a formula that was never calculated")
            flaws.setdefault(int(row), []).append((_column(letters), flaw))
        return _Scan(self._workbook.get_sheet_by_name(name), formats, flaws)


def sheet_with_records(
    workbook: Workbook, columns: Columns, wanted: str = "", vocabulary: Vocabulary = INVOICES
) -> str:
    """The name of the sheet to read: the wanted one, else the only one whose headers are known; raises UnusableFile."""
    visible = workbook.sheet_names()
    if wanted:
        found = [name for name in (*visible, *workbook.sheet_names(hidden=True)) if name == wanted]
        if not found:
            raise UnusableFile(
                f"has no sheet `{printable(wanted)}`; its sheets are {_listed(visible)}",
                "Correct sheet under [shop.csv] in the profile, or rename the sheet.",
            )
        return found[0]
    counts = {name: count_known(_headers(workbook, name), columns, vocabulary) for name in visible}
    known = [name for name, count in counts.items() if count >= _FEWEST_HEADERS]
    if len(known) > 1:
        raise UnusableFile(
            f"has {len(known)} sheets with records: {_listed(known)}",
            f'Keep one of them, or say which under [shop.csv] in the profile: sheet = "{printable(known[0])}".',
        )
    if known:
        return known[0]
    if not visible:
        raise UnusableFile(
            "has no sheet that is visible", "Show the sheet that is to be read, and save the file again."
        )
    return max(visible, key=lambda name: (counts[name], bool(_headers(workbook, name))))


def _headers(workbook: Workbook, name: str) -> list[str]:
    _, cells = next(workbook.rows(name), (0, []))
    return [cleaned(cell) for cell in cells]


def _listed(names: Sequence[str]) -> str:
    return ", ".join(f"`{printable(name)}`" for name in names)


def _text(value: Any) -> str:
    match value:
        case bool():
            return "TRUE" if value else "FALSE"
        case int() | float():
            return NumberText(_number(value))
        case datetime():
            return DateText(value.isoformat(" ", "seconds").removesuffix(" 00:00:00"))
        case date():
            return DateText(value.isoformat())
    return str(value)


def _number(value: float) -> str:
    """The number as a spreadsheet keeps it, without what binary fractions add to it."""
    if abs(value) >= _LONG_NUMBER:
        return f"{value:.5E}"
    text = format(Decimal(f"{value:.15g}"), "f")
    return "0" if text == "-0" else text


class _Format:
    """A number format that changes what a person reads in a cell."""

    def __init__(self, *, is_percentage: bool = False, digits: int = 0, currency: str = "") -> None:
        self._is_percentage = is_percentage
        self._digits = digits
        self._currency = currency

    def text(self, value: Any, plain: str) -> str:
        """The number as it is shown; other values stay as they are."""
        if isinstance(value, bool) or not isinstance(value, int | float) or abs(value) >= _LONG_NUMBER:
            return plain
        if self._is_percentage:
            return NumberText(f"{format((Decimal(plain) * 100).normalize(), 'f')}%")
        if self._digits:
            return NumberText(plain.zfill(self._digits)) if plain.isdigit() else plain
        return NumberText(f"{self._currency} {plain}")


def _format_of(number: int, code: str) -> _Format | None:
    shown = _NOT_SHOWN.sub("", code)
    if number in _BUILT_IN_PERCENTAGES or "%" in shown:
        return _Format(is_percentage=True)
    if re.fullmatch(r"0{2,}", shown) and "." not in code:
        return _Format(digits=len(shown))
    if found := _CURRENCY_SIGN.search(code):
        sign = next(group for group in found.groups() if group).strip()
        currency = _CURRENCY_NAMES.get(sign.lower(), sign.upper())
        return _Format(currency=currency) if re.fullmatch(r"[A-Z]{3}", currency) else None
    return None


def _special_formats(archive: zipfile.ZipFile) -> Mapping[int, _Format]:
    """The styles of cells whose number format matters, by their number in the workbook."""
    if "xl/styles.xml" not in archive.namelist():
        return {}
    root = _parsed(archive, "xl/styles.xml")
    codes = {int(e.get("numFmtId", "0")): e.get("formatCode", "") for e in root.iter() if _is(e, "numFmt")}
    styles = next((e for e in root if _is(e, "cellXfs")), None)
    found: dict[int, _Format] = {}
    for style, used in enumerate(styles if styles is not None else ()):
        number = int(used.get("numFmtId", "0"))
        if (number_format := _format_of(number, codes.get(number, ""))) is not None:
            found[style] = number_format
    return found


def _opened(content: bytes) -> zipfile.ZipFile:
    """The archive, once all of it was unpacked on trial: what is too large or damaged must not reach the reader."""
    if content.startswith(_OLD_FORMAT):
        if _ENCRYPTED in content:
            raise UnusableFile("is protected by a password", "Save it without a password and drop it into in/ again.")
        raise UnusableFile("is a workbook in the old Excel format (.xls)", SAVE_AGAIN)
    if not content.startswith(b"PK"):
        raise UnusableFile("is no Excel workbook, whatever its name says", SAVE_AGAIN)
    archive = zipfile.ZipFile(io.BytesIO(content))
    if sum(part.file_size for part in archive.infolist()) > LARGEST_UNPACKED:
        raise UnusableFile(
            f"unpacks to more than {LARGEST_UNPACKED // 1024**2} MB", "Export fewer records into one file."
        )
    for part in archive.infolist():
        with archive.open(part) as stream:
            while stream.read(_CHUNK):
                pass
    if "xl/workbook.xml" not in archive.namelist():
        raise UnusableFile("is no Excel workbook, whatever its name says", SAVE_AGAIN)
    return archive


def _sheet_parts(archive: zipfile.ZipFile) -> Mapping[str, str]:
    """Where in the archive each sheet lies."""
    relations = _parsed(archive, "xl/_rels/workbook.xml.rels")
    targets = {e.get("Id", ""): posixpath.join("/xl", e.get("Target", ""))[1:] for e in relations}
    parts: dict[str, str] = {}
    for sheet in (e for e in _parsed(archive, "xl/workbook.xml").iter() if _is(e, "sheet")):
        relation = next((value for key, value in sheet.attrib.items() if _RELATION_ID.fullmatch(key)), "")
        parts[sheet.get("name", "")] = posixpath.normpath(targets.get(relation, ""))
    return parts


def _parsed(archive: zipfile.ZipFile, name: str) -> ElementTree.Element:
    xml = archive.read(name)
    if b"<!DOCTYPE" in xml:  # no spreadsheet writes one, and its entities may be without end
        raise UnusableFile("holds a document type, which no spreadsheet program writes", SAVE_AGAIN)
    return ElementTree.fromstring(xml)  # noqa: S314  without a document type there are no entities


def _is(element: ElementTree.Element, name: str) -> bool:
    return element.tag.rpartition("}")[2] == name


def _refuse_wide(xml: bytes) -> None:
    """A single cell far away makes the reader ask for memory for all cells in between."""
    rows = columns = 0
    for letters, row in _FILLED.findall(xml):
        rows, columns = max(rows, int(row)), max(columns, _column(letters) + 1)
    if rows * columns > _MOST_CELLS:
        raise UnusableFile(
            f"has a sheet of {rows} rows and {columns} columns, nearly all of them empty",
            "Delete the cells far away from the others, and save the file again.",
        )


def _column(letters: bytes) -> int:
    """The place of a column, counted from nought."""
    number = 0
    for letter in letters:
        number = number * 26 + letter - 64
    return number - 1


@contextmanager
def _damage_named() -> Iterator[None]:
    """Turns whatever a damaged workbook raises into UnusableFile."""
    try:
        yield
    except UnusableFile:
        raise
    except _DAMAGES as problem:
        reason = printable(str(problem)) or type(problem).__name__
        raise UnusableFile(f"is a damaged workbook ({reason})", SAVE_AGAIN) from problem
