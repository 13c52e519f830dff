"""Plain text as bexio's HTML, and back."""

from __future__ import annotations

import html


def markup(text: str) -> str:
    """Plain text as bexio's HTML: escaped, line breaks kept."""
    return html.escape(text, quote=False).replace("\r\n", "\n").replace("\n", "<br/>")


def unmarked(text: str) -> str:
    """bexio's HTML as plain text again, for comparing."""
    return html.unescape(text.replace("<br/>", "\n").replace("<br />", "\n").replace("<br>", "\n"))
