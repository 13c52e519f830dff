"""The pages a person sees while logging in."""

from __future__ import annotations

import secrets
from typing import Any
from urllib.parse import urlsplit

from jinja2 import Environment, PackageLoader, StrictUndefined
from werkzeug.wrappers import Response

from bexio_sandbox.identity.answers import COMMON_HEADERS
from bexio_sandbox.scopes import WORDS


class Pages:
    """Renders pages without scripts, which no other page may frame."""

    def __init__(self) -> None:
        self._templates = Environment(
            loader=PackageLoader("bexio_sandbox", "templates/identity"), autoescape=True, undefined=StrictUndefined
        )

    def show(self, name: str, status: int = 200, *, leads_to: str | None = None, **context: Any) -> Response:
        """Returns a page; its forms may lead on to the origin of `leads_to`."""
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
