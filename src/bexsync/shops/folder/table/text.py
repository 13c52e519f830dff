"""From the bytes of a table to its text: which encoding it is in, found out from all of it."""

from __future__ import annotations

import codecs
import io
from dataclasses import dataclass
from typing import BinaryIO

from bexsync.shops.folder.pieces import UnusableFile

_CHUNK = 1 << 20
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig", "UTF-8"),
    (codecs.BOM_UTF32_LE, "utf-32", "UTF-32"),  # begins like the next one
    (codecs.BOM_UTF16_LE, "utf-16", "UTF-16"),
    (codecs.BOM_UTF16_BE, "utf-16", "UTF-16"),
    (codecs.BOM_UTF32_BE, "utf-32", "UTF-32"),
)
_SAY_WHICH = 'Save the file as UTF-8, or say which encoding it is under [shop.csv], as in encoding = "cp850".'


@dataclass(frozen=True)
class Encoding:
    """What Python calls an encoding, and what people do."""

    codec: str
    label: str


_GUESSES = (Encoding("utf-8", "UTF-8"), Encoding("cp1252", "Windows-1252"))


def encoding_of(stream: BinaryIO, wanted: str) -> Encoding:
    """The encoding that the whole stream is valid in; raises UnusableFile."""
    stream.seek(0)
    start = stream.read(4)
    marked = next((Encoding(codec, label) for mark, codec, label in _MARKS if start.startswith(mark)), None)
    if wanted and not (marked and codecs.lookup(wanted).name in marked.codec):
        candidates: tuple[Encoding, ...] = (Encoding(wanted, wanted),)
    else:
        candidates = (marked,) if marked else _GUESSES
    flaws = []
    for encoding in candidates:
        flaw = _flaw(stream, encoding.codec)
        if not flaw:
            return encoding
        flaws.append(flaw)
    labels = [encoding.label for encoding in candidates]
    is_none = f"is neither {' nor '.join(labels)}" if len(labels) > 1 else f"is not {labels[0]}"
    raise UnusableFile(f"{is_none} ({flaws[-1]})", _SAY_WHICH)


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
