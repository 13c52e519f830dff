"""HTML as plain text, and plain text as something that reads the same where HTML is expected."""

from __future__ import annotations

import html
import re
from collections.abc import Sequence
from html.parser import HTMLParser

_LOOKS_LIKE_HTML = re.compile(r"<[A-Za-z!/?]")
_UNSEEN = frozenset({"script", "style", "title", "template", "noscript", "iframe", "object", "svg"})
_ROWS = frozenset({"br", "tr", "li", "dt", "dd"})
_BLOCKS = frozenset(
    {
        *("address", "article", "aside", "blockquote", "div", "dl", "fieldset", "figcaption", "figure", "footer"),
        *("form", "h1", "h2", "h3", "h4", "h5", "h6", "header", "hr", "main", "nav", "ol", "p", "pre", "section"),
        *("table", "ul", "tbody", "thead", "tfoot", "caption"),
    }
)
_CELLS = frozenset({"td", "th"})
_BREAK = re.compile(r"<br ?/?>", re.IGNORECASE)
_BLANKS = re.compile(r"\s+")
_BLANK_LINES = re.compile(r"\n{3,}")


def plain_text(text: str) -> str:
    """What a person reads of a text that may be HTML: blocks on lines of their own, signs as themselves."""
    if not _LOOKS_LIKE_HTML.search(text):
        return _tidied(html.unescape(text)) if "&" in text else _tidied(text)
    lines = _BREAK.split(text)
    if not any("<" in line for line in lines):  # as bexsync writes it, and many thousands of times
        return _as_lines([html.unescape(line) for line in lines])
    reader = _Reader()
    reader.feed(text)
    reader.close()
    return _tidied("".join(reader.parts))


def one_line(text: str) -> str:
    """A title: its signs as themselves, on one line; what looks like a tag stays, since titles are no HTML."""
    return " ".join(html.unescape(text).split())


def readable(text: str) -> str:
    """Plain text for a place that reads HTML: itself, or escaped where it would not be read as what it says."""
    if plain_text(text) == _tidied(text):
        return text
    return html.escape(text, quote=False).replace("\n", "<br/>")


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []
        self._unseen = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        del attrs
        self._unseen += tag in _UNSEEN
        self._break(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        del attrs
        self._break(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag in _UNSEEN and self._unseen:
            self._unseen -= 1
        if tag in _BLOCKS:
            self._break(tag)

    def handle_data(self, data: str) -> None:
        if not self._unseen:
            # A line end inside HTML is a blank; what only looks like one (a no-break space) stays a blank, too.
            self.parts.append(_BLANKS.sub(" ", data))

    def _break(self, tag: str) -> None:
        if tag in _ROWS or tag in _BLOCKS:
            self.parts.append("\n")
        elif tag in _CELLS:
            self.parts.append(" ")


def _tidied(text: str) -> str:
    """Blanks collapsed, no blank line at the ends and never two in a row."""
    return _as_lines(text.splitlines())


def _as_lines(lines: Sequence[str]) -> str:
    """The same of lines that are told apart already: what looks like the end of one inside them is a blank."""
    return _BLANK_LINES.sub("\n\n", "\n".join(" ".join(line.split()) for line in lines)).strip("\n")
