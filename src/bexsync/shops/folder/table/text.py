"""Tables as text: their encoding and delimiter, found out from the file, and their rows."""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from typing import BinaryIO, TextIO

from bexsync.characters import encoded_twice
from bexsync.records.quoting import shown
from bexsync.shops.folder.json_source import UnusableFile
from bexsync.shops.folder.table.cells import cleaned
from bexsync.shops.folder.table.headers import count_known
from bexsync.shops.folder.table.vocabulary import INVOICES, Columns, Vocabulary, header_letters

_CHUNK = 1 << 20
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig", "UTF-8"),
    (codecs.BOM_UTF32_LE, "utf-32", "UTF-32"),  # begins like the next one
    (codecs.BOM_UTF16_LE, "utf-16", "UTF-16"),
    (codecs.BOM_UTF16_BE, "utf-16", "UTF-16"),
    (codecs.BOM_UTF32_BE, "utf-32", "UTF-32"),
)
_SAY_WHICH = 'Save the file as UTF-8, or say which encoding it is under [shop.csv], as in encoding = "cp850".'
DELIMITERS = (";", ",", "\t", "|")
_ROWS = 50
_SEP_LINE = re.compile(r'\ufeff?"?sep=(.)"?[^\S\t]*', re.IGNORECASE)


@dataclass(frozen=True)
class Encoding:
    """What Python calls an encoding, and what people do."""

    codec: str
    label: str


_UTF8 = Encoding("utf-8", "UTF-8")
_SINGLE_BYTES = (
    Encoding("cp1252", "Windows-1252"),
    Encoding("mac_roman", "Mac Roman"),
    Encoding("cp850", "CP850"),
    Encoding("cp437", "CP437"),
)
_SAMPLE = 1 << 16
# Letters and signs of German, French, Italian and English texts; others point to another encoding.
_ORDINARY = frozenset(
    "ÄÖÜäöüßẞÀÂÇÈÉÊËÎÏÔÙÛàâæçèéêëìíîïòóôùúûœŒáñãõåøÅØÑÁÓÚÍ«»‹›„“”‚‘’–—…•·°€£§©®™µ²³¹¼½¾×±\u00a0\u202f\u00ad"
)
_APART_FROM_LETTERS = re.compile(r"[^\W\d_][«»‹›„“”‚‘…•°€£§©®™²³¹¼½¾×±][^\W\d_]")


def encoding_of(stream: BinaryIO, wanted: str, recognised: Callable[[str], int] = lambda _: 0) -> Encoding:
    """The encoding of the stream; raises UnusableFile where none can be known.

    `recognised` tells how many headers of the beginning of a text are known: that decides between the encodings of one
    byte per letter, in all of which nearly any bytes are text.
    """
    stream.seek(0)
    start = stream.read(4)
    marked = next((Encoding(codec, label) for mark, codec, label in _MARKS if start.startswith(mark)), None)
    if wanted and not (marked and codecs.lookup(wanted).name in marked.codec):
        return _required(stream, Encoding(wanted, wanted))
    if marked:
        return _required(stream, marked)
    if not (flaw := _flaw(stream, _UTF8.codec)):
        _refuse_twice(stream, _UTF8)
        return _UTF8
    found = _single_byte(stream, recognised)
    if found is None:
        raise UnusableFile(f"is neither UTF-8 ({flaw}) nor surely of another encoding", _SAY_WHICH)
    return found


def _required(stream: BinaryIO, encoding: Encoding) -> Encoding:
    if flaw := _flaw(stream, encoding.codec):
        raise UnusableFile(f"is not {encoding.label} ({flaw})", _SAY_WHICH)
    _refuse_twice(stream, encoding)
    return encoding


def _single_byte(stream: BinaryIO, recognised: Callable[[str], int]) -> Encoding | None:
    """The encoding in which most headers are known; without help from the headers, Windows-1252 for ordinary text."""
    possible = [encoding for encoding in _SINGLE_BYTES if not _flaw(stream, encoding.codec)]
    for encoding in possible:
        if encoding.codec == "cp1252":
            _refuse_twice(stream, encoding)
    stream.seek(0)
    sample = stream.read(_SAMPLE)
    known = {encoding: recognised(sample.decode(encoding.codec)) for encoding in possible}
    best = [encoding for encoding in possible if known[encoding] == max(known.values())]
    if not best or len(best) < len(possible):
        return best[0] if best and _are_one(stream, best) else None
    return best[0] if best[0].codec == "cp1252" and not _has_odd_letters(stream) else None


def _are_one(stream: BinaryIO, encodings: Sequence[Encoding]) -> bool:
    """Whether the bytes of the stream mean the same in all of these encodings."""
    used: set[int] = set()
    stream.seek(0)
    while chunk := stream.read(_CHUNK):
        used.update(chunk)
    high = bytes(byte for byte in used if byte >= 0x80)
    return len({high.decode(encoding.codec, errors="replace") for encoding in encodings}) == 1


