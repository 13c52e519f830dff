"""A small PDF, good enough for a reader to open."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from typing import Any


def envelope(name: str, lines: Sequence[str]) -> dict[str, Any]:
    """Return a one-page PDF as bexio hands it out: base64 within JSON."""
    content = one_page(lines)
    return {
        "name": name,
        "size": len(content),
        "mime": "application/pdf",
        "content": base64.b64encode(content).decode(),
    }


def one_page(lines: Sequence[str]) -> bytes:
    """Return a PDF of one page with some lines of text."""
    page = _page_content(lines)
    objects = (
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R"
        b" /Resources << /Font << /F1 5 0 R >> >> >>",
        b"<< /Length %d >>\nstream\n%s\nendstream" % (len(page), page),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>",
    )
    file, offsets = bytearray(b"%PDF-1.4\n"), []
    for number, body in enumerate(objects, start=1):
        offsets.append(len(file))
        file += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    start = len(file)
    file += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    file += b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    file += b"trailer << /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (len(objects) + 1, start)
    return bytes(file)


def _page_content(lines: Sequence[str]) -> bytes:
    written = b" ".join(b"(%s) Tj T*" % _escaped(line) for line in lines)
    return b"BT /F1 11 Tf 56 780 Td 16 TL %s ET" % written


def _escaped(line: str) -> bytes:
    encoded = line.encode("cp1252", "replace")
    for sign in (b"\\", b"(", b")"):
        encoded = encoded.replace(sign, b"\\" + sign)
    return encoded
