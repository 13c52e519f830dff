"""Characters that nobody sees or wrote: they steer terminals, turn text around, and spoil names."""

from __future__ import annotations

import re

_JOINER = "\N{ZERO WIDTH JOINER}"
_ENDS_OF_LINES = r"\n\r\v\f\x1c-\x1e\x85\u2028\u2029"
# Controls but tabs and ends of lines, then signs of no width, those that set the direction, and tags.
_REMOVED = (
    r"\x00-\x08\x0e-\x1b\x1f\x7f-\x84\x86-\x9f"
    r"\u00ad\u061c\u180e\u200b\u200c\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    r"\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0001\U000e0020-\U000e007f"
)
# A joiner holds the parts of one picture together, as in a family or a profession; between letters it is nothing.
# Compiled when a text needs it, which takes long for so many characters.
_UNWANTED = rf"[{_REMOVED}]|{_JOINER}(?![\u2600-\U0010ffff])"
_WITHIN_LINES = rf"{_UNWANTED}|[\v\f\x1c-\x1e\x85\u2028\u2029]"
_IN_ONE_LINE = rf"{_UNWANTED}|[\t{_ENDS_OF_LINES}]+"
_UNPRINTED = rf"[{_REMOVED}\t{_ENDS_OF_LINES}{_JOINER}]"

# What UTF-8 looks like when it is read, or was saved, as if it were a single-byte encoding.
_HIGH = "\u0080-\u00bfŒœŠšŸŽžƒˆ˜–—‘’‚“”„†‡•…‰‹›€™"
_TWICE = rf"\w*(?:[ÃÂ][{_HIGH}]|â[€\u0080][{_HIGH}]|√[§∂º†®©™´¨à]|├[ñÂ╝ä®Âö£])\w*"


def one_line(text: str) -> str:
    """The text without what nobody sees, its line ends and tabs as blanks."""
    return text if text.isprintable() else re.sub(_IN_ONE_LINE, _as_blank, text)


def lines_of_text(text: str) -> str:
    """The text without what nobody sees; line ends and tabs stay."""
    return text if text.isprintable() else re.sub(_WITHIN_LINES, _as_line_end, text)


def as_printed(text: str) -> str:
    """The text at its full length, with a sign of its own for each character that nobody sees, line ends apart."""
    return text if text.isprintable() else re.sub(_UNPRINTED, _as_sign, text)


def escaped(json: str) -> str:
    """JSON in which every character that nobody sees is written as its code, so that it says the same and shows it."""
    return json if json.isprintable() else re.sub(_UNPRINTED, _as_code, json)


def unprinted(text: str) -> str:
    """The first character that nobody sees, as `U+202E`; "" where there is none."""
    found = None if text.isprintable() else re.search(_UNPRINTED, text)
    return f"U+{ord(found[0]):04X}" if found else ""


def encoded_twice(text: str) -> str:
    """The first word whose letters are those of UTF-8 read in another encoding, as in `MÃ¼ller`; "" where none is."""
    found = None if text.isascii() else re.search(_TWICE, text)
    return found[0] if found else ""


def _as_sign(found: re.Match[str]) -> str:
    return found[0] if found[0] in "\n\t" else " " if found[0].isspace() else "\N{REPLACEMENT CHARACTER}"


def _as_code(found: re.Match[str]) -> str:
    units = found[0].encode("utf-16-be")
    return "".join(f"\\u{units[at]:02x}{units[at + 1]:02x}" for at in range(0, len(units), 2))


def _as_blank(found: re.Match[str]) -> str:
    return " " if found[0].isspace() else ""


def _as_line_end(found: re.Match[str]) -> str:
    return "\n" if found[0].isspace() else ""
