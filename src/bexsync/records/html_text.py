"""HTML as plain text, and plain text as something that reads the same where HTML is expected."""

from __future__ import annotations

import html
import re
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
_UNTIDY = re.compile(r"[^\S \n]|  | \n|\n |\n{3}|\A[ \n]|[ \n]\Z")
_LINE_ENDS = re.compile(r"\r\n?|[\n\v\f\x1c-\x1e\x85\u2028\u2029]")


def plain_text(text: str) -> str:
    """What a person reads of a text that may be HTML: blocks on lines of their own, signs as themselves."""
    if not _LOOKS_LIKE_HTML.search(text):
        return _tidied(html.unescape(text)) if "&" in text else _tidied(text)
    lines = _BREAK.split(text)
    if not any("<" in line for line in lines):  # as bexsync writes it, and many thousands of times
        return _tidied("\n".join(_BLANKS.sub(" ", html.unescape(line)) for line in lines))
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
    if not _UNTIDY.search(text):
        return text
    lines = [" ".join(line.split()) for line in _LINE_ENDS.sub("\n", text).split("\n")]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip("\n")
