"""Access tokens and what they allow."""

from __future__ import annotations

import base64
import hmac
import json
import secrets
from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from bexsync.sandbox.books.state import Books, Row
from bexsync.sandbox.errors import ApiError

LIFETIME = timedelta(days=60)
COMPANY_ID = "bergladen7270"

SCOPES = frozenset(
    {
        "openid",
        "profile",
        "email",
        "offline_access",
        "company_profile",
        "accounting",
        "article_show",
        "article_edit",
        "bank_account_show",
        "bank_payment_show",
        "bank_payment_edit",
        "contact_show",
        "contact_edit",
        "file",
        "kb_invoice_show",
        "kb_invoice_edit",
        "kb_offer_show",
        "kb_offer_edit",
        "kb_order_show",
        "kb_order_edit",
        "kb_delivery_show",
        "kb_delivery_edit",
        "kb_article_order_show",
        "kb_article_order_edit",
        "kb_bill_show",
        "kb_expense_show",
        "monitoring_show",
        "monitoring_edit",
        "note_show",
        "note_edit",
        "project_show",
        "project_edit",
        "stock_edit",
        "task_show",
        "task_edit",
    }
)


class Tokens:
    """The tokens that were given out for a company."""

    def __init__(self, books: Books) -> None:
        self._books = books

    def create(self, scopes: Iterable[str] | None, user_id: int, token: str | None) -> str:
        """Gives out a token; one that the caller made up never expires."""
        granted = SCOPES if scopes is None else frozenset(scopes)
        if granted - SCOPES:
            raise ValueError(f"unknown scope: {', '.join(sorted(granted - SCOPES))}")
        if user_id not in self._books.tables["users"]:
            raise ValueError(f"there is no user {user_id}")
        expiry = None if token else int((self._books.clock() + LIFETIME).timestamp())
        value = token or self._made_up(user_id, expiry)
        with self._books.transaction():
            self.revoke(value)
            row = {"token": value, "scopes": sorted(granted), "user_id": user_id, "expires_at": expiry}
            self._books.add("tokens", row)
        return value

    def revoke(self, token: str) -> None:
        """Makes a token worthless."""
        with self._books.lock:
            for row in list(self._books.tables["tokens"].values()):
                if row["token"] == token:
                    self._books.remove("tokens", row["id"])

    def revoke_user(self, user_id: int) -> None:
        """Makes all tokens of a user worthless."""
        with self._books.transaction():
            for row in list(self._books.tables["tokens"].values()):
                if row["user_id"] == user_id:
                    self._books.remove("tokens", row["id"])

    def expire(self, token: str) -> None:
        """Lets a token end now."""
        now = int(self._books.clock().timestamp())
        with self._books.transaction():
            for row in list(self._books.tables["tokens"].values()):
                if row["token"] == token:
                    self._books.put("tokens", {**row, "expires_at": now})

    def of_header(self, authorization: str) -> Row:
        """Returns the token of an Authorization header."""
        kind, _, value = authorization.partition(" ")
        for row in self._books.tables["tokens"].values():
            is_same = hmac.compare_digest(row["token"].encode(), value.strip().encode())
            if kind.lower() == "bearer" and is_same and not self._is_expired(row):
                return row
        raise ApiError(401, "Invalid token.")

    def _is_expired(self, row: Row) -> bool:
        return row["expires_at"] is not None and self._books.clock().timestamp() >= row["expires_at"]

    def _made_up(self, user_id: int, expiry: int | None) -> str:
        claims = {
            "sub": f"sandbox-user-{user_id}",
            "company_id": COMPANY_ID,
            "company_user_id": user_id,
            "iat": int(self._books.clock().timestamp()),
            "exp": expiry,
            "jti": secrets.token_hex(8),
        }
        parts = (_encoded({"alg": "HS256", "typ": "JWT"}), _encoded(claims), secrets.token_urlsafe(32))
        return ".".join(parts)


def allows(scopes: Iterable[str], needed: str | None) -> bool:
    """Says whether scopes cover the needed one; the right to write includes the right to read."""
    if needed is None or needed in scopes:
        return True
    return needed.endswith("_show") and f"{needed.removesuffix('_show')}_edit" in scopes


def _encoded(part: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=")
