"""The keys of the realm: RS256 for what clients read, HS512 for refresh tokens, which only the realm reads."""

from __future__ import annotations

import json
import secrets
from functools import cache, lru_cache
from typing import Any

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import OctKey, RSAKey

from bexio_sandbox.state.tables import Row, State

_READABLE, _OWN = "RS256", "HS512"


class Keys:
    """Signs and reads tokens; keys are made when they are first needed, and kept in the books."""

    def __init__(self, state: State) -> None:
        self._state = state

    def ensure(self) -> None:
        """Makes the keys if there are none."""
        with self._state.lock:
            if not self._state.tables["identity_keys"]:
                with self._state.transaction():
                    self._add(_first_key(), secrets.token_urlsafe(64))

    def rotate(self) -> None:
        """Signs with a new RS256 key from now on; what was signed before stays readable."""
        self.ensure()
        with self._state.transaction():
            self._add(_new_key(), self._newest()["secret"])

    def forget_old(self) -> None:
        """Publishes no key any more but the newest, as if the old ones had been stolen."""
        newest = self._newest()
        with self._state.transaction():
            for number in list(self._state.tables["identity_keys"]):
                if number != newest["id"]:
                    self._state.remove("identity_keys", number)

    def public(self) -> dict[str, Any]:
        """Return the public keys as a JWKS."""
        self.ensure()
        rows = self._state.tables["identity_keys"].values()
        return {"keys": [_rsa(row).as_dict(private=False) for row in rows]}

    def sign(self, claims: dict[str, Any]) -> str:
        """Return claims as a token that everybody can verify."""
        self.ensure()
        key = _rsa(self._newest())
        return jwt.encode({"alg": _READABLE, "typ": "JWT", "kid": key.kid}, claims, key)

    def sign_for_itself(self, claims: dict[str, Any]) -> str:
        """Return claims as a token that only the realm can verify."""
        self.ensure()
        key = OctKey.import_key(self._newest()["secret"])
        return jwt.encode({"alg": _OWN, "typ": "JWT"}, claims, key, algorithms=[_OWN])

    def read(self, token: str) -> dict[str, Any] | None:
        """Return the claims of a token that everybody can verify, whether it has ended or not."""
        keys = [_rsa(row) for row in self._state.tables["identity_keys"].values()]
        return _first_fit(token, keys, _READABLE)

    def read_own(self, token: str) -> dict[str, Any] | None:
        """Return the claims of a token that only the realm can verify."""
        keys = [OctKey.import_key(row["secret"]) for row in self._state.tables["identity_keys"].values()]
        return _first_fit(token, keys, _OWN)

    def _newest(self) -> Row:
        rows = self._state.tables["identity_keys"]
        return rows[max(rows)]

    def _add(self, private: dict[str, Any], secret: str) -> None:
        self._state.add("identity_keys", {"private": private, "secret": secret})


def _rsa(row: Row) -> RSAKey:
    return _imported(json.dumps(row["private"]))


@lru_cache(maxsize=16)
def _imported(private: str) -> RSAKey:
    # A key is checked when it is first used, which takes as long as a hundred signatures.
    return RSAKey.import_key(json.loads(private))


def _first_fit(token: str, keys: list[RSAKey] | list[OctKey], algorithm: str) -> dict[str, Any] | None:
    for key in keys:
        try:
            return dict(jwt.decode(token, key, algorithms=[algorithm]).claims)
        except (JoseError, ValueError):
            continue
    return None


@cache
def _first_key() -> dict[str, Any]:
    # The sandboxes of one process begin with the same key: making one takes longer than all else about them.
    return _new_key()


def _new_key() -> dict[str, Any]:
    parameters: Any = {"use": "sig", "alg": _READABLE}
    return dict(RSAKey.generate_key(2048, parameters=parameters, auto_kid=True).as_dict(private=True))
