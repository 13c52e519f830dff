"""The grey square that stands for every profile picture and logo."""

from __future__ import annotations

import base64
import struct
import zlib
from functools import cache

_SIDE, _GREY = 80, 0xC8


@cache
def grey_square() -> str:
    """Return a small grey PNG in base64."""
    rows = (b"\0" + bytes([_GREY]) * _SIDE) * _SIDE
    header = struct.pack(">IIBBBBB", _SIDE, _SIDE, 8, 0, 0, 0, 0)
    chunks = _chunk(b"IHDR", header) + _chunk(b"IDAT", zlib.compress(rows)) + _chunk(b"IEND", b"")
    return base64.b64encode(b"\x89PNG\r\n\x1a\n" + chunks).decode()


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
