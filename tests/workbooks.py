"""Writes small XLSX workbooks for tests, cell by cell, so that no spreadsheet program is needed."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from xml.sax.saxutils import escape, quoteattr

_EPOCH = datetime(1899, 12, 30)  # noqa: DTZ001  a spreadsheet's days have no zone
_NAMESPACES = (
    'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main" '
    'xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"'
)
_HEAD = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
_DATE_FORMAT = "dd.mm.yyyy"


@dataclass(frozen=True)
class Cell:
    """A cell with a number format, a formula, or an error instead of a plain value."""

    value: Any = None
    number_format: str = ""
    formula: str = ""
    error: str = ""


def workbook(sheets: Mapping[str, Sequence[Sequence[Any]]], hidden: Sequence[str] = ()) -> bytes:
    """The bytes of a workbook with these sheets."""
    formats = sorted({_format(cell) for rows in sheets.values() for row in rows for cell in row} - {""})
    styles = {code: number for number, code in enumerate(formats, 1)}
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("[Content_Types].xml", _content_types(len(sheets)))
        archive.writestr("_rels/.rels", _package_relations())
        archive.writestr("xl/workbook.xml", _workbook(sheets, hidden))
        archive.writestr("xl/_rels/workbook.xml.rels", _workbook_relations(len(sheets)))
        archive.writestr("xl/styles.xml", _styles(formats))
        for number, rows in enumerate(sheets.values(), 1):
            archive.writestr(f"xl/worksheets/sheet{number}.xml", _sheet(rows, styles))
    return content.getvalue()


def _format(value: Any) -> str:
    if isinstance(value, Cell):
        return value.number_format or _format(value.value)
    return _DATE_FORMAT if isinstance(value, date) else ""


def _sheet(rows: Sequence[Sequence[Any]], styles: Mapping[str, int]) -> str:
    lines = []
    for number, row in enumerate(rows, 1):
        cells = "".join(_cell(f"{_letters(column)}{number}", value, styles) for column, value in enumerate(row))
        lines.append(f'<row r="{number}">{cells}</row>')
    return f"{_HEAD}<worksheet {_NAMESPACES}><sheetData>{''.join(lines)}</sheetData></worksheet>"


def _cell(place: str, value: Any, styles: Mapping[str, int]) -> str:
    style = f' s="{styles[code]}"' if (code := _format(value)) else ""
    formula = ""
    if isinstance(value, Cell):
        formula = f"<f>{escape(value.formula)}</f>" if value.formula else ""
        if value.error:
            return f'<c r="{place}"{style} t="e">{formula}<v>{value.error}</v></c>'
        value = value.value
    if value is None:
        return f'<c r="{place}"{style}>{formula}</c>' if formula or style else ""
    if isinstance(value, bool):
        return f'<c r="{place}"{style} t="b">{formula}<v>{int(value)}</v></c>'
    if isinstance(value, datetime):
        value = (value - _EPOCH).total_seconds() / 86_400
    elif isinstance(value, date):
        value = (value - _EPOCH.date()).days
    if isinstance(value, str):
        return f'<c r="{place}"{style} t="inlineStr"><is><t xml:space="preserve">{escape(value)}</t></is></c>'
    return f'<c r="{place}"{style}>{formula}<v>{value!r}</v></c>'


def _letters(column: int) -> str:
    name = ""
    while column >= 0:
        column, letter = divmod(column, 26)
        name, column = chr(ord("A") + letter) + name, column - 1
    return name


def _workbook(sheets: Mapping[str, Any], hidden: Sequence[str]) -> str:
    states = dict.fromkeys(hidden, ' state="hidden"')
    listed = "".join(
        f'<sheet name={quoteattr(name)} sheetId="{number}" r:id="rId{number}"{states.get(name, "")}/>'
        for number, name in enumerate(sheets, 1)
    )
    return f"{_HEAD}<workbook {_NAMESPACES}><sheets>{listed}</sheets></workbook>"


def _styles(formats: Sequence[str]) -> str:
    codes = "".join(
        f'<numFmt numFmtId="{number}" formatCode={quoteattr(code)}/>' for number, code in enumerate(formats, 164)
    )
    uses = "".join(f'<xf numFmtId="{number}" applyNumberFormat="1"/>' for number, _ in enumerate(formats, 164))
    return (
        f'{_HEAD}<styleSheet {_NAMESPACES}><numFmts count="{len(formats)}">{codes}</numFmts>'
        f'<cellXfs count="{len(formats) + 1}"><xf numFmtId="0"/>{uses}</cellXfs></styleSheet>'
    )


def _content_types(sheets: int) -> str:
    kind = "application/vnd.openxmlformats-officedocument.spreadsheetml"
    parts = "".join(
        f'<Override PartName="/xl/worksheets/sheet{n}.xml" ContentType="{kind}.worksheet+xml"/>'
        for n in range(1, sheets + 1)
    )
    return (
        f'{_HEAD}<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
        '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        '<Default Extension="xml" ContentType="application/xml"/>'
        f'<Override PartName="/xl/workbook.xml" ContentType="{kind}.sheet.main+xml"/>'
        f'<Override PartName="/xl/styles.xml" ContentType="{kind}.styles+xml"/>{parts}</Types>'
    )


_RELATIONS = "http://schemas.openxmlformats.org/package/2006/relationships"
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"


def _package_relations() -> str:
    return (
        f'{_HEAD}<Relationships xmlns="{_RELATIONS}">'
        f'<Relationship Id="rId1" Type="{_OFFICE}/officeDocument" Target="xl/workbook.xml"/></Relationships>'
    )


def _workbook_relations(sheets: int) -> str:
    listed = "".join(
        f'<Relationship Id="rId{n}" Type="{_OFFICE}/worksheet" Target="worksheets/sheet{n}.xml"/>'
        for n in range(1, sheets + 1)
    )
    return (
        f'{_HEAD}<Relationships xmlns="{_RELATIONS}">{listed}'
        f'<Relationship Id="rIdStyles" Type="{_OFFICE}/styles" Target="styles.xml"/></Relationships>'
    )
