"""What the identity server returns: JSON to programs, with the errors of OAuth 2, and pages to browsers."""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from jinja2 import Environment, PackageLoader, StrictUndefined
from werkzeug.wrappers import Response

from bexio_sandbox.scopes import WORDS

COMMON_HEADERS = {
    "Cache-Control": "no-store",
    "Pragma": "no-cache",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


class OAuthError(Exception):
    """Ends a request of a program with an error of OAuth 2."""

    def __init__(
        self, error: str, description: str = "", status: int = 400, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(error)
        self.body = {"error": error, **({"error_description": description} if description else {})}
        self.status = status
        self.headers = headers

    def response(self) -> Response:
        """Return the response."""
        return answer(self.body, self.status, self.headers)


def answer(body: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """Return JSON that is not to be cached."""
    text = json.dumps(body, ensure_ascii=False)
    return Response(text, status, {**COMMON_HEADERS, "Content-Type": "application/json", **(headers or {})})


def empty(status: int) -> Response:
    """Return a response without a body."""
    return Response(b"", status, COMMON_HEADERS)


class Pages:
    """Renders pages without scripts, which no other page may frame."""

    def __init__(self) -> None:
        self._templates = Environment(
            loader=PackageLoader("bexio_sandbox", "templates/identity"), autoescape=True, undefined=StrictUndefined
        )

    def show(self, name: str, status: int = 200, *, leads_to: str | None = None, **context: Any) -> Response:
        """Return a page; its forms may lead on to the origin of `leads_to`."""
        nonce = secrets.token_urlsafe(16)
        html = self._templates.get_template(f"{name}.html").render(context, nonce=nonce, words=WORDS)
        headers = {
            **COMMON_HEADERS,
            "Content-Type": "text/html; charset=utf-8",
            "X-Frame-Options": "DENY",
            "Content-Security-Policy": f"default-src 'none'; style-src 'nonce-{nonce}'; base-uri 'none'; "
            f"frame-ancestors 'none'; form-action 'self'{_origin(leads_to)}",
        }
        return Response(html, status, headers)


def _origin(uri: str | None) -> str:
    # Browsers apply form-action to the redirects after a form, too.
    if uri is None:
        return ""
    parts = urlsplit(uri)
    return f" {parts.scheme}://{parts.netloc}" if parts.netloc else f" {parts.scheme}:"