def _has_odd_letters(stream: BinaryIO) -> bool:
    """Whether the stream as Windows-1252 holds what the texts of its users do not."""
    return any(
        not _ORDINARY.issuperset(sign for sign in set(text) if not sign.isascii())
        or _APART_FROM_LETTERS.search(text) is not None
        for text in _texts(stream, "cp1252")
    )


def _refuse_twice(stream: BinaryIO, encoding: Encoding) -> None:
    """Text that was encoded twice, in whole or in part, would reach customers as it is."""
    for text in _texts(stream, encoding.codec):
        if word := encoded_twice(text):
            raise UnusableFile(
                f"holds text that was encoded twice, such as {shown(word)}",
                "Export the file again as UTF-8; opening and saving it with the wrong encoding has spoilt its letters.",
            )


def _texts(stream: BinaryIO, codec: str) -> Iterator[str]:
    stream.seek(0)
    decoder = codecs.getincrementaldecoder(codec)()
    while chunk := stream.read(_CHUNK):
        yield decoder.decode(chunk)


def opened_text(stream: BinaryIO, encoding: Encoding) -> io.TextIOWrapper:
    """The text with its line breaks as they are."""
    stream.seek(0)
    return io.TextIOWrapper(stream, encoding=encoding.codec, newline="")


def _flaw(stream: BinaryIO, codec: str) -> str:
    """Which byte is no text in this encoding, "" where all are; raises UnusableFile for what no table holds."""
    stream.seek(0)
    decoder = codecs.getincrementaldecoder(codec)()
    has_null, lines, chunk = False, 1, b""
    try:
        while chunk := stream.read(_CHUNK):
            has_null = "\0" in decoder.decode(chunk) or has_null
            lines += chunk.count(b"\n")
        decoder.decode(b"", final=True)
    except UnicodeDecodeError as problem:
        line = lines + problem.object.count(b"\n", 0, problem.start)
        return f"byte 0x{problem.object[problem.start]:02X} in line {line}"
    except UnicodeError as problem:
        return str(problem)
    if has_null:
        raise UnusableFile(
            "holds null characters, which no table does",
            'Save it as CSV in UTF-8. If it is UTF-16, say so under [shop.csv]: encoding = "utf-16-le".',
        )
    return ""


def skip_sep_line(text: TextIO) -> str:
    """The sign that a first line like `sep=;` names; spreadsheets do not show that line as a row."""
    line = text.readline(16)
    found = _SEP_LINE.fullmatch(line.rstrip("\r\n"))
    if found is None:
        text.seek(0)
        return ""
    return found[1]


def delimiter_of(sample: str, wanted: Columns, vocabulary: Vocabulary = INVOICES) -> str:
    """The sign that makes most sense of the beginning of a table."""
    return max(DELIMITERS, key=lambda sign: _sense(sample, sign, wanted, vocabulary))


def known_headers(wanted: Columns, vocabulary: Vocabulary = INVOICES) -> Callable[[str], int]:
    """Counts the headers that are known, accents and all, at the beginning of a text, whatever stands between them."""
    ours = {header_letters(header) for chosen in wanted.values() for header in chosen}

    def count(sample: str) -> int:
        text = io.StringIO(sample, newline="")
        said = skip_sep_line(text)
        table = text.read()
        headers = (
            next((row for row in _first_rows(table, sign) if any(cell.strip() for cell in row)), [])
            for sign in (said or DELIMITERS)
        )
        return max(
            sum(
                letters in vocabulary.spelled or letters in ours
                for header in row
                if (letters := header_letters(header))
            )
            for row in headers
        )

    return count


def sample_of(text: TextIO) -> str:
    """The beginning of the text, cut at a line's end."""
    start = text.tell()
    sample = text.read(_SAMPLE)
    text.seek(start)
    return sample if len(sample) < _SAMPLE else sample[: sample.rfind("\n") + 1] or sample


def cells_of(lines: TextIO, delimiter: str) -> Iterator[list[str]]:
    """The rows; raises csv.Error where quotes do not match."""
    return csv.reader(lines, delimiter=delimiter, strict=True, skipinitialspace=delimiter != " ")


def _sense(sample: str, delimiter: str, wanted: Columns, vocabulary: Vocabulary) -> tuple[int, int, int]:
    """How many headers are known, how many rows are as long as the header, how many columns there are."""
    filled = [row for row in _first_rows(sample, delimiter) if any(cell.strip() for cell in row)]
    if not filled:
        return 0, 0, 2  # nothing but this sign: blank rows, and not one column
    header = filled[0]
    alike = sum(len(row) == len(header) for row in filled) if len(header) > 1 else 0
    return count_known([cleaned(cell) for cell in header], wanted, vocabulary), alike, len(header)


def _first_rows(sample: str, delimiter: str) -> list[list[str]]:
    """Up to where the sample ends, or quotes stop making sense."""
    rows: list[list[str]] = []
    with suppress(csv.Error):
        for row in islice(cells_of(io.StringIO(sample, newline=""), delimiter), _ROWS):
            rows.append(row)
    return rows
