"""How the identity server answers programs: JSON, and errors in the form of OAuth 2."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from werkzeug.wrappers import Response

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
        self.error = error
        self.description = description
        self.status = status
        self.headers = dict(headers or {})

    def response(self) -> Response:
        """Returns the answer."""
        body = {"error": self.error, **({"error_description": self.description} if self.description else {})}
        return answer(body, self.status, self.headers)


def answer(body: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """Returns JSON that nobody keeps."""
    text = json.dumps(body, ensure_ascii=False)
    return Response(text, status, {**COMMON_HEADERS, "Content-Type": "application/json", **(headers or {})})


def empty(status: int) -> Response:
    """Returns an answer without a body."""
    return Response(b"", status, COMMON_HEADERS)
